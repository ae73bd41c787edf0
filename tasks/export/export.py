"""`sar-text export`: one folder, one layout, complete once `SHA256SUMS` stands in it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sar_models.shards import ShardReader
from tasks import paths
from tasks.download import digests
from tasks.download.progress import Bar
from tasks.export import coco, describe, huggingface, llava, openclip, webdataset
from tasks.export.bundle import Bundle, load, partial_of
from tasks.validate import croissant
from tasks.validate.write import shown_as_stored

LAYOUTS: dict[str, Callable[[Bundle], None]] = {
    "openclip": openclip.write,
    "webdataset": webdataset.write,
    "huggingface": huggingface.write,
    "coco": coco.write,
    "llava": llava.write,
}
WITH_QUESTIONS = ("huggingface", "llava")
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
    declared radiometry. Equal data give equal bytes. Nothing in `out` is ever overwritten or removed: a folder without
    `SHA256SUMS` is not finished, and the same export, called again after an error or an interruption, goes on there.

    Raises `ValueError` for an unknown layout, when `out` holds anything but the same export unfinished, when the data
    set is missing, or when an image in a shard is not the one that was validated.
    """
    if layout not in LAYOUTS:
        raise ValueError(f"no layout '{layout}'; there are {', '.join(LAYOUTS)}")
    started = json.dumps({"layout": layout, "text": modality, "of": _version(modality)}, sort_keys=True)
    _begin(out, started)
    asked = layout in WITH_QUESTIONS
    with ShardReader(paths.sources_data(modality)) as shards, Bar(f"export {layout}", unit="files") as bar:
        bundle = load(modality, out, asked=asked, shards=shards, bar=bar)
        LAYOUTS[layout](bundle)
    _refuse_strangers(bundle)  # before they are described as part of the export
    describe.write(bundle, layout=layout)
    _finish(out)
    images = bundle.images()
    shown = sum(not shown_as_stored(image) for image in images)
    questions = bundle.rows("_questions") if asked else 0
    return ExportSummary(modality, layout, len(images), bundle.rows(""), questions, shown)


def _version(modality: str) -> str:
    """What the data set is: the digest of its description, which names the digest of every file."""
    description = paths.text(modality) / "croissant.json"
    if not description.is_file():
        raise ValueError(f"{description} does not exist: run `dvc repro validate@{modality}`, or `dvc checkout`")
    return digests.of_file(description).sha256


def _begin(out: Path, started: str) -> None:
    marker = out / _STARTED
    if marker.is_file() and marker.read_text(encoding="utf-8") == started:
        (out / SUMS).unlink(missing_ok=True)  # ours: it stopped between its last two steps
        return
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ValueError(
            f"{out} is not an empty folder: name a new one, for an export overwrites nothing, "
            "and one that stopped goes on only with the same layout of the same data"
        )
    out.mkdir(parents=True, exist_ok=True)
    marker.write_text(started, encoding="utf-8")


def _refuse_strangers(bundle: Bundle) -> None:
    own = {bundle.out / name for name in (*bundle.written, describe.CARD, croissant.NAME, SUMS)}
    own |= {partial_of(path) for path in own} | {bundle.out / _STARTED}
    found = (path for path in bundle.out.rglob("*") if path.is_symlink() or not path.is_dir())
    if strangers := sorted(path.relative_to(bundle.out).as_posix() for path in found if path not in own):
        raise ValueError(
            f"{bundle.out} holds {len(strangers)} files that are no part of the export, such as {strangers[0]}: move "
            "them elsewhere, and call the same command again"
        )


def _finish(out: Path) -> None:
    listed = partial_of(out / SUMS)
    digests.write_list(out, listed, patterns=("[!.]*", "[!.]*/**/*"))
    listed.replace(out / SUMS)
    (out / _STARTED).unlink()
