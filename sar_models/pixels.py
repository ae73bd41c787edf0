"""Pictures to model input: resized whole, three channels, normalised."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image


def resize(picture: NDArray[np.uint8], *, size_px: int) -> NDArray[np.uint8]:
    """Picture (H, W, 1 or 3) → (1 or 3, size_px, size_px), antialiased.

    The whole picture is kept and its sides are made equal: a crop would cut off what the caption speaks of. Raises
    `ValueError` for another shape or type.
    """
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] not in (1, 3):
        raise ValueError(f"a picture is uint8 (H, W, 1 or 3), got {picture.dtype} {picture.shape}")
    image = Image.fromarray(picture[:, :, 0] if picture.shape[2] == 1 else picture)
    if image.size != (size_px, size_px):
        image = image.resize((size_px, size_px), Image.Resampling.BICUBIC)
    pixels = np.asarray(image)
    return np.ascontiguousarray(np.atleast_3d(pixels).transpose(2, 0, 1))


def stack(pictures: Sequence[NDArray[np.uint8]]) -> torch.Tensor:
    """Resized pictures (1 or 3, S, S), mixed as they come → one uint8 batch (N, 3, S, S)."""
    return torch.from_numpy(np.stack([np.broadcast_to(each, (3, *each.shape[1:])) for each in pictures]))


def normalise(batch: torch.Tensor, *, mean: Sequence[float], std: Sequence[float]) -> torch.Tensor:
    """uint8 (N, 3, S, S) → float32 of the same shape, (value / 255 - mean) / std for each channel."""
    shape = (1, 3, 1, 1)
    centre = torch.tensor(mean, device=batch.device).view(shape)
    scale = torch.tensor(std, device=batch.device).view(shape)
    return (batch.float() / 255 - centre) / scale


def model_input(images: torch.Tensor, *, mean: Sequence[float], std: Sequence[float]) -> torch.Tensor:
    """The images of a batch as a model takes them: pictures normalised, what a frozen tower made of them as it is."""
    return normalise(images, mean=mean, std=std) if images.dtype == torch.uint8 else images
