"""The narrate_pairs stage of one source: what a captioner says of the optical image, rewritten for the SAR image.

In:  `data/sources/sar/<source>/`, the captioner (`models/optical/coca` or as `pairs.captioner` says); for a source
     without annotation, the validation split of `data/optical_text/` to measure on.
Out: `data/text/sar/<source>.pairs/captions.parquet` (route `pair`) and `report.json`: how true such text is of held-out
     annotated images. Whether it may enter SAR-TEXT is for validate to say.
Run: `python -m flows.narrate_pairs sim_pairs`, which is what `dvc repro narrate_pairs@sim_pairs` runs.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from random import Random
from typing import TYPE_CHECKING, Any

from sar_models.shards import ShardReader
from tasks import paths, records
from tasks.download import catalog
from tasks.narrate.claims import read_claims
from tasks.narrate.rewrite import Rewriter, Rewritten, count, rewrite, rewriter
from tasks.narrate.score import ClaimScore, score, total
from tasks.params import Params

if TYPE_CHECKING:
    from sar_models.model import Model

CAPTIONS, REPORT = "captions.parquet", "report.json"
SAMPLES = 6


@dataclass(frozen=True)
class PairsSummary:
    """What was written, and how far it can be trusted."""

    source: str
    pairs: int
    captions: int
    without_text: int
    refused_share: float  # of distinct captions, by the guard
    claim_precision: float | None
    claims_measured: int
    samples: list[dict[str, str]]  # record_id, original, text

    def metrics(self) -> dict[str, float]:
        """The numbers, by name."""
        numbers = asdict(self)
        return {name: float(value) for name, value in numbers.items() if isinstance(value, int | float)}

    def rows(self) -> list[dict[str, str]]:
        """One row a sample: what the captioner said, and what was made of it."""
        return self.samples


def narrate_pairs(name: str, *, params: Params) -> PairsSummary:
    """Caption the pairs of the source `name`, measure such captions on held-out images, and write both.

    Equal records, weights, settings and hardware give equal files. Raises `ValueError` when the source has no pairs, an
    input is missing, or the captioner or the language model cannot be loaded.
    """
    from sar_models.pretrained import open_model

    pairs = _pairs(name)
    captioner = open_model(params.pairs.captioner, kind="coca", roots=paths.weights())
    by = rewriter(
        params.pairs.rewriter,
        language_model=params.pairs.language_model,
        hardware=params.hardware,
        seed=params.pairs.seed,
    )
    held_out, origin = _held_out(name, pairs, params=params)
    optical = [pair[0] for pair in pairs]
    images = {row["record_id"]: row for row in (*optical, *(row for row, _, _ in held_out))}
    said = _captions(captioner.model, list(images.values()), params=params)
    rewritten = _rewritten(said, by=by)

    written = [
        _caption(sar["record_id"], rewritten[optical["record_id"]])
        for optical, sar in pairs
        if rewritten[optical["record_id"]].text
    ]
    written.sort(key=lambda row: row["record_id"])
    folder = paths.pair_text(name)
    records.write(folder / CAPTIONS, written, schema=records.CAPTIONS)

    counts = count(rewritten[row["record_id"]] for row in optical)
    scores = [
        score(rewritten[row["record_id"]].text, truth, exhaustive=exhaustive) for row, truth, exhaustive in held_out
    ]
    measured = total(scores)
    report = {
        "captioner": params.pairs.captioner,
        "captioner_weights_sha256": captioner.weights_sha256,
        "rewriter": by.rule,
        "language_model": by.model,
        "pairs": len(pairs),
        "captions": len(written),
        "guard": {
            "distinct_captions": counts.captions,
            "refused": counts.refused,
            "refused_share": round(counts.refused_share, 4),
            "without_text": counts.without_text,
        },
        "held_out": {
            "images": len(held_out),
            "of": origin,
            "claims": asdict(sum(scores, start=ClaimScore())),
            "claim_precision": _rounded(measured.claim_precision),
            "claim_recall": _rounded(measured.claim_recall),
            "unsupported_object_rate": _rounded(measured.unsupported_object_rate),
        },
    }
    (folder / REPORT).write_text(json.dumps(report, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    step = max(len(pairs) // SAMPLES, 1)
    return PairsSummary(
        source=name,
        pairs=len(pairs),
        captions=len(written),
        without_text=len(pairs) - len(written),
        refused_share=counts.refused_share,
        claim_precision=measured.claim_precision,
        claims_measured=measured.counts.supported + measured.counts.contradicted,
        samples=[
            {"record_id": sar["record_id"], "original": said[optical["record_id"]],
             "text": rewritten[optical["record_id"]].text}
            for optical, sar in pairs[::step][:SAMPLES]
        ],
    )  # fmt: skip


def _pairs(name: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """The optical and the SAR record of each pair of which both can be decoded, sorted by the SAR record's id."""
    rows = [row for row in records.read(paths.source_data(name) / "records.parquet") if row["width_px"]]
    optical = {row["pair_id"]: row for row in rows if row["modality"] == "optical" and row["pair_id"] is not None}
    found = [(optical[row["pair_id"]], row) for row in rows if row["modality"] == "sar" and row["pair_id"] in optical]
    if not found:
        raise ValueError(f"{name} holds no SAR image with an optical partner: take it out of pairs.sources")
    return sorted(found, key=lambda pair: str(pair[1]["record_id"]))


