"""CoCa: batch → named losses (Yu et al. 2022)."""

from typing import Any

import torch
from torch.nn.functional import cross_entropy

from sar_models.clip import SCORE, after_step, contrastive, score
from sar_models.settings import Training
from sar_models.tokenizer import PAD
from sar_models.world import World

__all__ = ["SCORE", "after_step", "losses", "score", "weights"]  # as in CLIP: `SCORE`, `score` and `after_step`


def losses(module: Any, images: torch.Tensor, tokens: torch.Tensor, *, world: World) -> dict[str, torch.Tensor]:
    """`contrastive` as in CLIP; `caption`: cross-entropy of each next token, a mean over the tokens of all processes.

    `images` float32 (N, 3, S, S), `tokens` int64 (N, T).
    """
    output = module(images, tokens)
    labels = output["labels"]
    summed = cross_entropy(output["logits"].float().flatten(0, 1), labels.flatten(), ignore_index=PAD, reduction="sum")
    # Processes hold texts of different length: a mean of their means would weigh the tokens unequally.
    tokens_per_process = world.sum((labels != PAD).sum()) / world.size
    return {"contrastive": contrastive(output, world=world), "caption": summed / tokens_per_process}


def weights(settings: Training) -> dict[str, float]:
    """How much each loss counts in the total."""
    return {"contrastive": settings.contrastive_weight, "caption": settings.caption_weight}
