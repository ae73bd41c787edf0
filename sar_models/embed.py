"""Embeddings of pictures that are resized already, such as those of the pixel cache: as fast as the network itself."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import normalize

from sar_models import pixels
from sar_models.feed import one_ahead
from sar_models.hardware import autocast, computing
from sar_models.model import Model
from sar_models.settings import Hardware


def embed_resized(
    model: Model, pictures: Sequence[NDArray[np.uint8]], *, hardware: Hardware, batch_size: int
) -> NDArray[np.float32]:
    """Embeddings, float32 (N, D) of length 1, of pictures (1 or 3, S, S) at the side that `model` wants.

    A thread puts the next batch together while this one is computed. Raises `ValueError` when there is no picture.
    """
    if not len(pictures):
        raise ValueError("there is nothing to embed: give at least one picture")
    with computing(hardware) as device, torch.inference_mode():
        module = model.module.to(device).eval()
        starts = iter(range(0, len(pictures), batch_size))

        def following() -> torch.Tensor | None:
            start = next(starts, None)
            if start is None:
                return None
            return pixels.stack(pictures[start : start + batch_size], pinned=device.type == "cuda")

        found = []
        for batch in one_ahead(following):
            images = pixels.normalise(batch.to(device, non_blocking=True), mean=model.mean, std=model.std)
            with autocast(hardware):
                found.append(module.encode_image(images))
        rows: NDArray[np.float32] = normalize(torch.cat(found).float(), dim=-1).cpu().numpy()
    return rows
