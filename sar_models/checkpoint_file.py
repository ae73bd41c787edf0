"""Weights as others leave them in a file: safetensors, or a checkpoint of torch."""

import pickle
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch

STATE, PARALLEL = "state_dict", "module."  # open_clip_train: the key of the weights, what DataParallel puts before each


def read_checkpoint(path: Path) -> dict[str, torch.Tensor]:
    """The weights in `path`, on the CPU: `.safetensors`, or what `torch.save` wrote, by itself or below `state_dict`,
    with or without `module.` before each name.

    No code in the file is run: of a pickle only tensors, numbers, text and collections of them are built. Raises
    `ValueError` when the file cannot be read, holds anything else, or holds no weights.
    """
    content = _content(path)
    if isinstance(content, dict) and isinstance(content.get(STATE), dict):
        content = content[STATE]
    if not isinstance(content, dict) or not content or not all(torch.is_tensor(value) for value in content.values()):
        raise ValueError(f"{path} holds no weights by name, nor below the key '{STATE}'")
    if all(name.startswith(PARALLEL) for name in content):
        return {name.removeprefix(PARALLEL): value for name, value in content.items()}
    return dict(content)


def _content(path: Path) -> Any:
    try:
        if path.suffix == ".safetensors":
            return safetensors.torch.load_file(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ValueError(
            f"{path} is no checkpoint of plain tensors, and nothing else is loaded, for a pickle may run any program: "
            "save the weights alone, as safetensors or by torch.save(model.state_dict(), …) "
            f"({str(error).splitlines()[0]})"
        ) from error
    except (OSError, RuntimeError, ValueError, EOFError, safetensors.SafetensorError) as error:
        raise ValueError(f"{path} is no checkpoint that can be read: {error}") from error
