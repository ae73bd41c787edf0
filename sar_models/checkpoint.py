"""The state of an unfinished training on disk, so that a killed run goes on where it was."""

import os
import shutil
from pathlib import Path
from typing import Any, cast

import torch

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


def load(folder: Path) -> dict[str, Any] | None:
    """The saved state, tensors on the CPU, or None when there is none. Runs no code from the file."""
    path = folder / FILE
    if not path.is_file():
        return None
    return cast(dict[str, Any], torch.load(path, map_location="cpu", weights_only=True))


def remove(folder: Path) -> None:
    """Delete the checkpoint: the training is finished and its model written."""
    if folder.is_dir():
        shutil.rmtree(folder)
