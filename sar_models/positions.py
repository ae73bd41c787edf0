"""Positional embeddings for another image size or context length than the weights were trained with."""

from collections.abc import Mapping

import torch
from torch.nn.functional import interpolate

NAME = "positional_embedding"  # ends the names of all of them in open_clip's models


def mis_shaped(wanted: Mapping[str, torch.Tensor], tensors: Mapping[str, torch.Tensor]) -> list[str]:
    """Names of the positional embeddings whose shape in `tensors` is not that in `wanted`."""
    return [
        name for name in wanted if name.endswith(NAME) and name in tensors and tensors[name].shape != wanted[name].shape
    ]


def resized(wanted: Mapping[str, torch.Tensor], tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """`tensors` with positional embeddings of the shapes in `wanted`.

    Those of an image tower, (1 + side², D), are a token of the whole image and a square grid: the grid is resized
    bicubically. Those of a text tower, (T, D), are stretched linearly; CoCa's last one belongs to its class token and
    is kept. What cannot be brought to its shape stays as it is.
    """
    fitting = dict(tensors)
    for name in mis_shaped(wanted, tensors):
        old, shape = tensors[name].float(), wanted[name].shape
        if old.ndim != 2 or old.shape[1] != shape[1]:
            continue
        if name.startswith("visual."):
            fitting[name] = _grid(old, positions=shape[0])
        else:
            kept = int(name.removesuffix(NAME) + "cls_emb" in wanted)
            line = interpolate(old[: len(old) - kept].T[None], size=shape[0] - kept, mode="linear")
            fitting[name] = torch.cat([line[0].T, old[len(old) - kept :]])
    return fitting


def _grid(old: torch.Tensor, *, positions: int) -> torch.Tensor:
    from_side, to_side = (round((count - 1) ** 0.5) for count in (len(old), positions))
    if from_side**2 + 1 != len(old) or to_side**2 + 1 != positions:
        return old
    image = old[1:].T.reshape(1, -1, from_side, from_side)
    image = interpolate(image, size=(to_side, to_side), mode="bicubic", antialias=True)
    return torch.cat([old[:1], image[0].flatten(1).T])
