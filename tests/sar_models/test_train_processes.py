"""Trainings in processes of their own: killed and resumed, and two processes that train as one.

The processes are forked from a server that has imported torch and open_clip once, which takes seconds.
"""

import dataclasses
import json
import multiprocessing
import multiprocessing.context
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import micro_training
import numpy as np
import pytest
import torch

from sar_models import checkpoint, gpt_model, model
from sar_models.settings import Hardware, Training
from sar_models.world import World

EVERYTHING = dataclasses.replace(
    micro_training.SETTINGS, ema_decay=0.9, micro_batch=3, frozen="text", stage_1_share=0.3
)


@pytest.fixture(scope="module")
def processes() -> multiprocessing.context.ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["open_clip", "torch.distributed.nn", "sar_models.train"])
    return context


@pytest.mark.parametrize(("kind", "step"), [("clip", 2), ("clip", 8), ("coca", 14), ("gpt", 8)])
def test_a_killed_training_resumes_to_the_same_weights(
    kind: str, step: int, tmp_path: Path, processes: multiprocessing.context.ForkServerContext
) -> None:
    """Killed before the first checkpoint, in the middle of an epoch behind one, and after some validations."""
    killed = processes.Process(target=micro_training.to_files, args=(kind, tmp_path), kwargs={"kill_at": step})
    killed.start()
    killed.join()
    assert killed.exitcode == -9
    assert not (tmp_path / model.WEIGHTS).exists()
    kept = checkpoint.load(tmp_path / "checkpoints", world=World())
    assert (kept["history"]["step"] if kept else 0) == {2: 0, 8: 6, 14: 12}[step]
    resumed = processes.Process(target=micro_training.to_files, args=(kind, tmp_path))
    resumed.start()
    resumed.join()
    assert resumed.exitcode == 0
    whole, history = micro_training.run(kind, tmp_path / "whole")
    found = loaded(kind, tmp_path)
    assert all(torch.equal(found[name], value) for name, value in whole.module.state_dict().items())
    assert json.loads((tmp_path / "curve.json").read_text()) == history.curve


@pytest.mark.parametrize("drawn", range(3))
def test_killed_at_random_with_all_that_must_be_resumed(
    drawn: int, tmp_path: Path, processes: multiprocessing.context.ForkServerContext
) -> None:
    """A moving average, micro batches, a frozen tower, the stage-1 share; killed once more when resumed."""
    random = np.random.default_rng(drawn)
    kind = ("clip", "coca", "coca")[drawn]
    first, second = sorted(random.choice(np.arange(1, 20), size=2, replace=False).tolist())
    for kill_at in (first, second, None):
        process = processes.Process(
            target=micro_training.to_files, args=(kind, tmp_path), kwargs={"kill_at": kill_at, "settings": EVERYTHING}
        )
        process.start()
        process.join()
        assert process.exitcode == (0 if kill_at is None else -9)
    whole, history = micro_training.run(kind, tmp_path / "whole", settings=EVERYTHING)
    found = loaded(kind, tmp_path)
    assert all(torch.equal(found[name], value) for name, value in whole.module.state_dict().items())
    assert json.loads((tmp_path / "curve.json").read_text()) == history.curve


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("clip", {}),
        ("coca", {}),
        ("gpt", {}),
        ("clip", {"micro_batch": 3}),
        ("coca", {"micro_batch": 1, "frozen": "text"}),
        ("gpt", {"micro_batch": 2}),
        ("clip", {"micro_batch": 4}),  # all rows of a process
        ("clip", {"contrastive_loss": "sigmoid"}),
        ("clip", {"contrastive_loss": "sigmoid", "micro_batch": 2, "ema_decay": 0.5}),
    ],
)
def test_two_processes_have_the_losses_of_one(
    kind: str, changes: dict[str, Any], tmp_path: Path, processes: multiprocessing.context.ForkServerContext
) -> None:
    settings = dataclasses.replace(micro_training.SETTINGS, **changes)
    in_two(kind, tmp_path, settings, micro_training.HARDWARE, processes)
    same_as_alone(kind, tmp_path, settings)


