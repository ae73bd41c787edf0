"""Pictures to model input: resized whole, three channels, normalised."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

IN_CACHE = 2**17  # pixels that a processor normalises at a time, so that they stay in its cache: three times as fast


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


def stack(pictures: Sequence[NDArray[np.uint8]], *, pinned: bool = False) -> torch.Tensor:
    """Resized pictures (1 or 3, S, S) → one uint8 batch: (N, 1, S, S) of grey ones alone, else (N, 3, S, S).

    `pinned`: in memory that a CUDA device can fetch from while the processor goes on.
    """
    channels = max(len(each) for each in pictures)
    shape = (channels, *pictures[0].shape[1:])
    batch = torch.empty(len(pictures), *shape, dtype=torch.uint8, pin_memory=pinned)
    np.stack([each if each.shape == shape else np.broadcast_to(each, shape) for each in pictures], out=batch.numpy())
    return batch


def normalise(batch: torch.Tensor, *, mean: Sequence[float], std: Sequence[float]) -> torch.Tensor:
    """uint8 (N, 1 or 3, S, S) → float32 (N, 3, S, S), (value / 255 - mean) / std for each channel."""
    centre, scale = (torch.tensor(values, device=batch.device).view(1, -1, 1, 1) for values in (mean, std))
    normal = torch.empty(len(batch), len(mean), *batch.shape[2:], device=batch.device)
    together = len(batch) if batch.is_cuda else max(1, IN_CACHE // batch.shape[1:].numel())
    for start in range(0, len(batch), together):
        part = slice(start, start + together)
        torch.sub(batch[part].float().div_(255), centre, out=normal[part]).div_(scale)
    return normal


def model_input(images: torch.Tensor, *, mean: Sequence[float], std: Sequence[float]) -> torch.Tensor:
    """The images of a batch as a model takes them: pictures normalised, what a frozen tower made of them as it is."""
    return normalise(images, mean=mean, std=std) if images.dtype == torch.uint8 else images
