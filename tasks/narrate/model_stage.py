"""The narrate_model stage: SAR-RS-CoCa captions SAR images that have no annotation.

In:  `models/two_stage/{coca,clip}/`, `data/sar_text/val.parquet` and `data/sources/sar/`.
Out: `data/model_text/`: captions.parquet (route `model`), quarantine.parquet, report.json, README.md. No stage that
     trains reads it.
Run: `python -m flows.narrate_model`, which is what `dvc repro narrate_model` runs.

A caption is kept where its CLIP score and its agreement with other decodings reach thresholds. These are set on
annotated validation images: the lowest quantile of both scores from which on `model_text.min_claim_precision` is
reached. Where it never is, nothing is kept.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from sar_models.shards import ShardReader
from tasks import paths, records
from tasks.download import catalog
from tasks.narrate import model_card, thresholds
from tasks.narrate.claims import colour_words, read_claims
from tasks.narrate.model_captions import Written, write
from tasks.narrate.score import score
from tasks.narrate.thresholds import Judged, Thresholds
from tasks.params import Params

if TYPE_CHECKING:
    from sar_models.model import Model

RULE = "model.coca@1"
SCORES = [("clip_score", pa.float64()), ("agreement", pa.float64())]
CAPTIONS = pa.schema([*records.CAPTIONS, *SCORES])
QUARANTINE = pa.schema([*records.QUARANTINE, *SCORES])
Row = dict[str, Any]


@dataclass(frozen=True)
class ModelTextSummary:
    """What was captioned and what was kept."""

    report: dict[str, Any]
    samples: list[dict[str, Any]]

    def metrics(self) -> dict[str, float]:
        """The numbers, by name."""
        chosen = self.report["chosen"] or {}
        numbers = {
            "images": self.report["images"],
            "kept": self.report["kept"],
            "quarantined": sum(self.report["quarantined"].values()),
            "validation_claim_precision": chosen.get("claim_precision"),
        }
        return {name: float(value) for name, value in numbers.items() if value is not None}

    def rows(self) -> list[dict[str, Any]]:
        """A few captions with their scores and what became of them."""
        return self.samples


def narrate_model(*, params: Params) -> ModelTextSummary:
    """Set the thresholds, caption the images without annotation, and write what is kept and what is not.

    Raises `ValueError` when an input is missing, or a source of `model_text.sources` has no image without annotation.
    """
    from sar_models.model import WEIGHTS, load
    from sar_models.pretrained import sha256_of

    folders = {kind: paths.model("two_stage", kind) for kind in ("coca", "clip")}
    models = {kind: load(folder) for kind, folder in folders.items()}
    known = _validation(params)
    bare = [row for name in params.model_text.sources for row in _bare(name)]
    said = _written(models, [row for row, _ in known], params=params)
    found = thresholds.curve(
        [
            Judged(each.clip_score, each.agreement, score(each.text, row, exhaustive=exhaustive))
            for each, (row, exhaustive) in zip(said, known, strict=True)
        ]
    )
    chosen = thresholds.choose(found, goal=params.model_text.min_claim_precision)

    kept: list[Row] = []
    refused: list[Row] = []
    for row, each in zip(bare, _written(models, bare, params=params), strict=True):
        scores = {"clip_score": each.clip_score, "agreement": each.agreement}
        caption_id = f"{row['record_id']}#m0"
        if failure := _refusal(each, chosen, params=params):
            refused.append({"record_id": row["record_id"], "caption_id": caption_id, "source": row["source"],
                            "text": each.text, "reason": failure[0], "detail": failure[1], **scores})  # fmt: skip
        else:
            claims = [claim._asdict() for claim in read_claims(each.text)]
            kept.append({"record_id": row["record_id"], "caption_id": caption_id, "text": each.text, "route": "model",
                         "rule": RULE, "claims": claims, **scores})  # fmt: skip

    folder = paths.model_text()
    records.write(folder / "captions.parquet", kept, schema=CAPTIONS)
    records.write(folder / "quarantine.parquet", refused, schema=QUARANTINE)
    report = {
        "sources": list(params.model_text.sources),
        "weights_sha256": {kind: sha256_of(folder / WEIGHTS) for kind, folder in folders.items()},
        "min_claim_precision": params.model_text.min_claim_precision,
        "validation_images": len(known),
        "curve": [_numbers(each) for each in found],
        "chosen": None if chosen is None else _numbers(chosen),
        "images": len(bare),
        "kept": len(kept),
        "quarantined": dict(sorted(Counter(row["reason"] for row in refused).items())),
    }
    (folder / "report.json").write_text(json.dumps(report, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    licences = {name: _description(name).licence.strip() for name in params.model_text.sources}
    (folder / "README.md").write_text(model_card.render(report, licences=licences), encoding="utf-8")
    shown = sorted([*kept, *refused], key=lambda row: str(row["record_id"]))
    step = max(len(shown) // 8, 1)
    return ModelTextSummary(
        report,
        [{"record_id": row["record_id"], "text": row["text"], "clip_score": row["clip_score"],
          "agreement": row["agreement"], "became": row.get("reason", "kept")} for row in shown[::step][:8]],
    )  # fmt: skip


def _validation(params: Params) -> list[tuple[Row, frozenset[str]]]:
    """A seeded sample of annotated images of the SAR text's validation split, with what is annotated exhaustively."""
    rows = records.read(paths.text("sar") / "val.parquet", columns=["record_id", "source"])
    found: list[tuple[Row, frozenset[str]]] = []
    for source in sorted({row["source"] for row in rows}):
        exhaustive = frozenset(_description(source).exhaustive)
        wanted = {row["record_id"] for row in rows if row["source"] == source}
        table = records.read(paths.source_data(source) / "records.parquet")
        found += [(row, exhaustive) for row in table if row["record_id"] in wanted and _annotated(row)]
    found.sort(key=lambda each: str(each[0]["record_id"]))
    if len(found) > params.model_text.validation_images:
        found = Random(params.model_text.seed).sample(found, params.model_text.validation_images)
    return found


