"""Whole training steps of CLIP beside those of `open_clip_train` from the installed package.

Ours: the steps of `sar_models.train.train`. Peer: `train_one_epoch`, with its own model class, loss and optimiser as
its command line builds them. Same weights to begin with, same batch, precision, device and threads; gradients clipped
at 1 by both. Input is excluded (`train_step_input` has it): the pictures lie on the device, as uint8 that are
normalised in the step for ours, as the normalised floats that its transform makes for the peer. The captions are of
SAR-TEXT (median 12 tokens of 77).
By turns, `ROUNDS` times; the first step of each is not counted.

    python -m benchmarks.run train_step                                         tiny, and ViT-B-32 with few steps
    python -m benchmarks.train_step --model ViT-B-32 --batch 1024 --device cuda --precision bf16 --steps 20
    python -m benchmarks.train_step --model ViT-B-32 --batch 4096 --micro-batch 256 --device cuda --precision bf16

On a GPU the row also has the peak of allocated memory of both, the rate of their floating-point operations, and the
rate of a bf16 product of two 8,192 x 8,192 matrices to compare it with. `--micro-batch` is the peer's accumulation too.
"""

import argparse
import json
import logging
import os
import statistics
import tempfile
import time
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import torch
from numpy.typing import NDArray
from open_clip_train.train import train_one_epoch
from torch.utils.flop_counter import FlopCounterMode

from sar_models import clip, model, pixels, train
from sar_models.data import Batch, DataSet, examples
from sar_models.hardware import autocast
from sar_models.settings import Hardware, Training
from sar_models.short_text import shortened

ROUNDS = 5
MATRIX = 8192
CAPTIONS = (
    "SAR image of ships.",
    "A radar image of aircraft of other models.",
    "An A330 jet appears at the center of the radar image.",
    "A radar image showing cultivated land in addition to grassy ground.",
    "In this radar frame, there are no planes. The scene has a spatial resolution of 1.3 m.",
    "In the radar scene, grassy land occupies roughly a quarter of the mapped area. Grassy land borders the roads.",
    "The SAR image shows four watercraft. Most of the watercraft turn up in the right half. The image was rendered in "
    "X band with VV polarization.",
)  # the shortest, then each next tenth of a training set by length


@dataclass(frozen=True)
class Case:
    """What is measured."""

    architecture: str
    batch: int
    hardware: Hardware
    steps: int  # of each round, beside the first
    micro_batch: int = 0
    rounds: int = ROUNDS

    @property
    def settings(self) -> Training:
        return Training(
            epochs=1, batch_size=self.batch, learning_rate=1e-4, weight_decay=0.1, warmup_steps=1, gradient_clip=1.0,
            patience=0, micro_batch=self.micro_batch,
        )  # fmt: skip


@dataclass(frozen=True)
class Preloaded:
    """One batch again and again."""

    batch_: Batch
    steps: int

    def __len__(self) -> int:
        return self.steps * len(self.batch_.images)

    def batch(self, chosen: NDArray[np.int64], *, seed: int, epoch: int, pinned: bool = False) -> Batch:
        return self.batch_


def run() -> list[dict[str, Any]]:
    """Two rows, in images a second on the CPU; `ratio` is the median over rounds of ours / peer, above 1 is faster."""
    hardware = Hardware(threads=2)
    return [
        measure("train_step_tiny", Case("sar_clip_tiny", 32, hardware, steps=10)),
        measure("train_step_vit_b_32", Case("ViT-B-32", 8, hardware, steps=2, rounds=3)),
    ]


def measure(name: str, case: Case) -> dict[str, Any]:
    """One row for `benchmarks/results.json`."""
    device = torch.device(case.hardware.device)
    if device.type == "cuda":
        # torch reads it once, at the first matrix product of the process: set later, each product of ours would warn
        # that it is not deterministic. The size is that which cuBLAS gets without it on this kind of chip (32 MiB).
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    made = model.initial("clip", architecture=case.architecture, seed=0)
    batch = _batch(made, case.batch, device)
    ours = Preloaded(batch, case.steps + 1)
    peer = Peer(made, case)
    parts = _parts(made, batch, case)
    loader = Loader(lambda: cycle(parts), case)
    rates, peaks = by_turns(case, lambda: ours_s(made, case, ours), lambda: peer.seconds(loader))
    found = row(name, case, rates)
    return found | _of_a_gpu(made, case, batch, found, peaks, device) if device.type == "cuda" else found


