"""Towers that keep their weights while the rest is trained (LiT, Zhai et al. 2022)."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from torch import nn

from sar_models.settings import Frozen


def frozen(module: Any, tower: Frozen) -> AbstractContextManager[None]:
    """Within the block the weights of `tower` have no gradient; `training_mode` keeps its batch norms too.

    Raises `ValueError` for a SAR-GPT, which has no text tower, and whose image tower is always frozen.
    """
    return without_gradient(_weights(module, tower))


@contextmanager
def without_gradient(weights: Iterable[nn.Parameter]) -> Iterator[None]:
    """Within the block none of `weights` has a gradient; afterwards those have one again that had one before."""
    held = [parameter for parameter in weights if parameter.requires_grad]
    for parameter in held:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in held:
            parameter.requires_grad_(True)


def training_mode(module: Any, tower: Frozen) -> None:
    """Put `module` into training mode but for what is frozen, whose batch norms keep what they know."""
    module.train()
    if tower == "image":
        module.visual.eval()
    if tower == "text":
        for part in _text_tower(module):
            if isinstance(part, nn.Module):
                part.eval()


def _weights(module: Any, tower: Frozen) -> Iterator[nn.Parameter]:
    if tower == "none":
        return
    if not hasattr(module, "visual"):
        raise ValueError(f"frozen is '{tower}', but SAR-GPT's image tower is always frozen: set frozen: none")
    parts = [module.visual] if tower == "image" else _text_tower(module)
    for part in parts:
        yield from part.parameters() if isinstance(part, nn.Module) else [part]


def _text_tower(module: Any) -> list[Any]:
    """Modules and single weights that make a text's features. CoCa's decoder is none of them."""
    if hasattr(module, "text"):
        return [module.text]
    return [
        module.token_embedding, module.positional_embedding, module.transformer, module.ln_final, module.text_projection
    ]  # fmt: skip
