"""CLIP: batch → named losses (Radford et al. 2021)."""

import math
from typing import Any

import torch
from open_clip.loss import ClipLoss

from sar_models.recall import mean_recall
from sar_models.settings import Training
from sar_models.world import World

LARGEST_LOGIT_SCALE = math.log(100)  # CLIP's limit: above it training becomes unstable
SCORE, score = "mean_recall", mean_recall


def losses(module: Any, images: torch.Tensor, tokens: torch.Tensor, *, world: World) -> dict[str, torch.Tensor]:
    """`contrastive`: cross-entropy of the right text for each image and the right image for each text, over the batch
    of all processes. `images` float32 (N, 3, S, S), `tokens` int64 (N, T)."""
    return {"contrastive": contrastive(module(images, tokens), world=world)}


def weights(settings: Training) -> dict[str, float]:
    """The total is the only loss."""
    return {"contrastive": 1.0}


def after_step(module: Any) -> None:
    """Keep the logit scale within its limit."""
    with torch.no_grad():
        module.logit_scale.clamp_(0, LARGEST_LOGIT_SCALE)


def contrastive(output: dict[str, torch.Tensor], *, world: World) -> torch.Tensor:
    """Each process scores its own rows against those of all, gathered with their gradients: the mean of this over the
    processes is the loss of the whole batch, and so are its gradients."""
    loss = ClipLoss(local_loss=True, gather_with_grad=True, rank=world.rank, world_size=world.size)
    value: torch.Tensor = loss(
        output["image_features"].float(), output["text_features"].float(), output["logit_scale"].float()
    )
    return value
