"""A project of a few generated images: real shards, records and features, captions as a test wants them."""

import dataclasses
import hashlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml
from PIL import Image

from sar_models.images import picture
from tasks import params as settings
from tasks import paths, records
from tasks.download import catalog, groups
from tasks.download.features import features
from tasks.download.shards import ShardWriter

REPOSITORY = Path(__file__).resolve().parents[3]
SHIP = {"class": "ship", "x": 10.0, "y": 12.0, "w": 8.0, "h": 4.0, "angle_deg": None}


def png(pixels: npt.NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def scene(seed: int, *, size: int = 48) -> npt.NDArray[np.uint8]:
    """A smooth random scene: different seeds are not near duplicates."""
    coarse = np.random.default_rng(seed).integers(20, 235, (8, 8), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((size, size), Image.Resampling.BICUBIC))


@dataclasses.dataclass
class Shot:
    """An image of a test source. `None` captions: one true caption."""

    path: str
    pixels: npt.NDArray[Any] | None = None  # default: a scene of its own
    data: bytes | None = None  # default: the pixels as PNG
    captions: Sequence[str] | None = None
    route: str = "chip"
    split: str | None = None
    group: str | None = None  # default: the path
    pair_id: str | None = None
    modality: str = "sar"
    label: str | None = "t72"
    boxes: Sequence[dict[str, Any]] | None = None
    error: str | None = None
    record: dict[str, Any] = dataclasses.field(default_factory=dict)  # what the record says instead


TRUE = "A SAR image of a T-72 tank."
GOOD = [Shot(f"good_{n:02}.png") for n in range(8)]


class World:
    """Sources on disk as download and narrate leave them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.texts: dict[str, str] = {}
        self.params = settings.load(REPOSITORY / "params.yaml")
        self._set(sources={})

    def source(self, name: str, shots: Sequence[Shot], *, text: str = "sar", **description: Any) -> None:
        """Write the description, records, features, shard and captions of a source."""
        self._set(sources={**self.texts, name: text})
        described = {
            "title": f"Test source {name}", "address": "file:///nowhere", "format": "chips", "modality": text,
            "role": "both", "licence": "CC0-1.0", "citation": f"Nobody, {name}, 2026",
            "radiometry": {"unit": "amplitude" if text == "sar" else "optical"},
            "classes": {"T72": "t72", "Ship": "ship"}, **description,
        }  # fmt: skip
        folder = paths.source_data(name)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "source.yaml").write_text(yaml.safe_dump(described), encoding="utf-8")
        rows, measured, captions = [], [], []
        with ShardWriter(folder / "shards") as writer:
            for number, shot in enumerate(shots):
                pixels = scene(_seed(name, number)) if shot.pixels is None else shot.pixels
                data = png(pixels) if shot.data is None else shot.data
                record_id = f"{name}/{shot.path}"
                place = dataclasses.asdict(writer.add(record_id, data))
                shown = pixels if pixels.ndim == 3 else pixels[..., np.newaxis]
                row = dict.fromkeys(records.RECORDS.names) | {
                    "record_id": record_id, "source": name, "sha256": hashlib.sha256(data).hexdigest(),
                    "width_px": shown.shape[1], "height_px": shown.shape[0], "bands": shown.shape[2],
                    "bit_depth": shown.dtype.itemsize * 8, "modality": shot.modality, "low": [0.0], "high": [255.0],
                    "group": shot.group or f"{name}/{shot.path}", "split": shot.split, "pair_id": shot.pair_id,
                    "boxes": shot.boxes, "label": shot.label,
                    "captions": shot.captions if shot.route == "given" else None,
                } | place | shot.record  # fmt: skip
                rows.append(row)
                found = {"error": shot.error}
                if shot.error is None:
                    found |= features(picture(shown, low=row["low"], high=row["high"], channels=row["channels"]))
                measured.append({"record_id": record_id, **found})
                texts = [TRUE] if shot.captions is None else shot.captions
                captions += [
                    {"record_id": record_id, "caption_id": f"{record_id}#c{index}", "text": text, "route": shot.route,
                     "rule": "test@1", "claims": []}
                    for index, text in enumerate(texts)
                ]  # fmt: skip
        records.write(folder / "records.parquet", rows, schema=records.RECORDS)
        built = catalog.load(name, path=folder / "source.yaml")
        groups.write(paths.source_groups(name), rows, source=built)
        records.write(folder / "features.parquet", measured, schema=records.FEATURES)
        records.write(paths.source_text(name) / "captions.parquet", captions, schema=records.CAPTIONS)
        records.write(paths.source_text(name) / "questions.parquet", [], schema=records.QUESTIONS)

    def add_caption(self, name: str, **row: Any) -> None:
        """Append a caption as it stands."""
        path = paths.source_text(name) / "captions.parquet"
        records.write(path, [*records.read(path), {"claims": [], "rule": "test@1"} | row], schema=records.CAPTIONS)

    def lenient(self, share: float = 1.0) -> settings.Params:
        """Settings under which the stage does not stop."""
        return dataclasses.replace(
            self.params, validate=dataclasses.replace(self.params.validate, max_quarantine_share=share)
        )

    def _set(self, *, sources: dict[str, Any]) -> None:
        self.texts = sources
        self.params = dataclasses.replace(
            self.params,
            sources=sources,
            pairs=dataclasses.replace(self.params.pairs, sources=()),
            model_text=dataclasses.replace(self.params.model_text, sources=()),
        )
        (self.root / "params.yaml").write_text(yaml.safe_dump({"sources": sources}), encoding="utf-8")


def _seed(name: str, number: int) -> int:
    return int.from_bytes(hashlib.sha256(f"{name}{number}".encode()).digest()[:4], "big")


def quarantine(modality: str = "sar") -> dict[str, tuple[str, str]]:
    """Caption id (or record id of an image) → reason, detail."""
    rows = records.read(paths.text(modality) / "quarantine.parquet")
    return {row["caption_id"] or row["record_id"]: (row["reason"], row["detail"]) for row in rows}


def passed(modality: str = "sar") -> list[dict[str, Any]]:
    return [row for name in ("train", "val", "test") for row in records.read(paths.text(modality) / f"{name}.parquet")]
