"""A tiny run with everything that the report reads: shards, test captions, predictions, metrics, lock."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image

from tasks import paths, records

VARIANTS = ("initial", "optical", "sar", "two_stage")
HOSTILE = '<script>alert(1)</script> & "two" ships'
SOURCES = {"open_ships": "[research, redistribution]", "closed_ships": "[research]"}
IMAGES = 4  # a source
SOURCE = """
title: {name}
address: file:///nowhere
format: coco
modality: sar
role: both
licence: as the test says
allows: {allows}
citation: none
radiometry: {{unit: amplitude}}
"""
STRINGS = {name: pa.string() for name in ("record_id", "variant", "caption", "claim", "verdict", "direction", "query")}
CLAIMS = pa.schema([(name, STRINGS[name]) for name in ("record_id", "variant", "caption", "claim", "verdict")])
RETRIEVAL = pa.schema([*((name, STRINGS[name]) for name in ("record_id", "variant", "direction", "query")),
                       ("rank", pa.int64()), ("found", pa.list_(pa.string())),
                       ("scores", pa.list_(pa.float64()))])  # fmt: skip
SAID = pa.schema([("record_id", pa.string()), ("variant", pa.string()), ("text", pa.string())])


def entry(value: float, *, spread: float = 1.0, **more: float) -> dict[str, float]:
    return {"value": value, "low": value - spread, "high": value + spread, "n": 8, **more}


def dump(name: str, document: Any) -> None:
    path = paths.root() / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))


def metrics() -> None:
    """`metrics/` with two stages 20 points above the rest."""
    of = {
        variant: {
            "mean_recall": entry(10.0 + 20 * (variant == "two_stage")), "cider": entry(0.1 + number, spread=0.05),
            "bleu_4": entry(0.02 + number, spread=0.01), "vqa_exact_match": entry(40.0),
            "vqa_exact_match_count": entry(40.0 + number), "vqa_majority_count": entry(30.0),
            "vqa_text_only_count": entry(31.0), "vqa_over_majority_count": entry(10.0 + number),
        }
        for number, variant in enumerate(VARIANTS)
    }  # fmt: skip
    gains = {
        f"two_stage-{other}": {"mean_recall": entry(20.0, p=0.002), "cider": entry(1.0), "vqa_exact_match": entry(0.0)}
        for other in ("initial", "optical", "sar")
    }
    dump("metrics/evaluate.json", {"sar/all": of})
    dump("metrics/compare.json", {"sar/all": gains})
    row = {"images": 8, "images_refused": 0, "captions_passed": 16, "captions_refused": 1,
           "licence": "as the test says", "simulated": False, "splits": {"test": {"images": 4}}}  # fmt: skip
    dump("metrics/validate_sar.json", {"leaks": {"exact copies": 3}, "sources": dict.fromkeys(SOURCES, row)})


def later_files() -> None:
    """What not every run has: hygiene, zero-shot, slices."""
    dump("metrics/hygiene.json", {"sar/all": {"images": 8, "leaks_removed": 977}})
    found = {"accuracy": entry(70.0), "balanced_accuracy": entry(60.0), "classes": ["tank", HOSTILE],
             "confusion": [[813, 1], [2, 4]]}  # fmt: skip
    dump("metrics/zero_shot.json", {"sar/chips": dict.fromkeys(VARIANTS, found)})
    level = {variant: {"mean_recall": entry(21.0)} for variant in VARIANTS}
    table = {"speckle_looks": {"sar/sample": dict.fromkeys(("1", "16", "4", "clean"), level)}}
    table["objects"] = {"sar/all": dict.fromkeys(("0", "10 or more", "2-4"), level)}
    dump("metrics/slices.json", table)


def captions(change: str = "") -> None:
    """What the models said; `change` is what the first image's caption becomes."""
    rows = [
        {"record_id": record_id, "variant": variant, "text": HOSTILE if number % 2 else f"{number} ships near a pier."}
        for variant in VARIANTS
        for number, record_id in enumerate(record_ids())
    ]
    for row in rows:
        if change and row["record_id"] == record_ids()[0]:
            row["text"] = change
    records.write(paths.predictions("captions"), rows, schema=SAID)


def record_ids() -> list[str]:
    """One is as hostile as a file name may be."""
    names = [f"{source}/{number}.png" for source in SOURCES for number in range(IMAGES)]
    return [*names[:1], 'open_ships/"><img src=x>.png', *names[2:]]


def png(seed: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (24, 32), dtype=np.uint8)).save(file, format="PNG")
    return file.getvalue()


def write_run(root: Path) -> None:
    """All of it, in `root`, which must be `DVC_ROOT`."""
    (root / "dvc.yaml").write_text("stages: {}\n")
    dump("params.yaml", {"seed": 7, "clip": {"architecture": "sar_clip_tiny"}})
    stages = {"x": {"outs": [{"path": "data/sar_text", "md5": "f" * 32 + ".dir"}]}}
    dump("dvc.lock", {"schema": "2.0", "stages": stages})
    metrics()
    for stage in ("optical", "two_stage"):
        curve = [{"epoch": epoch, "train_loss": 4 / epoch, "val_loss": 3 / epoch} for epoch in (1, 2, 3)]
        dump(f"models/{stage}/clip/training.json", {"curve": curve, "best_epoch": 2})
    rows, ids = [], iter(record_ids())
    for source, allows in SOURCES.items():
        (root / "sources").mkdir(exist_ok=True)
        (root / "sources" / f"{source}.yaml").write_text(SOURCE.format(name=source, allows=allows))
        shard = paths.sources_data("sar") / source / "shards" / "000000.tar"
        shard.parent.mkdir(parents=True)
        with shard.open("wb") as file:
            for number in range(IMAGES):
                data = png(number)
                place = {
                    "record_id": next(ids), "source": source, "shard": shard.name, "offset": file.tell(),
                    "length": len(data), "sha256": "", "width_px": 32, "height_px": 24, "bands": 1, "bit_depth": 8,
                    "modality": "sar", "channels": None, "low": [0.0], "high": [255.0], "group": str(number),
                }  # fmt: skip
                file.write(data)
                rows += [
                    place | {"caption_id": f"{place['record_id']}#c{c}", "text": text, "route": "a2c", "rule": "x@1",
                             "claims": [], "split": "test"}
                    for c, text in enumerate((f"{number} ships near a pier.", f"Image {number} of {source}."))
                ]  # fmt: skip
    records.write(paths.text("sar") / "test.parquet", rows, schema=records.TEXT)
    captions()


def examples() -> None:
    """Judged claims and searches."""
    claims = [
        {"record_id": record_id, "variant": "two_stage", "caption": "", "claim": f"claim on {record_id}",
         "verdict": verdict}
        for record_id in record_ids()
        for verdict in ("true", "false")
    ]  # fmt: skip
    records.write(paths.predictions("claims"), claims, schema=CLAIMS)
    ids = record_ids()
    found = [
        {"record_id": record_id, "variant": "two_stage", "direction": direction, "rank": number + 1,
         "query": record_id if direction == "i2t" else f"{number % IMAGES} ships near a pier.",
         "found": [f"{n} ships near a pier." for n in range(4)] if direction == "i2t" else ids[:5],
         "scores": [0.9 - n / 10 for n in range(4 if direction == "i2t" else 5)]}
        for direction in ("i2t", "t2i")
        for number, record_id in enumerate(ids)
    ]  # fmt: skip
    records.write(paths.predictions("retrieval"), found, schema=RETRIEVAL)
