"""Narrate a folder of bare SAR images: captions with scores, as CSV, JSON lines and a page to look at.

Images are taken in sorted order in chunks. A finished chunk is one file below `OUT/.narrate/`, written whole or not at
all, so that a run that was killed goes on where it stopped; its name is a digest of the images (path, size, time of
change), the models and the settings, so that only what is still the same is taken over. Chunks are the same however
often a run is broken off, and so are the bytes that come out. An image that cannot be read is listed and left out.
"""

import csv
import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sar_models.reading import Reading, read
from sar_models.settings import Decoding, Hardware, Sampling
from tasks.download.progress import Bar
from tasks.image_files import images_below
from tasks.narrate import contact_sheet
from tasks.narrate.model_captions import write

if TYPE_CHECKING:
    from tasks.narrate.captioner import Captioner

CHUNK = 32  # images captioned together
WORK = ".narrate"  # below --out: what is done so far
FORMAT = 2  # of its files


@dataclass(frozen=True)
class Settings:
    """How images are captioned."""

    captions: int = 1  # an image; further ones are other decodings that say something else
    reading: Reading = field(default_factory=Reading)
    decoding: Decoding = field(default_factory=lambda: Decoding("beam", beams=4, max_tokens=48, batch_size=CHUNK))
    sampling: Sampling = field(default_factory=lambda: Sampling(max_tokens=48, batch_size=CHUNK))
    samples: int = 3
    seed: int = 7
    hardware: Hardware = field(default_factory=Hardware)

    def __post_init__(self) -> None:
        if not 1 <= self.captions <= 2 + self.samples:
            raise ValueError(f"--captions is {self.captions}; it can be 1 to {2 + self.samples}")


@dataclass(frozen=True)
class FolderSummary:
    """What became of the images."""

    images: int
    captions: int
    taken_over: int  # images of chunks that an earlier run had finished
    failed: tuple[tuple[str, str], ...]  # path, why
    out: Path


def narrate_folder(
    folder: Path,
    out: Path,
    *,
    open_captioner: Callable[[], "Captioner"],
    settings: Settings,
) -> FolderSummary:
    """Caption every PNG, JPEG and TIFF image below `folder` and write `captions.csv`, `captions.jsonl` and `index.html`
    into `out`, with a progress bar.

    Raises `ValueError` when `folder` is none or holds no image, or `out` is `folder` itself or cannot be written to.
    """
    paths = _images(folder, out)
    captioner = open_captioner()
    work = out / WORK
    work.mkdir(parents=True, exist_ok=True)
    entries: list[dict[str, Any]] = []
    taken_over = 0
    chunks: dict[Path, Sequence[str]] = {}
    with Bar("captioning", total=len(paths), unit="files") as bar:
        for start in range(0, len(paths), CHUNK):
            chunk = paths[start : start + CHUNK]
            place = work / f"{_key(folder, chunk, captioner, settings)}.json"
            if place.is_file() and not _unread(place):
                taken_over += len(chunk)
            else:
                done = _narrate(folder, chunk, captioner, settings)
                partial = place.with_suffix(".partial")
                partial.write_text(json.dumps(done, ensure_ascii=False), encoding="utf-8")
                partial.replace(place)
            chunks[place] = chunk
            entries += [{key: entry[key] for key in entry if key != "thumbnail"} for entry in _done(place)]
            bar.moved(sum((folder / path).stat().st_size for path in chunk if (folder / path).is_file()))
            bar.finished(len(chunk))
    for stale in set(work.iterdir()) - chunks.keys():  # of images or settings that are no more
        if stale.is_file():
            stale.unlink()
    captions = _write(out, entries, captioner=captioner, chunks=chunks)
    failed = tuple((entry["filepath"], entry["error"]) for entry in entries if "error" in entry)
    return FolderSummary(len(paths), captions, taken_over, failed, out)


def _images(folder: Path, out: Path) -> list[str]:
    """The images of `folder`, less what lies below `out`."""
    if out.exists() and not out.is_dir():
        raise ValueError(f"--out {out} is a file; give a folder")
    if out.resolve() == folder.resolve():
        raise ValueError(f"--out must not be {folder} itself: give a folder of its own, such as {folder / 'captions'}")
    return images_below(folder, but=out)