HeldOut = tuple[dict[str, Any], Mapping[str, Any], Collection[str]]  # optical row, row that holds its truth, exhaustive


def _held_out(
    name: str, pairs: Sequence[tuple[dict[str, Any], dict[str, Any]]], *, params: Params
) -> tuple[list[HeldOut], str]:
    """A seeded sample of annotated images that the captioner has not seen, and in words where they come from.

    The pairs' own optical images where the source annotates them and no image of their group trained the captioner;
    else the optical text's validation images that carry boxes or regions.
    """
    trained_on = {row["group"] for row in records.read(paths.text("optical") / "train.parquet", columns=["group"])}
    exhaustive = catalog.load(name, path=paths.source_data(name) / "source.yaml").exhaustive
    own: list[HeldOut] = [
        (optical, sar, exhaustive) for optical, sar in pairs if _annotated(sar) and optical["group"] not in trained_on
    ]
    found, origin = (own, f"annotated pairs of {name}") if own else (_validation(), "optical validation images")
    found.sort(key=lambda each: str(each[0]["record_id"]))
    if len(found) > params.pairs.held_out_images:
        found = Random(params.pairs.seed).sample(found, params.pairs.held_out_images)
    return found, origin


def _validation() -> list[HeldOut]:
    """Annotated images of the optical text's validation split."""
    rows = records.read(paths.text("optical") / "val.parquet", columns=["record_id", "source"])
    found: list[HeldOut] = []
    for source in sorted({row["source"] for row in rows}):
        folder = paths.source_data(source)
        exhaustive = catalog.load(source, path=folder / "source.yaml").exhaustive
        wanted = {row["record_id"] for row in rows if row["source"] == source}
        found += [
            (row, row, exhaustive)
            for row in records.read(folder / "records.parquet")
            if row["record_id"] in wanted and _annotated(row)
        ]
    return found


def _annotated(record: Mapping[str, Any]) -> bool:
    return record["boxes"] is not None or record["regions"] is not None


def _captions(model: "Model", rows: Sequence[Mapping[str, Any]], *, params: Params) -> dict[str, str]:
    """What the captioner says of each record, by its id; images are read shard by shard."""
    from sar_models.infer import caption

    ordered = sorted(rows, key=lambda row: (row["source"], row["shard"], row["offset"]))
    modality = {name: paths.text_of(name) for name in {row["source"] for row in rows}}
    readers = {text: ShardReader(paths.sources_data(text)) for text in sorted(set(modality.values()))}
    try:
        pictures = (readers[modality[row["source"]]].picture(row) for row in ordered)
        texts = caption(model, pictures, decoding=params.pairs.decoding, hardware=params.hardware)
    finally:
        for reader in readers.values():
            reader.close()
    return {row["record_id"]: text for row, text in zip(ordered, texts, strict=True)}


def _rewritten(said: Mapping[str, str], *, by: Rewriter) -> dict[str, Rewritten]:
    return dict(zip(said, rewrite(list(said.values()), by=by), strict=True))


def _caption(record_id: str, rewritten: Rewritten) -> dict[str, Any]:
    return {
        "record_id": record_id,
        "caption_id": f"{record_id}#p0",
        "text": rewritten.text,
        "route": "pair",
        "rule": rewritten.rule,
        "claims": claims_of(rewritten.text),
    }


def claims_of(text: str) -> list[dict[str, str]]:
    """The claims that are read from `text`, as `captions.parquet` holds them."""
    return [claim._asdict() for claim in read_claims(text)]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
