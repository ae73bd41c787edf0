"""What every layout is made of: the rows of a validated data set, its images, and a folder that can be resumed."""

import hashlib
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image, UnidentifiedImageError

from sar_models.shards import ShardReader
from tasks import paths, records
from tasks.download import catalog
from tasks.download.catalog import Source
from tasks.download.progress import Bar
from tasks.validate import write

Row = Mapping[str, Any]
_CAPTION = [name for name in records.TEXT.names if name != "claims"]
_QUESTION = [name for name in records.QUESTION_TEXT.names if name != "claims"]
_SUFFIX = {"JPEG": "jpg", "PNG": "png", "BMP": "bmp"}


@dataclass(frozen=True)
class Picture:
    """The bytes of an image as a plain reader shows it."""

    data: bytes
    suffix: str  # jpg, png or bmp, by what the bytes are


@dataclass
class Bundle:
    """A text data set and the folder into which a layout writes it."""

    modality: str
    out: Path
    shards: ShardReader
    bar: Bar
    captions: dict[str, list[dict[str, Any]]]  # split → rows of records.TEXT, without claims
    questions: dict[str, list[dict[str, Any]]]  # split → rows of records.QUESTION_TEXT, without claims
    sources: dict[str, Source]

    @property
    def folder(self) -> Path:
        """The validated data set."""
        return paths.text(self.modality)

    def images(self) -> list[dict[str, Any]]:
        """One row an image that a caption or a question speaks of, in the order of the shards."""
        found: dict[str, dict[str, Any]] = {}
        for rows in (*self.captions.values(), *self.questions.values()):
            for row in rows:
                found.setdefault(row["record_id"], row)
        return sorted(found.values(), key=lambda row: (row["source"], row["shard"], row["offset"]))

    def picture(self, image: Row, *, formats: Iterable[str] = ("JPEG", "PNG")) -> Picture:
        """The stored bytes where plain readers of `formats` show them as they are meant, else an 8-bit PNG.

        Raises `ValueError` when the shard holds another image than the one that was validated.
        """
        data = self.shards.read(image)
        if hashlib.sha256(data).hexdigest() != image["sha256"]:
            raise ValueError(
                f"{image['record_id']}: {image['shard']} holds other bytes than were validated; `dvc checkout`"
            )
        stored = _format(data) if write.shown_as_stored(image) else None
        if stored is not None and stored in tuple(formats):
            return Picture(data, _SUFFIX[str(stored)])
        pixels = self.shards.picture(image)
        buffer = io.BytesIO()
        Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(buffer, format="PNG")
        return Picture(buffer.getvalue(), "png")

    def loose_images(self, images: Iterable[Row]) -> None:
        """Write `images` to `Image/<source>/…`; what a stopped export already wrote stays."""
        for image in images:
            picture = self.picture(image, formats=_SUFFIX)
            self.put_bytes(write.filepath(image), picture.data)
            self.bar.moved(len(picture.data))
            self.bar.finished()

    def put(self, path: str, make: Callable[[Path], object]) -> None:
        """Have `make` write the file `path`, which then appears whole or not at all; one that is there stays."""
        target = self.out / path
        assert target.resolve().is_relative_to(self.out.resolve()), "write.splits refuses paths that leave the folder"
        if target.is_file():
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".{target.name[-100:]}.part")
        make(partial)
        partial.replace(target)

    def put_bytes(self, path: str, data: bytes) -> None:
        """`put` of a file that is made already."""
        self.put(path, lambda target: target.write_bytes(data))

    def put_json(self, path: str, content: Any) -> None:
        """`put` of JSON, sorted and on one line."""
        self.put_bytes(path, json.dumps(content, sort_keys=True, ensure_ascii=False).encode())

    def by_image(self, rows: Iterable[Row]) -> Iterator[tuple[Row, list[Row]]]:
        """The rows of each image together, in the order of their first row."""
        together: dict[str, list[Row]] = {}
        for row in rows:
            together.setdefault(row["record_id"], []).append(row)
        for own in together.values():
            yield own[0], own


def load(modality: str, out: Path, *, shards: ShardReader, bar: Bar) -> Bundle:
    """The data set of `modality` as validate wrote it. Raises `ValueError` when it is missing."""
    folder = paths.text(modality)
    captions = {split: records.read(folder / f"{split}.parquet", columns=_CAPTION) for split in write.SPLITS}
    questions = {
        split: records.read(folder / f"{split}_questions.parquet", columns=_QUESTION) for split in write.SPLITS
    }
    names = sorted({row["source"] for rows in (*captions.values(), *questions.values()) for row in rows})
    sources = {name: catalog.load(name, path=paths.source_data(name) / "source.yaml") for name in names}
    return Bundle(modality, out, shards, bar, captions, questions, sources)


def _format(data: bytes) -> str | None:
    try:
        with Image.open(io.BytesIO(data), formats=tuple(_SUFFIX)) as image:
            return image.format
    except UnidentifiedImageError:
        return None