def by_turns(
    case: Case, ours: Callable[[], float], peer: Callable[[], float]
) -> tuple[dict[str, list[float]], dict[str, float]]:
    """Images a second of each round of either, and on a GPU the most memory in GiB, of what gives seconds."""
    seconds = {"ours": ours, "peer": peer}
    rates: dict[str, list[float]] = {"ours": [], "peer": []}
    peaks: dict[str, float] = {}
    device = torch.device(case.hardware.device)
    for number in range(case.rounds):
        for who in ("ours", "peer") if number % 2 else ("peer", "ours"):
            if device.type == "cuda":
                torch.cuda.empty_cache()
                torch.cuda.reset_peak_memory_stats(device)
            rates[who].append(case.steps * case.batch / seconds[who]())
            if device.type == "cuda":
                peaks[who] = torch.cuda.max_memory_allocated(device) / 2**30
    return rates, peaks


def row(name: str, case: Case, rates: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    """What `benchmarks/results.json` has of every benchmark."""
    ratios = [ours / theirs for ours, theirs in zip(rates["ours"], rates["peer"], strict=True)]
    return {
        "name": name,
        "ours": round(statistics.median(rates["ours"]), 2),
        "peer": round(statistics.median(rates["peer"]), 2),
        "ratio": round(statistics.median(ratios), 3),
        "unit": "images/s",
        "n": case.rounds,
        "spread": [round(min(ratios), 3), round(max(ratios), 3)],
    }


def _batch(made: model.Model, size: int, device: torch.device) -> Batch:
    random = np.random.default_rng(0)
    side = made.image_size_px
    pictures = torch.from_numpy(random.integers(0, 256, (size, 3, side, side), dtype=np.uint8))
    tokens = made.tokenizer([CAPTIONS[number % len(CAPTIONS)] for number in range(size)])
    return Batch([f"bench/{number}" for number in range(size)], pictures.to(device), {"tokens": tokens})


def _parts(made: model.Model, batch: Batch, case: Case) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """The batch as the peer takes it, whole or by micro batches, on the device."""
    images = pixels.normalise(batch.images.cpu(), mean=made.mean, std=made.std).to(case.hardware.device)
    tokens = batch.text["tokens"].to(case.hardware.device)
    size = case.micro_batch or case.batch
    return list(zip(images.split(size), tokens.split(size), strict=True))


def ours_s(made: model.Model, case: Case, train_set: DataSet) -> float:
    """Seconds of all steps but the first: every step waits for the device, and then logs."""
    ends: list[float] = []

    def log(metrics: Mapping[str, float], step: int) -> None:
        if "train/loss" in metrics:
            ends.append(time.perf_counter())

    val_set = examples(
        [{"record_id": f"val/{n}", "caption_id": "", "text": text} for n, text in enumerate(CAPTIONS)],
        open_picture=lambda row: np.zeros((8, 8, 1), dtype=np.uint8),
        tokenizer=made.tokenizer, image_size_px=made.image_size_px, threads=1,
    )  # fmt: skip
    before, train.LOG_STEPS = train.LOG_STEPS, 1
    with tempfile.TemporaryDirectory() as folder:
        train.train(
            made, objective=clip, train_set=train_set, val_set=val_set, settings=case.settings,
            hardware=case.hardware, seed=0, checkpoints=Path(folder), log=log, label="ours",
        )  # fmt: skip
    train.LOG_STEPS = before
    return ends[-1] - ends[0]


class Peer:
    """`open_clip_train` with the command line's defaults."""

    def __init__(self, made: model.Model, case: Case) -> None:
        self.case, self.device = case, torch.device(case.hardware.device)
        config = {name: value for name, value in made.config.items() if name != "custom_text"}
        self.module = open_clip.CLIP(**config, output_dict=True)
        self.module.load_state_dict(made.module.state_dict())
        size = case.micro_batch or case.batch
        self.args = Namespace(
            device=str(self.device), precision={"fp32": "fp32", "bf16": "amp_bf16"}[case.hardware.precision],
            distill=False, accum_freq=case.batch // size, skip_scheduler=False, grad_clip_norm=1.0, horovod=False,
            rank=0, world_size=1, batch_size=size, log_every_n_steps=100, wandb=False,
        )  # fmt: skip
        logging.disable(logging.INFO)

    def seconds(self, loader: "Loader") -> float:
        """Seconds of all steps but the first."""
        module = self.module.to(self.device)
        named = dict(module.named_parameters())
        plain = [p for n, p in named.items() if p.ndim < 2 or "bn" in n or "ln" in n or "bias" in n]
        rest = [p for p in named.values() if all(p is not each for each in plain)]
        groups = [{"params": plain, "weight_decay": 0.0}, {"params": rest, "weight_decay": 0.1}]
        optimizer = torch.optim.AdamW(groups, lr=1e-4, betas=(0.9, 0.98), eps=1e-6)
        threads = torch.get_num_threads()
        torch.set_num_threads(self.case.hardware.threads)
        train_one_epoch(
            module, {"train": Namespace(dataloader=loader, set_epoch=lambda epoch: None)}, open_clip.ClipLoss(), 0,
            optimizer, None, lambda step: None, None, self.args,
        )  # fmt: skip
        _wait(self.device)
        ended = time.perf_counter()
        torch.set_num_threads(threads)
        module.to("cpu").zero_grad(set_to_none=True)
        return ended - loader.second_step


class Loader:
    """What `batches` gives, for the steps of a round and the one before; notes when the second step begins."""

    def __init__(self, batches: Callable[[], Iterator[tuple[torch.Tensor, torch.Tensor]]], case: Case) -> None:
        self._batches, self._steps, self._device = batches, case.steps + 1, torch.device(case.hardware.device)
        self._parts = case.batch // (case.micro_batch or case.batch)
        self.num_batches, self.num_samples = self._steps * self._parts, self._steps * case.batch
        self.second_step = 0.0

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        coming = self._batches()
        for step in range(self._steps):
            if step == 1:
                _wait(self._device)
                self.second_step = time.perf_counter()
            for _ in range(self._parts):
                yield next(coming)


def _of_a_gpu(
    made: model.Model, case: Case, batch: Batch, row: dict[str, Any], peaks: dict[str, float], device: torch.device
) -> dict[str, Any]:
    """Peak memory, and the rates of floating-point operations: each one's own, forward and backward once."""
    module = made.module.to(device).train()
    images = pixels.normalise(batch.images[:8], mean=made.mean, std=made.std)
    found: dict[str, Any] = {f"peak_gib_{who}": round(peak, 2) for who, peak in peaks.items()}
    for who, text in (("ours", shortened(module, batch.text)["tokens"]), ("peer", batch.text["tokens"])):
        with FlopCounterMode(display=False) as counter, autocast(case.hardware):
            output = module(images, text[:8].to(device))
            (output["image_features"].sum() + output["text_features"].sum()).backward()
        per_image = counter.get_total_flops() / len(images)
        found[f"tflops_per_s_{who}"] = round(per_image * row[who] / 1e12, 1)
    found["tflops_per_s_matrix"] = round(_matrix_rate(device) / 1e12, 1)
    module.to("cpu").zero_grad(set_to_none=True)
    return found | {
        "on_device": torch.cuda.get_device_name(device), "torch": torch.__version__, "architecture": case.architecture,
        "batch": case.batch, "micro_batch": case.micro_batch, "precision": case.hardware.precision,
        "compile": case.hardware.compile, "steps": case.steps,
    }  # fmt: skip


def _matrix_rate(device: torch.device) -> float:
    """Floating-point operations a second of a bf16 matrix product."""
    a, b = (torch.randn(MATRIX, MATRIX, device=device, dtype=torch.bfloat16) for _ in range(2))
    for repeat in (10, 50):  # the first time to warm up
        _wait(device)
        begun = time.perf_counter()
        for _ in range(repeat):
            a @ b
        _wait(device)
        spent = (time.perf_counter() - begun) / repeat
    return float(2 * MATRIX**3 / spent)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def main() -> None:
    parser = argparse.ArgumentParser(description="Training steps beside those of open_clip_train; prints a JSON row.")
    parser.add_argument("--model", default="ViT-B-32")
    parser.add_argument("--batch", type=int, default=1024)
    parser.add_argument("--micro-batch", type=int, default=0)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", default="fp32", choices=["fp32", "bf16"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--compile", action="store_true", help="ours alone")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    given = parser.parse_args()
    hardware = Hardware(given.device, given.precision, given.threads, compile=given.compile)
    case = Case(given.model, given.batch, hardware, given.steps, given.micro_batch, given.rounds)
    print(json.dumps(measure("train_step", case), sort_keys=True))


if __name__ == "__main__":
    main()
