"""CLIP: batch → what its losses are made of (Radford et al. 2021)."""

import math
from collections.abc import Mapping
from typing import Any

import torch

from sar_models.losses import Output
from sar_models.recall import mean_recall
from sar_models.settings import Training

LARGEST_LOGIT_SCALE = math.log(100)  # CLIP's limit: above it training becomes unstable
COMPARED = ("image_features", "text_features", "logit_scale", "logit_bias")
SCORE, score = "mean_recall", mean_recall


def forward(module: Any, images: torch.Tensor, tokens: torch.Tensor) -> Output:
    """Features of `images` float32 (N, 3, S, S) and `tokens` int64 (N, T)."""
    return Output(compared=compared(module(images, tokens)))


def features(module: Any, images: torch.Tensor, tokens: torch.Tensor) -> dict[str, torch.Tensor]:
    """`image_features` and `text_features` (N, D) alone."""
    found = module(images, tokens)
    return {"image_features": found["image_features"], "text_features": found["text_features"]}


def counts(tokens: torch.Tensor) -> dict[str, torch.Tensor]:
    """No loss is a mean over tokens."""
    return {}


def weights(settings: Training) -> dict[str, float]:
    """The total is the only loss."""
    return {"contrastive": 1.0}


def after_step(module: Any) -> None:
    """Keep the logit scale within its limit."""
    with torch.no_grad():
        module.logit_scale.clamp_(0, LARGEST_LOGIT_SCALE)


def compared(output: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """What the contrastive loss takes of what open_clip's networks give."""
    return {name: output[name] for name in COMPARED if name in output}
