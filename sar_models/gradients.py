"""Losses of a batch and their gradients: of the whole batch at once, or a micro batch at a time with the same result.

A loss over tokens is a sum, so its gradient adds up. A contrastive loss compares each row with all others and does not:
there the features of all rows come first, without a graph; then the gradient of the loss with respect to them; then
each micro batch runs again, and takes that gradient from its features to the weights (GradCache, Gao et al. 2021). The
memory is that of a micro batch, the price a second forward pass.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from sar_models import losses
from sar_models.hardware import autocast
from sar_models.settings import Hardware
from sar_models.world import World

Text = Mapping[str, torch.Tensor]
Prepare = Callable[[torch.Tensor], torch.Tensor]


def backward(
    network: Any, images: torch.Tensor, text: Text, *,
    objective: Any, weights: Mapping[str, float], prepare: Prepare, world: World, hardware: Hardware, seed: int,
    micro_batch: int,
) -> dict[str, torch.Tensor]:  # fmt: skip
    """Add the gradient of the weighted sum of the losses to the weights of `network`; returns the losses by name.

    `images` are those of a batch; `prepare` makes the model's input of them, or of a micro batch of them. `micro_batch`
    is the number of rows that go through the network together, 0 for all. What is random follows from `seed`. With
    several processes `network` averages its gradients itself (DistributedDataParallel) without micro batches; with
    them it is the bare network, and they are averaged here.
    """
    if micro_batch == 0:
        torch.manual_seed(seed)
        with autocast(hardware):
            output = objective.forward(network, prepare(images), **text)
            found = losses.named(output, objective.counts(**text), world=world)
        _weighted(found, weights).backward()
        return {name: value.detach() for name, value in found.items()}

    starts = range(0, len(images), micro_batch)

    def part(number: int) -> tuple[torch.Tensor, Text]:
        chosen = slice(starts[number], starts[number] + micro_batch)
        torch.manual_seed(seed * len(starts) + number)  # the second pass draws as the first
        return prepare(images[chosen]), {name: value[chosen] for name, value in text.items()}

    shares = losses.shared(objective.counts(**text), world=world)
    found = {}
    if "contrastive" in weights:
        found["contrastive"], pulls = _compared(network, part, len(starts), objective, weights, world, hardware)
    for number, start in enumerate(starts):
        inputs, tokens = part(number)
        with autocast(hardware):
            output = objective.forward(network, inputs, **tokens)
        sums = {name: value / shares[name] for name, value in output.summed.items()}
        terms: list[Any] = [weights[name] * value for name, value in sums.items()]
        if "contrastive" in weights:
            rest = slice(start, start + micro_batch)
            terms += [(output.compared[name].float() * pull[rest]).sum() for name, pull in pulls.items()]
        sum(terms).backward()
        for name, value in sums.items():
            found[name] = found.get(name, 0) + value.detach()
    _average(network, world)
    return found


def mixes_rows(module: nn.Module) -> bool:
    """Whether what `module` says of a row depends on which others go through it together: then micro batches give
    something else than the batch. The batch norms of ResNets in training mode do that."""
    return any(part.training for part in module.modules() if isinstance(part, nn.modules.batchnorm._BatchNorm))


def _compared(
    network: Any, part: Callable[[int], tuple[torch.Tensor, Text]], parts: int, objective: Any,
    weights: Mapping[str, float], world: World, hardware: Hardware,
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:  # fmt: skip
    """The contrastive loss of all rows, and its weighted gradient with respect to their features; that with respect to
    scale and bias goes to the network right away."""
    seen: list[dict[str, torch.Tensor]] = []
    for number in range(parts):
        inputs, tokens = part(number)
        with torch.no_grad(), autocast(hardware):
            seen.append(objective.features(network, inputs, **tokens))
    features = {name: torch.cat([each[name].float() for each in seen]).requires_grad_() for name in seen[0]}
    compared = features | {"logit_scale": network.logit_scale.exp()}
    if network.logit_bias is not None:
        compared["logit_bias"] = network.logit_bias
    loss = losses.contrastive(compared, world=world)
    (weights["contrastive"] * loss).backward()  # type: ignore[no-untyped-call]
    return loss.detach(), {name: value.grad for name, value in features.items() if value.grad is not None}


def _weighted(found: Mapping[str, torch.Tensor], weights: Mapping[str, float]) -> Any:
    return torch.stack([weights[name] * value for name, value in found.items()]).sum()


def _average(network: nn.Module, world: World) -> None:
    for parameter in network.parameters():
        if parameter.grad is not None:
            parameter.grad.copy_(world.sum(parameter.grad) / world.size)
