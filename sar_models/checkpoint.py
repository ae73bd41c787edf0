"""The state of an unfinished training on disk, so that a killed run goes on where it was."""

import io
import os
import shutil
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import nn

from sar_models.world import World

FILE = "checkpoint.pt"


def save(folder: Path, state: dict[str, Any]) -> None:
    """Replace the checkpoint in `folder` as one step: a kill leaves the old one or the new one, whole."""
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f"{FILE}.partial"
    with partial.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(folder / FILE)


def load(folder: Path, *, world: World) -> dict[str, Any] | None:
    """The state that the first process saved, tensors on the CPU, or None when there is none. Runs no code from the
    file, which goes over the network: it lies on the first process's host alone."""
    path = folder / FILE
    found = np.fromfile(path, dtype=np.uint8) if world.writes and path.is_file() else np.empty(0, dtype=np.uint8)
    content = world.bytes_from_first(torch.from_numpy(found)).numpy().tobytes()
    if not content:
        return None
    return cast(dict[str, Any], torch.load(io.BytesIO(content), map_location="cpu", weights_only=True))


def remove(folder: Path) -> None:
    """Delete the checkpoint: the training is finished and its model written."""
    if folder.is_dir():
        shutil.rmtree(folder)


def trained(module: nn.Module) -> dict[str, torch.Tensor]:
    """What training changes: all weights but frozen ones, which are as they were built. Each once, however many names
    share it."""
    frozen = {
        name for name, parameter in module.named_parameters(remove_duplicate=False) if not parameter.requires_grad
    }
    kept = dict(module.named_parameters()) | dict(module.named_buffers())
    return {name: value.detach() for name, value in module.state_dict().items() if name in kept and name not in frozen}


def restore(module: nn.Module, state: dict[str, torch.Tensor]) -> None:
    """Put back what `trained` gave."""
    wanted = trained(module)
    assert wanted.keys() == state.keys(), "a checkpoint of another model"
    with torch.no_grad():
        for name, value in wanted.items():
            value.copy_(state[name])
