"""The files a reader may look at: those that the source declares, else all below the fetched folder."""

import struct
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Literal

import tifffile
from PIL import Image

from tasks.download import names
from tasks.download.catalog import Source
from tasks.download.listing import declared, present

Split = Literal["train", "val", "test"]
Unannotated = Literal["refuse", "empty", "skip"]  # what an image without any annotation means: see `Files.settle`

BROKEN = (  # what the image libraries raise for broken bytes
    OSError, EOFError, SyntaxError, ValueError, TypeError, KeyError, IndexError, AttributeError, ArithmeticError,
    struct.error, zlib.error, Image.DecompressionBombError,
)  # fmt: skip
IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp"})


@dataclass(frozen=True)
class Files:
    """The files of one source; `subset` says that the description names them one by one."""

    root: Path
    source: str
    paths: tuple[str, ...]  # POSIX, relative to root, sorted
    subset: bool

    @classmethod
    def of(cls, root: Path, source: Source) -> "Files":
        """Raises `ValueError` when the folder is missing or a declared file is not in it."""
        if not root.is_dir():
            raise ValueError(f"{source.name}: {root} is not a folder; fetch the source first")
        subset = declared(source)
        missing = sorted(path for path in subset if not (root / path).is_file())
        if missing:
            raise ValueError(
                f"{source.name}: {counted(missing, 'declared file')} missing below {root}; fetch them again"
            )
        return cls(root, source.name, tuple(sorted(subset or present(root))), bool(subset))

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.paths)

    def __contains__(self, path: str) -> bool:
        return path in self._known

    def below(self, folder: str) -> list[str]:
        """Paths below `folder` (`.` is the source's own), sorted."""
        start = join(folder, "x")[:-1]
        return [path for path in self.paths if path.startswith(start)]

    def images(self, folder: str) -> list[str]:
        """Those of them that are images."""
        return [path for path in self.below(folder) if is_image(path)]

    def edition(self, folder: str, other: str | None) -> str:
        """Which of two folders holds images, where the editions of a source differ in that; `folder` if neither does.

        Raises `ValueError` when both do: then images would count twice.
        """
        if other is None or not self.images(other):
            return folder
        if self.images(folder):
            raise ValueError(
                f"{self.source}: {folder} and {other} both hold images; they are two editions of the same, keep one"
            )
        return other

    def local(self, path: str) -> Path:
        """Where `path` lies on this machine. Raises `ValueError` when it leaves the folder, also through a link."""
        place = self.root / names.clean(path, where=self.source)
        if not place.resolve().is_relative_to(self.root.resolve()):
            raise ValueError(f"{self.source}: {path} links out of the source's folder; refused")
        return place

    def text(self, path: str) -> str:
        """Content of an annotation file. Raises `ValueError` when it is not there or not UTF-8."""
        if path not in self:
            raise ValueError(f"{self.source}: there is no file {path}; see `reader` in the source's description")
        try:
            return self.local(path).read_bytes().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise ValueError(f"{self.source}: {path} is not UTF-8 text: {error}") from error

    def settle(self, annotated: Iterable[str], images: Iterable[str], *, unannotated: Unannotated) -> list[str]:
        """Paths to yield, sorted, given the paths that are `annotated` and the `images` that exist.

        An annotated image that does not exist is an error, unless the source declares a subset: then it is simply not
        part of it. An image without annotation is an error too (`refuse`), counts as annotated with nothing there
        (`empty`), or is left out (`skip`). A path that leaves the folder is always an error.
        """
        named, there = set(annotated), set(images)
        for path in named:
            names.clean(path, where=self.source)
        missing, bare = sorted(named - there), sorted(there - named)
        if missing and not self.subset:
            raise ValueError(
                f"{self.source}: {counted(missing, 'annotated image')} missing; complete the download, "
                "or declare the subset that is meant in files or files_list"
            )
        if bare and unannotated == "refuse":
            raise ValueError(
                f"{self.source}: {counted(bare, 'image')} without annotation; name the annotation file that is left "
                "out, or set reader.unannotated to empty (nothing is there) or skip (leave them out)"
            )
        paths = sorted((named & there) | (set(bare) if unannotated == "empty" else set()))
        if not paths:
            raise ValueError(f"{self.source}: no annotated image found below {self.root}; see `reader`")
        for path in paths:
            self.local(path)
        return paths


def join(folder: str, name: str) -> str:
    """`folder`/`name` as a path of the source, without `./`; `.` is the source's own folder."""
    return (PurePosixPath(folder) / name).as_posix()


def is_image(path: str) -> bool:
    """Whether the name ends like an image that this project reads."""
    return path[path.rfind(".") :].lower() in IMAGE_SUFFIXES


def counted(names: list[str], what: str) -> str:
    """Such as `3 images, the first a.png,`: how many there are and where to look."""
    return f"{len(names)} {what}{'' if len(names) == 1 else 's'}, the first {names[0]},"


def split_of(value: str, splits: Mapping[str, Split], *, where: str) -> Split:
    """Our split for the source's name of it. Raises `ValueError` for a name that `reader.splits` does not hold."""
    if value not in splits:
        raise ValueError(f"{where}: split '{value}' is not in reader.splits ({', '.join(splits)}); add it there")
    return splits[value]


def size_px(path: Path) -> tuple[int, int] | None:
    """Width and height from the header alone; None where it cannot be read, which decoding reports per image."""
    try:
        if path.suffix.lower() in (".tif", ".tiff"):
            with tifffile.TiffFile(path) as tiff:
                page = tiff.pages.first
                return page.imagewidth, page.imagelength
        with Image.open(path) as image:
            return image.size
    except BROKEN:
        return None