def _unread(place: Path) -> bool:
    """Whether the chunk holds an image that the system did not hand over: the next run may read it."""
    return any(entry.get("unread") for entry in _done(place))


def _done(place: Path) -> list[dict[str, Any]]:
    """The entries of a finished chunk."""
    entries: list[dict[str, Any]] = json.loads(place.read_text(encoding="utf-8"))
    return entries


def _key(folder: Path, chunk: Sequence[str], captioner: "Captioner", settings: Settings) -> str:
    total = hashlib.sha256(repr((FORMAT, captioner.version, settings)).encode())
    for path in chunk:
        stat = (folder / path).stat() if (folder / path).is_file() else None
        total.update(repr((path, stat and (stat.st_size, stat.st_mtime_ns))).encode("utf-8", "surrogateescape"))
    return total.hexdigest()[:32]


def _narrate(folder: Path, chunk: Sequence[str], captioner: "Captioner", settings: Settings) -> list[dict[str, Any]]:
    """One entry an image: captions, scores and thumbnail, or the error."""
    pictures: dict[str, NDArray[np.uint8]] = {}
    errors: dict[str, str] = {}
    unread: set[str] = set()
    for path in chunk:
        try:
            path.encode("utf-8")
            pictures[path] = read(folder / path, settings.reading)
        except UnicodeEncodeError:
            errors[path] = "its name is not valid UTF-8: rename it"
        except OSError as error:  # its text would hold the absolute path
            errors[path] = error.strerror or type(error).__name__
            unread.add(path)
        except ValueError as error:  # one bad file does not stop the others: it is listed at the end
            errors[path] = str(error)
    written = write(
        captioner.coca, captioner.clip, list(pictures.values()), list(pictures), decoding=settings.decoding,
        sampling=settings.sampling, samples=settings.samples, seed=settings.seed, hardware=settings.hardware,
    )  # fmt: skip
    told = dict(zip(pictures, written, strict=True))
    entries: list[dict[str, Any]] = []
    for path in chunk:
        shown = path.encode("utf-8", "backslashreplace").decode()
        if path in errors:
            entries.append({"filepath": shown, "error": errors[path], "unread": path in unread})
            continue
        said = told[path]
        texts = list(dict.fromkeys((said.text, *said.others)))[: settings.captions]
        entries.append({"filepath": shown, "captions": texts, "clip_score": said.clip_score,
                        "agreement": said.agreement, "size_px": list(pictures[path].shape[1::-1]),
                        "thumbnail": contact_sheet.thumbnail(pictures[path])})  # fmt: skip
    return entries


def _write(
    out: Path, entries: Sequence[dict[str, Any]], *, captioner: "Captioner", chunks: Mapping[Path, Sequence[str]]
) -> int:
    """The three files; returns the number of captions."""
    good = [entry for entry in entries if "error" not in entry]
    rows = [(entry, text) for entry in good for text in entry["captions"]]
    with (out / "captions.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["filepath", "caption"])
        writer.writerows([entry["filepath"], text] for entry, text in rows)
    lines = [
        {
            "filepath": entry["filepath"],
            "caption": text,
            "route": "model",
            "clip_score": entry["clip_score"],
            "agreement": entry["agreement"],
            "model": captioner.version,
        }
        for entry, text in rows
    ]
    (out / "captions.jsonl").write_text(
        "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8"
    )
    names: set[str] = set()
    where = {path: place for place, chunk in chunks.items() for path in chunk}

    def thumbnails(shown: Sequence[Mapping[str, Any]]) -> dict[str, str]:
        places = dict.fromkeys(where[entry["filepath"]] for entry in shown)
        return {
            entry["filepath"]: entry["thumbnail"] for place in places for entry in _done(place) if "error" not in entry
        }

    for name, page in contact_sheet.pages(entries, version=captioner.version, thumbnails=thumbnails):
        (out / name).write_text(page, encoding="utf-8")
        names.add(name)
    for old in out.glob("index_*.html"):  # pages of an earlier, larger run
        if re.fullmatch(r"index_\d+\.html", old.name) and old.name not in names:
            old.unlink()
    return len(rows)
