"""One training loop for every kind of model.

Equal settings, data and hardware give equal weights, killed and resumed or not: the order of the data and the random
numbers of a step are functions of the seed and the step, and the checkpoint holds all the rest.
"""

import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from sar_models import averaging, checkpoint, freezing, gradients, memory, pixels
from sar_models.data import Batch, DataSet, batches, steps_per_epoch
from sar_models.feed import on_device
from sar_models.hardware import computing
from sar_models.progress import TrainingProgress, training_progress
from sar_models.schedule import decay_groups, learning_rate
from sar_models.settings import Hardware, Training
from sar_models.short_text import shortened
from sar_models.validation import validate
from sar_models.world import World, joined

Log = Callable[[Mapping[str, float], int], None]
LOG_STEPS = 10  # one point of the learning curve
CHECKPOINT_STEPS = 100  # and at the end of each epoch


@dataclass
class History:
    """What happened, and all of it that a resumed run must know."""

    epoch: int = 0  # the running one, from 0
    step_in_epoch: int = 0
    step: int = 0
    sums: dict[str, float] = field(default_factory=dict)  # of the running epoch's losses
    curve: list[dict[str, float]] = field(default_factory=list)  # one row an epoch
    best_epoch: int = 0  # from 1; 0 before the first validation
    best_loss: float = math.inf
    worse: int = 0  # validations since the best
    images_per_s: float = 0.0  # of this process; not resumed


def train(
    model: Any,
    *,
    objective: Any,
    train_set: DataSet,
    val_set: DataSet,
    settings: Training,
    hardware: Hardware,
    seed: int,
    checkpoints: Path,
    log: Log,
    label: str,
) -> History:
    """Train `model` in place and leave it with the weights of its best validation loss.

    `objective` is the module of its kind: `clip`, `coca` or `gpt`, whose losses are named, and whose `score` is shown.
    `checkpoints` is a folder of this very training (model, data, settings): what lies there is resumed. The caller
    removes it once the weights are safe. Under `torchrun` every process calls this with the same arguments, on one host
    or several; the first one writes and logs, and what it resumes goes to the others. Raises `ValueError` for settings
    that do not fit the data, the model or the memory, and for processes whose folders are not named alike, which are
    different trainings; `FloatingPointError` when the loss or its gradient is not finite; the last good checkpoint then
    stays.
    """
    with (
        computing(hardware) as device,
        joined(device) as world,
        freezing.frozen(model.module, settings.frozen),
        memory.explained(settings, hardware, device, processes=world.size),
    ):
        _refuse_other_inputs(checkpoints.name, world)
        steps = _planned_steps(train_set, settings, world)
        freezing.training_mode(model.module.to(device), settings.frozen)
        _refuse_mixed_rows(model.module, settings)
        run = _Run(model, objective, settings, hardware, device, world, seed, steps, checkpoints)
        start = _kept(model.module) if settings.stage_1_share else {}
        run.resume()
        done = run.history.step
        log = log if world.writes else _silent
        with training_progress(label, steps=steps, done=done, shown=world.writes) as progress:
            if done:
                progress.say(f"resumed at step {done} of {steps}")
            while run.history.epoch < settings.epochs and not run.stopped:
                run.epoch(train_set, val_set, log, progress)
            run.history.images_per_s = progress.images_per_s
            checkpoint.restore(model.module, run.best)
            if settings.stage_1_share:
                best = checkpoint.trained(model.module)
                checkpoint.restore(model.module, averaging.blended(start, best, share=settings.stage_1_share))
                validated = run.validated(val_set)
                log({f"blended/{name}": value for name, value in validated.items()}, run.history.step)
                progress.say(f"with {settings.stage_1_share:.0%} of the stage-1 weights: {_listed(validated)}")
        model.module.to("cpu").eval()
        return run.history


