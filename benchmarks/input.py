"""Pictures into batches of model input: from our cache of decoded pixels against open_clip's loader of CSV files.

512×512 8-bit grey sources, PNG and JPEG, to normalised float32 at 224 px, on one core, in the same random order.
Ours:   `data.batches` out of the cache, then `pixels.normalise`: what a training on the CPU does with a batch.
Peer:   `get_csv_dataset` of the installed `open_clip_train`, with open_clip's own training transform, no workers.
`input_*` is warm; `input_first_epoch_*` is one epoch of either from nothing, ours with the decoding of the cache.
The captions are the same, and either tokenizes them; ours once, before the warm epochs.
Seconds are of the processor, all threads together: what a core does, whatever else the machine is at.
"""

import csv
import hashlib
import io
import statistics
import tempfile
import time
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import torch
from open_clip_train.data import get_csv_dataset
from PIL import Image
from scipy.ndimage import gaussian_filter

from sar_models import data, pixels
from sar_models.shards import ShardReader
from sar_models.tokenizer import FULL_VOCABULARY, Tokenizer
from tasks.download.shards import ShardWriter

IMAGES, SIDE_PX, SIZE_PX, BATCH, PASSES, WARM = 192, 512, 224, 32, 7, 10
MEAN, STD = open_clip.OPENAI_DATASET_MEAN, open_clip.OPENAI_DATASET_STD


def run() -> list[dict[str, Any]]:
    """In images a processor second; `ratio` is the median over passes of ours / peer, above 1 is faster."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return [row for kind in ("PNG", "JPEG") for row in _of(kind)]
    finally:
        torch.set_num_threads(threads)


def _of(kind: str) -> list[dict[str, Any]]:
    warm: dict[str, list[float]] = {"ours": [], "peer": []}
    first: dict[str, list[float]] = {"ours": [], "peer": []}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        rows, table = write(folder, kind, images=IMAGES)
        with ShardReader(folder) as reader:
            for number in range(PASSES):
                cache = folder / f"cache{number}"
                loader = _loader(table)
                begin = time.process_time()
                _drain(_ours(_examples(rows, reader, cache), epoch=number))
                between = time.process_time()
                _drain(batch for batch, _ in loader)
                end = time.process_time()
                first["ours"].append(IMAGES / (between - begin))
                first["peer"].append(IMAGES / (end - between))
                cached = _examples(rows, reader, cache)
                begin = time.process_time()
                for epoch in range(WARM):
                    _drain(_ours(cached, epoch=epoch))
                between = time.process_time()
                _drain(batch for batch, _ in loader)
                end = time.process_time()
                warm["ours"].append(WARM * IMAGES / (between - begin))
                warm["peer"].append(IMAGES / (end - between))
    name = kind.lower()
    return [_row(f"input_{name}", warm), _row(f"input_first_epoch_{name}", first)]


def write(folder: Path, kind: str, *, images: int) -> tuple[list[dict[str, Any]], Path]:
    """Smooth fields under 4-look speckle, once in a shard and once as files with open_clip's table."""
    rng = np.random.default_rng(0)
    rows = []
    (folder / "loose").mkdir()
    table = folder / "table.csv"
    with table.open("w", newline="") as file, ShardWriter(folder / "bench" / "shards", shard_bytes=2**28) as writer:
        lines = csv.writer(file, delimiter="\t")
        lines.writerow(["filepath", "title"])
        for number in range(images):
            field = gaussian_filter(rng.gamma(1.0, 1.0, (SIDE_PX, SIDE_PX)), sigma=6)
            amplitude = 60 * np.sqrt(field * rng.gamma(4.0, 1 / 4, field.shape))
            buffer = io.BytesIO()
            Image.fromarray(amplitude.clip(0, 255).astype(np.uint8)).save(buffer, kind)
            encoded = buffer.getvalue()
            record, path = f"bench/{number:04}.{kind.lower()}", folder / "loose" / f"{number:04}.{kind.lower()}"
            path.write_bytes(encoded)
            text = f"A SAR image of {number} ships near a pier in the upper left of the scene."
            lines.writerow([str(path), text])
            place = writer.add(record, encoded)
            rows.append({"record_id": record, "caption_id": f"{record}#c0", "text": text, "source": "bench",
                         "shard": place.shard, "offset": place.offset, "length": place.length,
                         "sha256": hashlib.sha256(encoded).hexdigest(), "low": [0.0], "high": [255.0],
                         "channels": None})  # fmt: skip
    return rows, table


def _examples(rows: list[dict[str, Any]], reader: ShardReader, cache: Path) -> data.Examples:
    tokenizer = Tokenizer(vocab_size=FULL_VOCABULARY, context_length=77)
    return data.examples(
        rows, open_picture=reader.picture, tokenizer=tokenizer, image_size_px=SIZE_PX, threads=1, cache=cache
    )


def _ours(examples: data.Examples, *, epoch: int) -> Iterator[torch.Tensor]:
    for batch in data.batches(examples, batch_size=BATCH, seed=0, epoch=epoch):
        yield pixels.normalise(batch.images, mean=MEAN, std=STD)


def _loader(table: Path) -> Any:
    settings = Namespace(train_data=str(table), csv_img_key="filepath", csv_caption_key="title", csv_separator="\t",
                         batch_size=BATCH, workers=0, distributed=False)  # fmt: skip
    transform = open_clip.image_transform(SIZE_PX, is_train=True, mean=MEAN, std=STD)
    return get_csv_dataset(settings, transform, is_train=True, tokenizer=open_clip.get_tokenizer("ViT-B-32")).dataloader


def _drain(batches: Iterator[torch.Tensor]) -> None:
    for images in batches:
        assert images.shape == (BATCH, 3, SIZE_PX, SIZE_PX)
        assert images.dtype == torch.float32
        del images  # as a training step does before the next batch: the allocator then has its memory for that


def _row(name: str, rates: dict[str, list[float]]) -> dict[str, Any]:
    ratios = [a / b for a, b in zip(rates["ours"], rates["peer"], strict=True)]
    return {
        "name": name,
        "ours": round(statistics.median(rates["ours"])),
        "peer": round(statistics.median(rates["peer"])),
        "ratio": round(statistics.median(ratios), 2),
        "unit": "images/s",
        "n": PASSES,
        "spread": [round(min(ratios), 2), round(max(ratios), 2)],
    }
