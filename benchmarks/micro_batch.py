"""Cached contrastive gradients: a training step of a large batch in the memory of a small one.

    python -m benchmarks.run micro_batch          ViT-B-32, 512 in the memory of 64: minutes on two cores
    python -m benchmarks.micro_batch              4,096 in the memory of 256: 20 minutes on two cores; prints a JSON row

A step is the engine's: `gradients.backward`, clipping, AdamW. Each variant is a process of its own, which makes the
model, reads how much memory is resident, and then draws its batch (uint8, one channel, as the pixel cache has them) and
takes one step. Memory is the peak of the resident set above that reading (`VmHWM`, Linux), so the batch itself counts.
`ours` is the large batch by micro batches, `peer` the plain step of as many images as a micro batch holds; `ratio` of
their peaks near 1 is the aim. Their CPU seconds an image stand beside it: the price is a second forward pass.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def run() -> dict[str, Any]:
    """One row, in GiB, of an eighth of the batch of 4,096, whose step takes 20 minutes on two quiet cores."""
    return measure("ViT-B-32", batch=512, micro_batch=64, rounds=1)


def measure(architecture: str, *, batch: int, micro_batch: int, rounds: int) -> dict[str, Any]:
    """One row for `benchmarks/results.json`."""
    peer = [_in_process(architecture, batch=micro_batch, micro_batch=0) for _ in range(rounds)]
    ours = [_in_process(architecture, batch=batch, micro_batch=micro_batch) for _ in range(rounds)]
    ratios = [large["peak_bytes"] / plain["peak_bytes"] for large, plain in zip(ours, peer, strict=True)]
    return {
        "name": f"micro_batch_{batch}_by_{micro_batch}",
        "ours": round(statistics.median(each["peak_bytes"] for each in ours) / 2**30, 3),
        "peer": round(statistics.median(each["peak_bytes"] for each in peer) / 2**30, 3),
        "ratio": round(statistics.median(ratios), 3),
        "unit": "GiB above the start",
        "n": rounds,
        "spread": [round(min(ratios), 3), round(max(ratios), 3)],
        "architecture": architecture,
        "cpu_s_per_image_ours": round(statistics.median(each["cpu_s"] for each in ours) / batch, 4),
        "cpu_s_per_image_peer": round(statistics.median(each["cpu_s"] for each in peer) / micro_batch, 4),
        "wall_s_ours": round(statistics.median(each["wall_s"] for each in ours), 1),
        "wall_s_peer": round(statistics.median(each["wall_s"] for each in peer), 1),
    }


def _in_process(architecture: str, *, batch: int, micro_batch: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.micro_batch", "--model", architecture, "--step",
               "--batch", str(batch), "--micro-batch", str(micro_batch)]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def one_step(architecture: str, *, batch: int, micro_batch: int) -> dict[str, float]:
    """One step in this process: peak memory above the start, in bytes, and seconds."""
    import numpy as np
    import torch

    from benchmarks.train_step import CAPTIONS
    from sar_models import clip, gradients, model, pixels
    from sar_models.hardware import computing
    from sar_models.schedule import decay_groups
    from sar_models.settings import Hardware, Training
    from sar_models.short_text import shortened
    from sar_models.world import World

    hardware = Hardware(threads=2)
    settings = Training(epochs=1, batch_size=batch, learning_rate=1e-4, weight_decay=0.1, warmup_steps=0,
                        gradient_clip=1.0, patience=0, micro_batch=micro_batch)  # fmt: skip
    made = model.initial("clip", architecture=architecture, seed=0)
    module = made.module.train()
    with computing(hardware):
        optimizer = torch.optim.AdamW(decay_groups(module.parameters(), weight_decay=0.1), lr=1e-4, fused=True)
        Path("/proc/self/clear_refs").write_text("5")  # the peak is counted from here
        start = _resident("VmRSS")
        begun, begun_cpu = time.perf_counter(), _cpu_s()
        side = made.image_size_px
        pictures = np.random.default_rng(0).integers(0, 256, (batch, 1, side, side), dtype=np.uint8)
        texts = shortened(module, {"tokens": made.tokenizer([CAPTIONS[n % len(CAPTIONS)] for n in range(batch)])})
        gradients.backward(
            module, torch.from_numpy(pictures), texts,
            objective=clip, weights=clip.weights(settings), world=World(), hardware=hardware, seed=0,
            prepare=lambda images: pixels.model_input(images, mean=made.mean, std=made.std), micro_batch=micro_batch,
        )  # fmt: skip
        torch.nn.utils.clip_grad_norm_(module.parameters(), settings.gradient_clip)
        optimizer.step()
        spent, spent_cpu = time.perf_counter() - begun, _cpu_s() - begun_cpu
    return {"peak_bytes": _resident("VmHWM") - start, "wall_s": spent, "cpu_s": spent_cpu}


def _resident(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description="Memory of a large batch by micro batches; prints a JSON row.")
    parser.add_argument("--model", default="ViT-B-32")
    parser.add_argument("--batch", type=int, default=4096)
    parser.add_argument("--micro-batch", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--step", action="store_true", help="one step of the large batch alone, in this process")
    given = parser.parse_args()
    size = {"batch": given.batch, "micro_batch": given.micro_batch}
    row = one_step(given.model, **size) if given.step else measure(given.model, **size, rounds=given.rounds)
    print(json.dumps(row, sort_keys=True))


if __name__ == "__main__":
    main()
