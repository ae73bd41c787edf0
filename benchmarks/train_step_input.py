"""Whole training steps of CLIP with their input, from files on the disk, beside those of `open_clip_train`.

As `train_step`, but either reads its batches itself: 512×512 8-bit grey sources, PNG and JPEG. Ours has them in the
cache of decoded pixels, which is built before (its first epoch is measured by `input`). Peer: `get_csv_dataset` of the
installed `open_clip_train` with open_clip's own training transform. Its pictures are read by the training process, or
by worker processes: whichever of `WORKERS` was faster for it in a round before. Same model, batch, captions, tokenizer
and threads; seconds of the clock, by turns. The first step of each is not counted.

    python -m benchmarks.run train_step_input
"""

import tempfile
from argparse import Namespace
from pathlib import Path
from typing import Any

import open_clip
from open_clip_train.data import get_csv_dataset

from benchmarks.input import write
from benchmarks.train_step import Case, Loader, Peer, by_turns, ours_s, row
from sar_models import model
from sar_models.data import examples
from sar_models.settings import Hardware
from sar_models.shards import ShardReader

WORKERS = (0, 2)  # of the peer's loader


def run() -> list[dict[str, Any]]:
    """Four rows, in images a second on the CPU; `ratio` is the median over rounds of ours / peer, above 1 is faster."""
    hardware = Hardware(threads=2)
    cases = {
        "tiny": Case("sar_clip_tiny", 32, hardware, steps=10),
        "vit_b_32": Case("ViT-B-32", 8, hardware, steps=3, rounds=3),
    }
    return [
        measure(f"train_step_input_{name}_{kind.lower()}", case, kind)
        for name, case in cases.items() for kind in ("PNG", "JPEG")
    ]  # fmt: skip


def measure(name: str, case: Case, kind: str) -> dict[str, Any]:
    """One row for `benchmarks/results.json`, with the number of workers that the peer had."""
    made = model.initial("clip", architecture=case.architecture, seed=0)
    peer = Peer(made, case)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        rows, table = write(folder, kind, images=case.batch * (case.steps + 1))
        with ShardReader(folder) as reader:
            ours = examples(
                rows, open_picture=reader.picture, tokenizer=made.tokenizer, image_size_px=made.image_size_px,
                threads=case.hardware.threads, cache=folder / "cache",
            )  # fmt: skip
            loaders = {workers: _loader(made, case, table, workers=workers) for workers in WORKERS}
            workers = min(WORKERS, key=lambda each: peer.seconds(loaders[each]))
            rates, _ = by_turns(case, lambda: ours_s(made, case, ours), lambda: peer.seconds(loaders[workers]))
    return row(name, case, rates) | {"peer_workers": workers}


def _loader(made: model.Model, case: Case, table: Path, *, workers: int) -> Loader:
    settings = Namespace(train_data=str(table), csv_img_key="filepath", csv_caption_key="title", csv_separator="\t",
                         batch_size=case.batch, workers=workers, distributed=False)  # fmt: skip
    transform = open_clip.image_transform(made.image_size_px, is_train=True, mean=made.mean, std=made.std)
    found = get_csv_dataset(settings, transform, is_train=True, tokenizer=made.tokenizer)
    return Loader(lambda: iter(found.dataloader), case)
