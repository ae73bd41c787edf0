"""Narration on one core: five checked captions an image, against a script that writes one template sentence an image.

Ours, `narrate`: the stage itself, `records.parquet` in, `captions.parquet` with claims out.
Peer: the script that detection sets are often captioned with. It reads the same table, counts the boxes of each class,
writes "There are 3 ship in the image." and stores path and text. One sentence, no claims and nothing checked, so it is
faster an image by far; the goal for ours is 2,000 images a second a core, and `goal` says so beside the ratio.
`narrate_check` is the reading and checking of those captions; its peer figure is the goal of 5,000 captions a second.
Seconds are processor seconds of all threads, so that "a core" holds on a busy machine too. Boxes are made up, with
about as many an image as SSDD has (2.2 on average, seeded).
"""

import os
import statistics
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tasks import paths, records
from tasks.narrate import reader
from tasks.narrate.claims import check
from tasks.narrate.stage import narrate_source
from tasks.params import Narrate

IMAGES, PASSES = 4000, 7
PEER_REPEATS = 10  # one is over before the clock has ticked
GOAL_IMAGES_S, GOAL_CAPTIONS_S = 2000, 5000
SOURCE = """
title: Benchmark
address: file:///nowhere
format: coco
modality: sar
role: both
licence: CC0-1.0
citation: Nobody
radiometry: {unit: amplitude}
classes: {ship: ship, harbor: harbor}
exhaustive: [ship, harbor]
"""


def run() -> list[dict[str, Any]]:
    """Two rows; `ratio` is the median over passes of ours / peer."""
    before = os.environ.get("DVC_ROOT")
    with tempfile.TemporaryDirectory() as temporary:
        os.environ["DVC_ROOT"] = temporary
        try:
            return _run(Path(temporary))
        finally:
            os.environ.pop("DVC_ROOT")
            if before is not None:
                os.environ["DVC_ROOT"] = before


def _run(root: Path) -> list[dict[str, Any]]:
    (root / "params.yaml").write_text("sources: {bench: sar}\n")
    folder = paths.source_data("bench")
    folder.mkdir(parents=True)
    (folder / "source.yaml").write_text(SOURCE)
    rows = [_record(Random(number), number) for number in range(IMAGES)]
    records.write(folder / "records.parquet", rows, schema=records.RECORDS)
    params = Narrate(captions_per_image=5, questions_per_image=0, seed=7)
    narrate_source("bench", params=params)  # the grammar is loaded once, not once an image
    ours, peer, ratios = [], [], []
    for _ in range(PASSES):
        start = time.process_time()
        narrate_source("bench", params=params)
        middle = time.process_time()
        for _ in range(PEER_REPEATS):
            _template_script(folder / "records.parquet", root / "peer.parquet")
        end = time.process_time()
        ours.append(IMAGES / (middle - start))
        peer.append(PEER_REPEATS * IMAGES / (end - middle))
        ratios.append(ours[-1] / peer[-1])
    return [
        _row(
            "narrate", ours, round(statistics.median(peer)), ratios, unit="images/s/core", n=IMAGES, goal=GOAL_IMAGES_S
        ),
        _checking({row["record_id"]: row for row in rows}),
    ]


def _checking(rows: dict[str, dict[str, Any]]) -> dict[str, Any]:
    captions = records.read(paths.source_text("bench") / "captions.parquet", columns=["record_id", "text"])
    pairs = [(caption["text"], rows[caption["record_id"]]) for caption in captions]
    exhaustive = frozenset({"ship", "harbor"})
    ours = []
    for _ in range(PASSES):
        reader._claims_of.cache_clear()  # else a later pass would not read at all
        start = time.process_time()
        untrue = sum(bool(check(text, row, exhaustive=exhaustive)) for text, row in pairs)
        ours.append(len(pairs) / (time.process_time() - start))
        assert untrue == 0, "the narrator writes only what is true"
    ratios = [rate / GOAL_CAPTIONS_S for rate in ours]
    return _row(
        "narrate_check", ours, GOAL_CAPTIONS_S, ratios, unit="captions/s/core", n=len(pairs), goal=GOAL_CAPTIONS_S
    )


def _row(name: str, ours: list[float], peer: int, ratios: list[float], **more: Any) -> dict[str, Any]:
    spread = (max(ratios) - min(ratios)) / statistics.median(ratios)
    return {"name": name, "ours": round(statistics.median(ours)), "peer": peer,
            "ratio": round(statistics.median(ratios), 3), "spread": round(spread, 3), **more}  # fmt: skip


def _record(rng: Random, number: int) -> dict[str, Any]:
    names = ["ship"] * min(1 + int(rng.expovariate(1 / 1.7)), 30) + ["harbor"] * (rng.random() < 0.2)
    boxes = [
        {"class": name, "x": rng.random() * 440, "y": rng.random() * 440, "w": 10 + rng.random() * 50,
         "h": 8 + rng.random() * 30, "angle_deg": None}
        for name in names
    ]  # fmt: skip
    return dict.fromkeys(records.RECORDS.names) | {
        "record_id": f"bench/{number:06}.png", "source": "bench", "modality": "sar", "width_px": 512, "height_px": 512,
        "pixel_spacing_x_m": 3.0, "pixel_spacing_y_m": 3.0, "boxes": boxes,
    }  # fmt: skip


def _template_script(table: Path, out: Path) -> None:
    """What one finds in scripts: one f-string an image."""
    found: dict[str, list[str]] = {"filepath": [], "caption": []}
    for row in pq.read_table(table, columns=["record_id", "boxes"]).to_pylist():
        counts = Counter(box["class"] for box in row["boxes"])
        listed = " and ".join(f"{count} {name}" for name, count in counts.items())
        found["filepath"].append(row["record_id"])
        found["caption"].append(f"There are {listed} in the image.")
    pq.write_table(pa.table(found), out)
