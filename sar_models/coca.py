"""CoCa: batch → what its losses are made of (Yu et al. 2022)."""

from typing import Any

import torch
from torch.nn.functional import cross_entropy

from sar_models.clip import SCORE, after_step, compared, score
from sar_models.losses import Output
from sar_models.settings import Training
from sar_models.tokenizer import PAD

__all__ = ["SCORE", "after_step", "counts", "features", "forward", "score", "weights"]  # three of them as in CLIP


def forward(module: Any, images: torch.Tensor, tokens: torch.Tensor) -> Output:
    """Features as in CLIP; `caption`: cross-entropy of each next token.

    `images` float32 (N, 3, S, S), `tokens` int64 (N, T).
    """
    output = module(images, tokens)
    logits, labels = output["logits"].float(), output["labels"]
    summed = cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=PAD, reduction="sum")
    return Output(compared=compared(output), summed={"caption": summed})


def features(module: Any, images: torch.Tensor, tokens: torch.Tensor) -> dict[str, torch.Tensor]:
    """`image_features` and `text_features` (N, D) alone, without the decoder."""
    return {"image_features": module.encode_image(images), "text_features": module.encode_text(tokens)}


def counts(tokens: torch.Tensor) -> dict[str, torch.Tensor]:
    """Tokens that the caption loss is the mean over: all but the first of each text."""
    return {"caption": (tokens[:, 1:] != PAD).sum()}


def weights(settings: Training) -> dict[str, float]:
    """How much each loss counts in the total."""
    return {"contrastive": settings.contrastive_weight, "caption": settings.caption_weight}