def _bare(name: str) -> list[Row]:
    """The SAR images of a source of which nothing is annotated."""
    rows = records.read(paths.source_data(name) / "records.parquet")
    found = [
        row
        for row in rows
        if row["modality"] == "sar" and row["width_px"] and not row["captions"] and not _annotated(row)
    ]
    if not found:
        raise ValueError(f"every SAR image of {name} is annotated: take it out of model_text.sources")
    return sorted(found, key=lambda row: str(row["record_id"]))


def _annotated(row: Mapping[str, Any]) -> bool:
    return row["boxes"] is not None or row["regions"] is not None or row["label"] is not None


def _description(name: str) -> catalog.Source:
    return catalog.load(name, path=paths.source_data(name) / "source.yaml")


def _written(models: Mapping[str, "Model"], rows: Sequence[Row], *, params: Params) -> list[Written]:
    settings = params.model_text
    found: list[Written] = []
    size = settings.decoding.batch_size
    with ShardReader(paths.sources_data("sar")) as shards:
        for start in range(0, len(rows), size):
            batch = rows[start : start + size]
            found += write(
                models["coca"], models["clip"], [shards.picture(row) for row in batch],
                [row["record_id"] for row in batch], decoding=settings.decoding, sampling=settings.sampling,
                samples=settings.samples, seed=settings.seed, hardware=params.hardware,
            )  # fmt: skip
    return found


def _refusal(written: Written, chosen: Thresholds | None, *, params: Params) -> tuple[str, str] | None:
    """Reason and detail, or None for a caption that is kept."""
    if chosen is None:
        goal = params.model_text.min_claim_precision
        return "no_threshold", f"no threshold reaches a claim precision of {goal:g} on the validation images"
    for name in ("clip_score", "agreement"):
        if getattr(written, name) < getattr(chosen, name):
            return f"low_{name}", f"{getattr(written, name):.4f}, the threshold is {getattr(chosen, name):.4f}"
    words = len(written.text.split())
    if not params.validate.min_words <= words <= params.validate.max_words:
        return "caption_length", f"{words} words"
    if re.search(r"[^\x20-\x7e]", written.text):
        return "caption_characters", ascii(written.text)
    if colours := colour_words(written.text):
        return "caption_colour", f"colour words: {', '.join(colours)}"
    if not [claim for claim in read_claims(written.text) if claim.kind != "modality"]:
        return "nothing_claimed", "nothing is read from it that the thresholds were set for"
    return None


def _numbers(each: Thresholds) -> dict[str, Any]:
    counts = each.totals.counts
    precision = each.totals.claim_precision
    return {
        "quantile": each.quantile,
        "clip_score": each.clip_score,
        "agreement": each.agreement,
        "kept": each.kept,
        "claims": counts.supported + counts.contradicted,
        "claim_precision": None if precision is None else round(precision, 4),
    }