@pytest.mark.e2e
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler on the CPU")
@pytest.mark.parametrize(("kind", "micro_batch"), [("clip", 3), ("coca", 0)])
def test_two_compiled_processes_have_the_losses_of_one(
    kind: str, micro_batch: int, tmp_path: Path, processes: multiprocessing.context.ForkServerContext
) -> None:
    """Without micro batches what is compiled is DistributedDataParallel, which joins the gradients in its hooks."""
    settings = dataclasses.replace(micro_training.SETTINGS, micro_batch=micro_batch)
    in_two(kind, tmp_path, settings, Hardware(threads=1, compile=True), processes)
    same_as_alone(kind, tmp_path, settings)


def test_only_the_first_host_has_the_checkpoint_and_the_second_goes_on_from_it(
    tmp_path: Path, processes: multiprocessing.context.ForkServerContext
) -> None:
    """Two folders, as two hosts have."""
    folders = (tmp_path / "first", tmp_path / "second")
    assert in_processes("clip", folders, processes, kill_at=8) == [-9, 1]
    assert checkpoint.load(folders[0] / "checkpoints", world=World())["history"]["step"] == 6
    assert in_processes("clip", folders, processes) == [0, 0]
    assert in_processes("clip", (tmp_path / "whole", tmp_path / "whole"), processes) == [0, 0]
    resumed, whole = (loaded("clip", folder) for folder in (folders[0], tmp_path / "whole"))
    assert all(torch.equal(resumed[name], value) for name, value in whole.items())
    assert not folders[1].exists(), "the second writes nothing"


def test_processes_with_other_inputs_than_the_first_are_refused_by_all(
    tmp_path: Path, processes: multiprocessing.context.ForkServerContext
) -> None:
    """Two hosts of which one has other data name their folders of checkpoints otherwise."""
    folders = [tmp_path / host for host in ("first", "second")]
    assert in_processes("clip", folders, processes, target=refused) == [0, 0]


def refused(kind: str, checkpoints: Path, *, environment: Mapping[str, str]) -> None:
    os.environ.update(environment)
    with pytest.raises(ValueError, match="bring the same commit and data to every host"):
        micro_training.run(kind, checkpoints)


def in_two(
    kind: str, folder: Path, settings: Training, hardware: Hardware,
    processes: multiprocessing.context.ForkServerContext,
) -> None:  # fmt: skip
    """A training by two processes into `folder`."""
    codes = in_processes(kind, (folder, folder), processes, settings=settings, hardware=hardware)
    assert codes == [0, 0]


def in_processes(
    kind: str, outputs: Sequence[Path], processes: multiprocessing.context.ForkServerContext, *,
    target: Callable[..., None] = micro_training.to_files, **how: Any,
) -> list[int | None]:  # fmt: skip
    """A training by a process for each of `outputs`, and how they ended."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    common = {"WORLD_SIZE": str(len(outputs)), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    started = []
    for rank, output in enumerate(outputs):
        environment = {**common, "RANK": str(rank), "LOCAL_RANK": str(rank)}
        process = processes.Process(target=target, args=(kind, output), kwargs={"environment": environment, **how})
        process.start()
        started.append(process)
    for process in started:
        process.join()
    return [process.exitcode for process in started]


@pytest.mark.e2e
def test_torchrun(tmp_path: Path) -> None:
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    subprocess.run([*launch, micro_training.__file__, "coca", str(tmp_path)], check=True, capture_output=True)
    same_as_alone("coca", tmp_path, micro_training.SETTINGS)


def loaded(kind: str, folder: Path) -> dict[str, torch.Tensor]:
    found = gpt_model.load(folder) if kind == "gpt" else model.load(folder)
    return dict(found.module.state_dict())


def same_as_alone(kind: str, folder: Path, settings: Training) -> None:
    """`settings` with the whole batch at once, in one process."""
    alone, history = micro_training.run(kind, folder / "alone", settings=dataclasses.replace(settings, micro_batch=0))
    together = json.loads((folder / "curve.json").read_text())
    assert len(together) == len(history.curve) == 4
    for ours, theirs in zip(history.curve, together, strict=True):
        score = f"val_{micro_training.OBJECTIVES[kind].SCORE}"  # of few items: one that flips is much
        assert theirs.pop(score) == pytest.approx(ours.pop(score), abs=3)
        assert theirs == pytest.approx(ours, rel=2e-4)
    trained = loaded(kind, folder)
    for name, value in alone.module.state_dict().items():
        torch.testing.assert_close(trained[name], value, rtol=1e-2, atol=1e-3)
