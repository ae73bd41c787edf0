"""The narrate stage of one source: `records.parquet` → `captions.parquet` and `questions.parquet`."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from tasks import collector, paths, records
from tasks.download import catalog
from tasks.narrate import given, questions
from tasks.narrate.compose import narrate
from tasks.params import Narrate

COLUMNS = [
    "record_id", "modality", "width_px", "height_px", "sensor", "band", "polarization",
    "pixel_spacing_x_m", "pixel_spacing_y_m", "resolution_m", "pair_id", "bounds", "boxes", "regions",
    "labelled_fraction", "label", "captions",
]  # fmt: skip
SAMPLES = 8
CHUNK = 2_000  # images that are narrated at a time: bounds the memory


@dataclass(frozen=True)
class NarrateSummary:
    """What was narrated."""

    source: str
    images: int
    captions: int
    without_text: int  # images of which nothing can be said
    routes: dict[str, int]  # captions by route
    rules: dict[str, int]  # captions by rule
    questions: int
    families: dict[str, int]  # questions by family
    samples: list[dict[str, str]]  # record_id, route, rule, text

    def metrics(self) -> dict[str, float]:
        """The numbers, by name."""
        numbers = {"images": self.images, "captions": self.captions, "without_text": self.without_text}
        counted = {f"route_{route}": count for route, count in self.routes.items()}
        counted |= {"questions": self.questions}
        counted |= {f"questions_{family}": count for family, count in self.families.items()}
        return {name: float(count) for name, count in (numbers | counted).items()}

    def rows(self) -> list[dict[str, Any]]:
        """One row for the source, one a rule, then a few captions."""
        whole = f"{self.captions} captions of {self.images} images, {self.without_text} images without text"
        asked = ", ".join(f"{count} {family}" for family, count in self.families.items())
        return [
            {"route": "(all)", "rule": "", "captions": self.captions, "text": whole},
            {"route": "(questions)", "rule": "", "captions": self.questions, "text": asked},
            *({"route": "", "rule": rule, "captions": count, "text": ""} for rule, count in self.rules.items()),
            *({key: sample.get(key) for key in ("route", "rule", "captions", "text")} for sample in self.samples),
        ]


@dataclass(frozen=True)
class _Chunk:
    """What was made of some rows."""

    captions: pa.Table
    without_text: int
    images: list[questions.Image]
    piles: questions.Piles


@collector.paused()
def narrate_source(name: str, *, params: Narrate) -> NarrateSummary:
    """Narrate every image of the source `name`; equal records and settings give an equal file, byte for byte.

    Rows go through in chunks, so that one process and little memory are enough for any size. Raises `ValueError` when
    the source or its records do not exist, or a class has no entry in `nouns.yaml`.
    """
    folder, out = paths.source_data(name), paths.source_text(name)
    batches = records.read_batches(folder / "records.parquet", columns=COLUMNS, rows=CHUNK)
    exhaustive = frozenset(catalog.load(name, path=folder / "source.yaml").exhaustive)
    work = partial(_narrate, exhaustive=exhaustive, params=params)
    images: list[questions.Image] = []
    piles: questions.Piles = {}
    counts: dict[str, Counter[str]] = {"route": Counter(), "rule": Counter()}
    without_text = 0

    def captions() -> Iterator[pa.Table]:
        nonlocal without_text
        for chunk in map(work, batches):
            questions.merge(piles, chunk.piles, first=len(images))
            images.extend(chunk.images)
            without_text += chunk.without_text
            for column, counted in counts.items():
                counted.update(chunk.captions[column].to_pylist())
            yield chunk.captions

    records.write_tables(out / "captions.parquet", captions(), schema=records.CAPTIONS)
    families: Counter[str] = Counter()

    def asked() -> Iterator[pa.Table]:
        theirs = given.questions(folder, params=params)
        for table in questions.ask(images, piles, params=params) if theirs is None else [theirs]:
            families.update(table["family"].to_pylist())
            yield table

    records.write_tables(out / "questions.parquet", asked(), schema=records.QUESTIONS)
    return NarrateSummary(
        source=name,
        images=len(images),
        captions=counts["rule"].total(),
        without_text=without_text,
        routes=dict(sorted(counts["route"].items())),
        rules=dict(sorted(counts["rule"].items())),
        questions=families.total(),
        families=dict(sorted(families.items())),
        samples=_samples(out / "captions.parquet"),
    )


def _narrate(batch: pa.RecordBatch, *, exhaustive: frozenset[str], params: Narrate) -> _Chunk:
    rows = batch.to_pylist()
    columns: dict[str, list[Any]] = {column: [] for column in records.CAPTIONS.names}
    without_text = 0
    for row in rows:
        record_id, captions = row["record_id"], narrate(row, exhaustive=exhaustive, params=params)
        without_text += not captions
        for number, caption in enumerate(captions):
            columns["record_id"].append(record_id)
            columns["caption_id"].append(f"{record_id}#c{number}")
            columns["text"].append(caption.text)
            columns["route"].append(caption.route)
            columns["rule"].append(caption.rule)
            columns["claims"].append(caption.claims)
    images, piles = questions.collect(rows, exhaustive=exhaustive, seed=params.seed)
    return _Chunk(pa.table(columns, schema=records.CAPTIONS), without_text, images, piles)


def _samples(path: Path) -> list[dict[str, str]]:
    """A few captions, from all over."""
    told = records.read_table(path, columns=["record_id", "route", "rule", "text"])
    some = list(range(0, told.num_rows, max(told.num_rows // SAMPLES, 1)))[:SAMPLES]
    rows = told.take(pa.array(some, pa.int64())).to_pylist()
    return [{key: str(value) for key, value in row.items()} for row in rows]
