"""Trainings in processes of their own: killed and resumed, and two processes that train as one.

The processes are forked from a server that has imported torch and open_clip once, which takes seconds.
"""

import json
import multiprocessing
import multiprocessing.context
import socket
import subprocess
import sys
from pathlib import Path

import micro_training
import pytest
import torch

from sar_models import checkpoint, gpt_model, model


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
    kept = checkpoint.load(tmp_path / "checkpoints")
    assert (kept["history"]["step"] if kept else 0) == {2: 0, 8: 6, 14: 12}[step]
    resumed = processes.Process(target=micro_training.to_files, args=(kind, tmp_path))
    resumed.start()
    resumed.join()
    assert resumed.exitcode == 0
    whole, history = micro_training.run(kind, tmp_path / "whole")
    found = loaded(kind, tmp_path)
    assert all(torch.equal(found[name], value) for name, value in whole.module.state_dict().items())
    assert json.loads((tmp_path / "curve.json").read_text()) == history.curve


@pytest.mark.parametrize("kind", ["clip", "coca", "gpt"])
def test_two_processes_have_the_losses_of_one(
    kind: str, tmp_path: Path, processes: multiprocessing.context.ForkServerContext
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    common = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    both = [
        processes.Process(
            target=micro_training.to_files,
            args=(kind, tmp_path),
            kwargs={"environment": {**common, "RANK": str(rank), "LOCAL_RANK": str(rank)}},
        )
        for rank in (0, 1)
    ]
    for process in both:
        process.start()
    for process in both:
        process.join()
    assert [process.exitcode for process in both] == [0, 0]
    same_as_alone(kind, tmp_path)


@pytest.mark.e2e
def test_torchrun(tmp_path: Path) -> None:
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    subprocess.run([*launch, micro_training.__file__, "coca", str(tmp_path)], check=True, capture_output=True)
    same_as_alone("coca", tmp_path)


def loaded(kind: str, folder: Path) -> dict[str, torch.Tensor]:
    found = gpt_model.load(folder) if kind == "gpt" else model.load(folder)
    return dict(found.module.state_dict())


def same_as_alone(kind: str, folder: Path) -> None:
    alone, history = micro_training.run(kind, folder / "alone")
    together = json.loads((folder / "curve.json").read_text())
    assert len(together) == len(history.curve) == 4
    for ours, theirs in zip(history.curve, together, strict=True):
        assert theirs == pytest.approx(ours, rel=2e-4)
    trained = loaded(kind, folder)
    for name, value in alone.module.state_dict().items():
        torch.testing.assert_close(trained[name], value, rtol=1e-2, atol=1e-3)
