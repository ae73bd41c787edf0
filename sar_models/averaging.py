"""Averages of weights: over the steps of a training, and between what it began with and what it made of that."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn

from sar_models import checkpoint
from sar_models.model import Model, load

Weights = Mapping[str, torch.Tensor]


class MovingAverage:
    """Exponential moving average of all that training changes, the statistics of batch norms included.

    In the first steps it forgets faster, so that the random start does not linger: the decay of step n (from 1) is at
    most n / (9 + n).
    """

    def __init__(self, module: nn.Module, *, decay: float) -> None:
        self._module, self._decay = module, decay
        self.weights = {name: value.clone() for name, value in checkpoint.trained(module).items()}

    def add(self, *, step: int) -> None:
        """Take in the weights after `step` (from 1)."""
        decay = min(self._decay, step / (9 + step))
        now = checkpoint.trained(self._module)
        names = [name for name, value in now.items() if value.is_floating_point()]
        torch._foreach_lerp_([self.weights[name] for name in names], [now[name] for name in names], 1 - decay)
        for name in now.keys() - set(names):  # counters
            self.weights[name].copy_(now[name])


def blended(first: Weights, second: Weights, *, share: float) -> dict[str, torch.Tensor]:
    """share · first + (1 - share) · second (WiSE-FT, Wortsman et al. 2022), for weights of equal names.

    The running statistics of batch norms are averaged like weights; counters are the second's.
    """
    assert first.keys() == second.keys(), "weights of different models"
    return {
        name: share * first[name] + (1 - share) * value if value.is_floating_point() else value.clone()
        for name, value in second.items()
    }


def between(first: Path, second: Path, *, share: float) -> Model:
    """The SAR-RS-CLIP or SAR-RS-CoCa whose weights are `blended` of those in two model folders, `share` of the first.

    Raises `ValueError` when the folders hold different models, or `share` is not from 0 to 1.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share is {share}; it must be from 0 to 1")
    one, other = load(first), load(second)
    if (one.kind, one.config) != (other.kind, other.config):
        raise ValueError(f"{first} and {second} hold different models: only weights of the same one can be averaged")
    other.module.load_state_dict(blended(one.module.state_dict(), other.module.state_dict(), share=share))
    return other
