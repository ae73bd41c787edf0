"""Weights in the layouts that others leave them in; a file that would run a program is refused."""

import os
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from sar_models.checkpoint_file import read_checkpoint

WEIGHTS = {"visual.proj": torch.arange(6.0).reshape(2, 3), "logit_scale": torch.tensor(2.5)}
PARALLEL = {f"module.{name}": value for name, value in WEIGHTS.items()}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("bare.pt", WEIGHTS),  # RemoteCLIP, GeoRSCLIP
        ("parallel.bin", PARALLEL),
        ("epoch_3.pt", {"epoch": 3, "name": "run", "state_dict": PARALLEL, "optimizer": {"state": {0: {"step": 1}}}}),
    ],
)
def test_layouts_of_torch(name: str, content: Any, tmp_path: Path) -> None:
    torch.save(content, tmp_path / name)
    found = read_checkpoint(tmp_path / name)
    assert found.keys() == WEIGHTS.keys()
    assert all(torch.equal(found[key], WEIGHTS[key]) for key in WEIGHTS)


def test_safetensors(tmp_path: Path) -> None:
    safetensors.torch.save_file(PARALLEL, tmp_path / "a.safetensors")
    assert read_checkpoint(tmp_path / "a.safetensors").keys() == WEIGHTS.keys()


class Hostile:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.folder),)


def test_a_pickle_runs_no_program(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    torch.save({"state_dict": WEIGHTS, "extra": Hostile(ran)}, tmp_path / "hostile.pt")
    with pytest.raises(ValueError, match=r"hostile\.pt is no checkpoint of plain tensors.*safetensors"):
        read_checkpoint(tmp_path / "hostile.pt")
    assert not ran.exists()
    torch.load(tmp_path / "hostile.pt", weights_only=False)
    assert ran.exists(), "the pickle would have done it"


def test_what_holds_no_weights_is_refused(tmp_path: Path) -> None:
    for content in ({}, {"state_dict": {}}, {"epoch": 3}, [WEIGHTS["logit_scale"]]):
        torch.save(content, tmp_path / "odd.pt")
        with pytest.raises(ValueError, match=r"odd\.pt holds no weights by name"):
            read_checkpoint(tmp_path / "odd.pt")
    for name in ("broken.pt", "broken.safetensors"):
        (tmp_path / name).write_bytes(b"not a checkpoint")
        with pytest.raises(ValueError, match=rf"{name} is no checkpoint"):
            read_checkpoint(tmp_path / name)