class _Run:
    """The moving parts of one training."""

    def __init__(
        self,
        model: Any,
        objective: Any,
        settings: Training,
        hardware: Hardware,
        device: torch.device,
        world: World,
        seed: int,
        steps: int,
        folder: Path,
    ) -> None:
        self.model, self.settings, self.hardware, self.device, self.world = model, settings, hardware, device, world
        self.seed, self.steps, self.folder = seed, steps, folder
        self.objective = objective
        self.weights: dict[str, float] = objective.weights(settings)
        self.optimizer = torch.optim.AdamW(
            decay_groups(model.module.parameters(), weight_decay=settings.weight_decay),
            lr=settings.learning_rate, betas=(0.9, 0.98), eps=1e-6, fused=True,
        )  # fmt: skip  # open_clip's values for transformers
        self.network: Any = model.module
        self.micro_batch = settings.micro_batch if settings.micro_batch < settings.batch_size // world.size else 0
        if world.size > 1 and not self.micro_batch:
            self.network = DistributedDataParallel(model.module)
        if hardware.compile:  # a view of the module: its weights are saved and validated as they are
            self.network = torch.compile(self.network)
        self.average = averaging.MovingAverage(model.module, decay=settings.ema_decay) if settings.ema_decay else None
        self.history = History()
        self.best: dict[str, torch.Tensor] = {}

    @property
    def stopped(self) -> bool:
        return 0 < self.settings.patience <= self.history.worse

    def resume(self) -> None:
        state = checkpoint.load(self.folder, world=self.world)
        if state is not None:
            checkpoint.restore(self.model.module, state["module"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.best = state["best"]
            self.history = History(**state["history"])
            if self.average:
                for name, value in self.average.weights.items():
                    value.copy_(state["average"][name])

    def save(self) -> None:
        if self.world.writes:
            state = {
                "module": checkpoint.trained(self.model.module),
                "optimizer": self.optimizer.state_dict(),
                "best": self.best,
                "average": self.average.weights if self.average else {},
                "history": asdict(self.history),
            }
            checkpoint.save(self.folder, state)

    def epoch(self, train_set: DataSet, val_set: DataSet, log: Log, progress: TrainingProgress) -> None:
        """From where the history stands to the end of the epoch, with its validation."""
        history = self.history
        freezing.training_mode(self.model.module, self.settings.frozen)
        remaining = batches(
            train_set,
            batch_size=self.settings.batch_size, seed=self.seed, epoch=history.epoch, first=history.step_in_epoch,
            rank=self.world.rank, processes=self.world.size, pinned=self.device.type == "cuda",
        )  # fmt: skip
        # cut while the texts are on the CPU: on a GPU the length of the longest would be waited for in each step
        cut = (dataclasses.replace(each, text=shortened(self.model.module, each.text)) for each in remaining)
        for batch in on_device(cut, self.device):
            losses, rate = self.step(batch)
            history.step += 1
            history.step_in_epoch += 1
            for name, value in losses.items():
                history.sums[name] = history.sums.get(name, 0.0) + value
            progress.step(loss=losses["loss"], images=self.settings.batch_size)
            if history.step % LOG_STEPS == 0:
                named = {f"train/{name}": value for name, value in losses.items()}
                speed = {"images_per_s": progress.images_per_s, **memory.peak(self.device)}
                speed["progress_percent"] = 100 * history.step / self.steps
                log({**named, "learning_rate": rate, **speed}, history.step)
            if history.step % CHECKPOINT_STEPS == 0:
                self.save()
        self.finish_epoch(val_set, log, progress)

    def step(self, batch: Batch) -> tuple[dict[str, float], float]:
        """One update. Returns the losses, means over all processes, and the learning rate."""
        history = self.history
        rate = learning_rate(
            history.step, peak=self.settings.learning_rate, warmup_steps=self.settings.warmup_steps, steps=self.steps
        )
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.zero_grad(set_to_none=True)
        named = gradients.backward(
            self.network, batch.images, batch.text,
            objective=self.objective, weights=self.weights, prepare=self.model_input, world=self.world,
            hardware=self.hardware, micro_batch=self.micro_batch,
            seed=(self.seed * 1_000_003 + history.step) * self.world.size + self.world.rank,
        )  # fmt: skip
        norm = nn.utils.clip_grad_norm_(self.model.module.parameters(), self.settings.gradient_clip)
        total = torch.stack([self.weights[name] * value for name, value in named.items()]).sum()
        means = self.world.sum(torch.stack([total, *named.values()])) / self.world.size
        *values, length = torch.stack([*means, norm]).tolist()  # the only wait for the device in a step
        losses = dict(zip(["loss", *named], values, strict=True))
        self.check(losses["loss"], "loss", batch)
        self.check(length, "gradient", batch)
        self.optimizer.step()
        self.objective.after_step(self.model.module)
        if self.average:
            self.average.add(step=history.step + 1)
        return losses, rate

    def model_input(self, images: torch.Tensor) -> torch.Tensor:
        return pixels.model_input(images, mean=self.model.mean, std=self.model.std)

    def check(self, value: float, name: str, batch: Batch) -> None:
        if not math.isfinite(value):
            history = self.history
            records = ", ".join(batch.record_ids[:4])
            raise FloatingPointError(
                f"the {name} is {value} at step {history.step + 1} (epoch {history.epoch + 1}, batch "
                f"{history.step_in_epoch + 1}: {records} …). Lower learning_rate or gradient_clip, or raise "
                f"warmup_steps; the last good checkpoint is in {self.folder}"
            )

    def finish_epoch(self, val_set: DataSet, log: Log, progress: TrainingProgress) -> None:
        """Validate, keep the weights if they are the best so far, and write a checkpoint."""
        history = self.history
        train_means = {name: value / history.step_in_epoch for name, value in history.sums.items()}
        now = _kept(self.model.module) if self.average else {}
        if self.average:
            checkpoint.restore(self.model.module, self.average.weights)
        validated = self.validated(val_set)
        if not math.isfinite(validated["loss"]):
            raise FloatingPointError(
                f"the validation loss is {validated['loss']} after step {history.step} (epoch {history.epoch + 1}): "
                f"lower learning_rate; the last good checkpoint is in {self.folder}"
            )
        history.epoch += 1
        row = {f"train_{name}": value for name, value in train_means.items()}
        row |= {f"val_{name}": value for name, value in validated.items()}
        history.curve.append({"epoch": history.epoch, "step": history.step, **row})
        history.step_in_epoch, history.sums = 0, {}
        if validated["loss"] < history.best_loss:
            history.best_loss, history.best_epoch, history.worse = validated["loss"], history.epoch, 0
            self.best = _kept(self.model.module)
        else:
            history.worse += 1
        if self.average:
            checkpoint.restore(self.model.module, now)
        log({f"val/{name}": value for name, value in validated.items()}, history.step)
        progress.say(
            f"epoch {history.epoch}: loss {train_means['loss']:.3f}, {_listed(validated)}"
            + (", best so far" if history.worse == 0 else "")
        )
        self.save()

    def validated(self, val_set: DataSet) -> dict[str, float]:
        """What the weights are worth on the validation set; measured by the first process, known to all."""
        names = ["loss", *self.weights, self.objective.SCORE]
        measured = torch.zeros(len(names), dtype=torch.float64, device=self.device)
        if self.world.writes:
            found = validate(
                self.model, val_set,
                objective=self.objective, settings=self.settings, hardware=self.hardware, device=self.device,
            )  # fmt: skip
            measured = torch.tensor([found[name] for name in names], dtype=torch.float64, device=self.device)
        return dict(zip(names, self.world.from_first(measured).tolist(), strict=True))


def _refuse_other_inputs(training: str, world: World) -> None:
    if not world.agrees(training):
        raise ValueError(
            "the processes of this training do not have the same data, starting weights and settings: bring the same "
            "commit and data to every host (`git pull`, `dvc pull`), and start the same stage on all of them"
        )


def _planned_steps(train_set: DataSet, settings: Training, world: World) -> int:
    if settings.batch_size % world.size:
        raise ValueError(f"batch_size {settings.batch_size} cannot be shared equally by {world.size} processes")
    steps = steps_per_epoch(train_set, batch_size=settings.batch_size) * settings.epochs
    if steps == 0:
        raise ValueError(
            f"batch_size is {settings.batch_size}, but there are only {len(train_set)} training images: lower it"
        )
    if settings.warmup_steps >= steps:
        raise ValueError(
            f"warmup_steps is {settings.warmup_steps}, but the whole training has {steps} steps: lower it or add epochs"
        )
    return steps


def _refuse_mixed_rows(module: nn.Module, settings: Training) -> None:
    if settings.micro_batch and gradients.mixes_rows(module):
        raise ValueError(
            f"micro_batch is {settings.micro_batch}, but the model has batch norms, which would see micro batches in "
            "place of the batch: set micro_batch: 0, freeze the tower (frozen: image), or take a vision transformer"
        )


def _kept(module: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in checkpoint.trained(module).items()}


def _listed(validated: Mapping[str, float]) -> str:
    return ", ".join(f"val {name} {value:.3f}" for name, value in validated.items())


def _silent(metrics: Mapping[str, float], step: int) -> None:
    """The other processes of `torchrun` log nothing."""
