"""Text at the size of SAR-TEXT: written and checked at 1,000, 10,000 and 136,584 images (benchmarks/records.py).

`scale_narrate_N`  the narrate stage, five captions and ten questions an image, from `records.parquet` to both tables
                   written; the goal for all of SAR-TEXT is 60 s and 2 GiB
`scale_check_N`    what validate does for text: captions and questions read again and held against the annotation, the
                   expectations on them, balance and language prior; the goal is 120 s. Not the search for leaks
                   (`leakage_N`), for the images are 16 bytes that are never decoded

Each in one process started for it. The peer is the goal, in proportion for fewer images. Seconds are by the clock, with
processor seconds (`cpu_s`) beside them, which hold on a busy machine too; imports are left out.
"""

import hashlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import records as drawn
from tasks import collector, paths, records

PASSES = {1_000: 3, 10_000: 3, drawn.SAR_TEXT_IMAGES: 1}
CAPTIONS, QUESTIONS, SEED = 5, 10, 7
GOALS_S = {"narrate": 60, "check": 120}  # of all of SAR-TEXT
ROOT = Path(__file__).resolve().parent.parent
SOURCE = {
    "title": "Benchmark", "address": "file:///nowhere", "format": "coco", "modality": "sar", "role": "both",
    "licence": "CC0-1.0", "citation": "Nobody", "radiometry": {"unit": "amplitude"},
    "classes": {name: name for name in (*drawn.BOX_CLASSES, *drawn.MASK_CLASSES)},
    "exhaustive": list(drawn.BOX_CLASSES),
}  # fmt: skip


def run() -> list[dict[str, Any]]:
    """Two rows a size."""
    rows = [row for images, passes in PASSES.items() for row in _at(images, passes)]
    by_name = {row["name"]: row for row in rows}
    middle, whole = list(PASSES)[1:]
    for what in GOALS_S:
        row, before = by_name[f"scale_{what}_{whole}"], by_name[f"scale_{what}_{middle}"]
        row["per_image_against_10000"] = round(row["per_image_ms"] / before["per_image_ms"], 3)
    return rows


def _at(images: int, passes: int) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        _measured(root, "prepare", images)
        return [_row(what, images, [_measured(root, what, images) for _ in range(passes)]) for what in GOALS_S]


def _row(what: str, images: int, found: list[dict[str, Any]]) -> dict[str, Any]:
    goal_s = GOALS_S[what] * images / drawn.SAR_TEXT_IMAGES
    ratios = [each["wall_s"] / goal_s for each in found]
    cpu_s = statistics.median(each["cpu_s"] for each in found)
    return {
        "name": f"scale_{what}_{images}",
        "ours": round(statistics.median(each["wall_s"] for each in found), 2),
        "peer": round(goal_s, 2),
        "ratio": round(statistics.median(ratios), 3),
        "unit": "s",
        "n": len(found),
        "spread": [round(min(ratios), 3), round(max(ratios), 3)],
        "cpu_s": round(cpu_s, 2),
        "per_image_ms": round(1000 * cpu_s / images, 4),
        "peak_mib": round(max(each["peak_mib"] for each in found)),
        "rows": found[0]["rows"],
    }


def _measured(root: Path, what: str, images: int) -> dict[str, Any]:
    """`what` in a process of its own, whose last line tells the measurement."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("SAR_TEXT_")}
    environment |= {"DVC_ROOT": str(root), "OMP_NUM_THREADS": "1"}
    answer = subprocess.run(
        [sys.executable, "-m", "benchmarks.scale", what, str(images)],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return dict(json.loads(answer.stdout.splitlines()[-1]))


def _prepare(root: Path, images: int) -> dict[str, int]:
    """A source that has been downloaded, its images 16 different bytes each. Difference hashes are those of no likeness
    between splits, for the search for copies is measured elsewhere (`leakage_N`)."""
    import numpy as np

    from tasks.download import catalog, groups
    from tasks.params import load
    from tasks.validate import split

    (root / "params.yaml").write_text("sources: {bench: sar}\n")
    folder = paths.source_data("bench")
    (folder / "shards").mkdir(parents=True)
    (folder / "source.yaml").write_text(json.dumps(SOURCE))
    rows = []
    with (folder / "shards" / "000000.tar").open("wb") as shard:
        for number, row in enumerate(drawn.draw(images, SEED)):
            data = number.to_bytes(16, "big")
            shard.write(data)
            rows.append(row | {"shard": "000000.tar", "offset": 16 * number, "length": 16,
                               "sha256": hashlib.sha256(data).hexdigest()})  # fmt: skip
    rng = np.random.default_rng(SEED)
    records.write(folder / "records.parquet", rows, schema=records.RECORDS)
    settings = load(ROOT / "params.yaml").validate.split
    features = (
        {"record_id": row["record_id"], "std": 0.1, "thumbnail": rng.bytes(256), "landmarks": b"",
         "dhash": split.hashed(row["group"], settings=settings).encode().hex()[:4] * 4}
        for row in rows
    )  # fmt: skip
    records.write(folder / "features.parquet", features, schema=records.FEATURES)
    source = catalog.load("bench", path=folder / "source.yaml")
    groups.write(paths.source_groups("bench"), rows, source=source)
    return {"images": images}


def _narrate() -> dict[str, Any]:
    import pyarrow.dataset  # noqa: F401  imported by the first to need it: no work on text

    from tasks.narrate.stage import narrate_source
    from tasks.params import Narrate

    begin, cpu = time.perf_counter(), time.process_time()
    summary = narrate_source("bench", params=Narrate(CAPTIONS, QUESTIONS, SEED))
    spent = {"wall_s": time.perf_counter() - begin, "cpu_s": time.process_time() - cpu}
    return spent | {"rows": {"captions": summary.captions, "questions": summary.questions}}


@collector.paused()  # as in the stage
def _check() -> dict[str, Any]:
    from dataclasses import replace

    import great_expectations.expectations  # noqa: F401  its seconds of importing are no work on text
    import pyarrow.dataset  # noqa: F401
    import sklearn.feature_extraction.text
    import sklearn.linear_model  # noqa: F401

    from tasks.params import load
    from tasks.validate import features, gate, question_suite, questions, suites

    params = load(ROOT / "params.yaml")
    params = replace(params, sources={"bench": "sar"}, pairs=replace(params.pairs, sources=()))
    begin, cpu = time.perf_counter(), time.process_time()
    tables = features.assemble("sar", params=params)
    asked = questions.assemble(tables)
    judged = (question_suite.question_checks(modality="sar"), asked.rows)
    findings = suites.run(tables, settings=params.validate, docs=paths.data_docs("sar"), questions=judged)
    verdict = gate.judge(tables, findings)
    answered = questions.judge(asked, findings, verdict)
    spent = {"wall_s": time.perf_counter() - begin, "cpu_s": time.process_time() - cpu}
    untrue = [row for row in (*verdict.refused, *answered.refused) if row["reason"].endswith("_claims")]
    assert not untrue, "the narrator writes only what is true"
    return spent | {"rows": {"captions": len(tables.captions), "questions": len(asked.rows)}}


def _peak_mib() -> float:
    """Of this process: VmHWM, since ru_maxrss begins with what the parent held."""
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    what, number = sys.argv[1:]
    told = {"prepare": lambda: _prepare(paths.root(), int(number)), "narrate": _narrate, "check": _check}[what]()
    print(json.dumps(told | {"peak_mib": _peak_mib()}))
