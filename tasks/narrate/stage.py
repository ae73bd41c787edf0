"""The narrate stage of one source: `records.parquet` → `captions.parquet`."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from tasks import paths, records
from tasks.download import catalog
from tasks.narrate.compose import narrate
from tasks.params import Narrate

COLUMNS = [
    "record_id", "modality", "width_px", "height_px", "sensor", "band", "polarization",
    "pixel_spacing_x_m", "pixel_spacing_y_m", "resolution_m", "pair_id", "boxes", "regions", "label", "captions",
]  # fmt: skip
SAMPLES = 8


@dataclass(frozen=True)
class NarrateSummary:
    """What was narrated."""

    source: str
    images: int
    captions: int
    without_text: int  # images of which nothing can be said
    routes: dict[str, int]  # captions by route
    rules: dict[str, int]  # captions by rule
    samples: list[dict[str, str]]  # record_id, route, rule, text

    def metrics(self) -> dict[str, float]:
        """The numbers, by name."""
        numbers = {"images": self.images, "captions": self.captions, "without_text": self.without_text}
        counted = {f"route_{route}": count for route, count in self.routes.items()}
        return {name: float(count) for name, count in (numbers | counted).items()}

    def rows(self) -> list[dict[str, Any]]:
        """One row for the source, one a rule, then a few captions."""
        whole = f"{self.captions} captions of {self.images} images, {self.without_text} images without text"
        return [
            {"route": "(all)", "rule": "", "captions": self.captions, "text": whole},
            *({"route": "", "rule": rule, "captions": count, "text": ""} for rule, count in self.rules.items()),
            *({key: sample.get(key) for key in ("route", "rule", "captions", "text")} for sample in self.samples),
        ]


def narrate_source(name: str, *, params: Narrate) -> NarrateSummary:
    """Narrate every image of the source `name`; equal records and settings give an equal file, byte for byte.

    Raises `ValueError` when the source or its records do not exist, or a class has no entry in `nouns.yaml`.
    """
    folder = paths.source_data(name)
    rows = records.read(folder / "records.parquet", columns=COLUMNS)
    exhaustive = frozenset(catalog.load(name, path=folder / "source.yaml").exhaustive)
    written: list[dict[str, object]] = []
    routes: Counter[str] = Counter()
    rules: Counter[str] = Counter()
    without_text = 0
    for row in rows:
        captions = narrate(row, exhaustive=exhaustive, params=params)
        without_text += not captions
        for number, caption in enumerate(captions):
            routes[caption.route] += 1
            rules[caption.rule] += 1
            written.append(
                {
                    "record_id": row["record_id"],
                    "caption_id": f"{row['record_id']}#c{number}",
                    "text": caption.text,
                    "route": caption.route,
                    "rule": caption.rule,
                    "claims": [claim._asdict() for claim in caption.claims],
                }
            )
    records.write(paths.source_text(name) / "captions.parquet", written, schema=records.CAPTIONS)
    step = max(len(written) // SAMPLES, 1)
    return NarrateSummary(
        source=name,
        images=len(rows),
        captions=len(written),
        without_text=without_text,
        routes=dict(sorted(routes.items())),
        rules=dict(sorted(rules.items())),
        samples=[
            {key: str(row[key]) for key in ("record_id", "route", "rule", "text")} for row in written[::step][:SAMPLES]
        ],
    )
