"""The test images of a version: where they lie, what is true of them, and what SAR-RS-CoCa said."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tasks import records
from tasks.report.version import Version

PLACE = [name for name, _ in records.PLACE]
CAPTIONS = "data/predictions/captions.parquet"
TEXTS = ("optical", "sar")


def tested(text: str) -> str:
    """The path of the test captions of a text."""
    return f"data/{text}_text/test.parquet"


@dataclass(frozen=True)
class Item:
    """A test image."""

    place: Mapping[str, Any]  # its row of `records.PLACE`
    text: str  # optical | sar, the text that it is tested for
    captions: tuple[str, ...]  # that are true of it


def read(version: Version, *, text: str) -> dict[str, Item] | None:
    """`record_id` → test image of the text; null where its table is out of reach."""
    path = version.place(tested(text))
    if path is None:
        return None
    places: dict[str, dict[str, Any]] = {}
    captions: dict[str, list[str]] = {}
    for row in records.read(path, columns=[*PLACE, "text"]):
        places.setdefault(row["record_id"], {name: row[name] for name in PLACE})
        captions.setdefault(row["record_id"], []).append(row["text"])
    return {name: Item(places[name], text, tuple(captions[name])) for name in sorted(places)}


def said(version: Version, *, variant: str) -> dict[str, str] | None:
    """`record_id` → the caption that the variant of SAR-RS-CoCa gave; null where the table is out of reach."""
    path = version.place(CAPTIONS)
    if path is None:
        return None
    rows = records.read(path, columns=["record_id", "variant", "text"])
    return {row["record_id"]: row["text"] for row in rows if row["variant"] == variant}


def cider(items: Mapping[str, Item], captions: Mapping[str, str]) -> dict[str, float]:
    """`record_id` → CIDEr of its caption against its true ones, of the images that both tell of.

    Document frequencies are those of these images, as in `metrics/evaluate.json` of a test set.
    """
    from sar_models.metrics import caption

    known = sorted(items.keys() & captions.keys())
    if not known:
        return {}
    found = caption.statistics([captions[name] for name in known], [items[name].captions for name in known])
    return dict(zip(known, found["cider"].items[:, 0].tolist(), strict=True))
