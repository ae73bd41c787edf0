"""The learning rate of each step, and which weights decay."""

import math
from collections.abc import Iterable
from typing import Any

from torch import nn


def learning_rate(step: int, *, peak: float, warmup_steps: int, steps: int) -> float:
    """Rate of `step` (from 0) of `steps`: linear up to `peak` over the warm-up, then half a cosine down to zero
    (Loshchilov and Hutter 2017)."""
    if step < warmup_steps:
        return peak * (step + 1) / warmup_steps
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warmup_steps) / (steps - warmup_steps)))


def decay_groups(parameters: Iterable[nn.Parameter], *, weight_decay: float) -> list[dict[str, Any]]:
    """Parameter groups for AdamW: matrices decay; norms, biases, single vectors and the logit scale do not."""
    trained = [parameter for parameter in parameters if parameter.requires_grad]
    return [
        {"params": [each for each in trained if each.ndim >= 2], "weight_decay": weight_decay},
        {"params": [each for each in trained if each.ndim < 2], "weight_decay": 0.0},
    ]
