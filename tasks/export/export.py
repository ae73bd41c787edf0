"""`sar-text export`: one folder, one layout, complete once `SHA256SUMS` stands in it."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sar_models.shards import ShardReader
from tasks import paths
from tasks.download import digests
from tasks.download.progress import Bar
from tasks.export import coco, describe, huggingface, llava, openclip, webdataset
from tasks.export.bundle import Bundle, load
from tasks.validate.write import SPLITS, shown_as_stored

LAYOUTS: dict[str, Callable[[Bundle], None]] = {
    "openclip": openclip.write,
    "webdataset": webdataset.write,
    "huggingface": huggingface.write,
    "coco": coco.write,
    "llava": llava.write,
}
SUMS = "SHA256SUMS"  # `sha256sum --check` reads it; written last
_STARTED = ".export.json"  # what a stopped export was, so that only the same one goes on


@dataclass(frozen=True)
class ExportSummary:
    """What lies in the folder."""

    modality: str
    layout: str
    images: int
    captions: int
    questions: int
    shown: int  # images written as 8-bit PNG by their radiometry, because plain readers would not show them as meant

    def __str__(self) -> str:
        return (
            f"{self.images} images with {self.captions} captions and {self.questions} questions of the {self.modality} "
            f"text as {self.layout}; {self.shown} images that plain readers do not show as they are meant (deeper than "
            "8 bits, TIFF, own radiometry) are 8-bit PNG"
        )


def export(modality: str, out: Path, *, layout: str) -> ExportSummary:
    """Write the validated text of `modality` below `out` in one of `LAYOUTS`, with data card and Croissant description.

    Image bytes are the source's own where a plain reader shows them as they are meant, else an 8-bit PNG made by the
    declared radiometry. Equal data give equal bytes. Called again after an interruption, it goes on where it stopped.

    Raises `ValueError` for an unknown layout, when `out` holds anything but the same export unfinished, when the data
    set is missing, or when an image in a shard is not the one that was validated (`out` is then removed again).
    """
    if layout not in LAYOUTS:
        raise ValueError(f"no layout '{layout}'; there are {', '.join(LAYOUTS)}")
    started = json.dumps({"layout": layout, "text": modality, "of": _version(modality)}, sort_keys=True)
    _begin(out, started)
    try:
        with ShardReader(paths.sources_data(modality)) as shards, Bar(f"export {layout}", unit="files") as bar:
            bundle = load(modality, out, shards=shards, bar=bar)
            LAYOUTS[layout](bundle)
        describe.write(bundle, layout=layout)
    except ValueError:
        shutil.rmtree(out, ignore_errors=True)
        raise
    _finish(out)
    captions, questions = (sum(len(rows[split]) for split in SPLITS) for rows in (bundle.captions, bundle.questions))
    images = bundle.images()
    shown = sum(not shown_as_stored(image) for image in images)
    return ExportSummary(modality, layout, len(images), captions, questions, shown)


def _version(modality: str) -> str:
    """What the data set is: the digest of its description, which names the digest of every file."""
    description = paths.text(modality) / "croissant.json"
    if not description.is_file():
        raise ValueError(f"{description} does not exist: run `dvc repro validate@{modality}`, or `dvc checkout`")
    return digests.of_file(description).sha256


def _begin(out: Path, started: str) -> None:
    marker = out / _STARTED
    if marker.is_file() and marker.read_text(encoding="utf-8") == started:
        return
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ValueError(f"{out} is not an empty folder: name a new one, for an export overwrites nothing")
    out.mkdir(parents=True, exist_ok=True)
    marker.write_text(started, encoding="utf-8")


def _finish(out: Path) -> None:
    for partial in out.rglob(".*.part"):
        partial.unlink()
    listed = out / f".{SUMS}.part"
    digests.write_list(out, listed, patterns=("[!.]*", "[!.]*/**/*"))
    listed.replace(out / SUMS)
    (out / _STARTED).unlink()
