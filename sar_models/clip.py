"""CLIP: batch → named losses (Radford et al. 2021)."""

from typing import Any

import torch
from open_clip.loss import ClipLoss

from sar_models.settings import Training
from sar_models.world import World


def losses(module: Any, images: torch.Tensor, tokens: torch.Tensor, *, world: World) -> dict[str, torch.Tensor]:
    """`contrastive`: cross-entropy of the right text for each image and the right image for each text, over the batch
    of all processes. `images` float32 (N, 3, S, S), `tokens` int64 (N, T)."""
    return {"contrastive": contrastive(module(images, tokens), world=world)}


def weights(settings: Training) -> dict[str, float]:
    """The total is the only loss."""
    return {"contrastive": 1.0}


def contrastive(output: dict[str, torch.Tensor], *, world: World) -> torch.Tensor:
    """Each process scores its own rows against those of all, gathered with their gradients: the mean of this over the
    processes is the loss of the whole batch, and so are its gradients."""
    loss = ClipLoss(local_loss=True, gather_with_grad=True, rank=world.rank, world_size=world.size)
    value: torch.Tensor = loss(
        output["image_features"].float(), output["text_features"].float(), output["logit_scale"].float()
    )
    return value
