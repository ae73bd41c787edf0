"""What a network says of a batch → named losses: a comparison over all rows of all processes, and means over tokens."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from open_clip.loss import ClipLoss, SigLipLoss

from sar_models.world import World


@dataclass(frozen=True)
class Output:
    """What a network says of some rows of a batch."""

    compared: Mapping[str, torch.Tensor] = field(default_factory=dict)
    """`image_features` and `text_features` (N, D) of length 1, `logit_scale`, and `logit_bias` if the loss is sigmoid;
    empty where nothing is compared"""
    summed: Mapping[str, torch.Tensor] = field(default_factory=dict)
    """each loss over tokens, summed over the tokens of these rows"""


def joined(outputs: Sequence[Output]) -> Output:
    """The rows of several parts of a batch, one behind the other."""
    compared = {
        name: value if value.ndim < 2 else torch.cat([each.compared[name] for each in outputs])
        for name, value in outputs[0].compared.items()
    }
    summed = {name: torch.stack([each.summed[name] for each in outputs]).sum() for name in outputs[0].summed}
    return Output(compared, summed)


def named(output: Output, counts: Mapping[str, torch.Tensor], *, world: World) -> dict[str, torch.Tensor]:
    """The losses of a batch; `counts` are the tokens that each sum is over, of this process, or `shared` ones."""
    found = {"contrastive": contrastive(output.compared, world=world)} if output.compared else {}
    shares = shared(counts, world=world)
    return found | {name: value / shares[name] for name, value in output.summed.items()}


def shared(counts: Mapping[str, torch.Tensor], *, world: World) -> dict[str, torch.Tensor]:
    """Tokens of each process if all had as many. Processes hold texts of different length: a mean of their means would
    weigh the tokens unequally."""
    return {name: world.sum(count) / world.size for name, count in counts.items()}


def contrastive(compared: Mapping[str, torch.Tensor], *, world: World) -> torch.Tensor:
    """Of the right text for each image and the right image for each text: cross-entropy over the batch of all processes
    (Radford et al. 2021), or where there is a bias, yes or no of each pair by itself (SigLIP, Zhai et al. 2023).

    Each process scores its own rows against those of all, gathered with their gradients: the mean of this over the
    processes is the loss of the whole batch, and so are its gradients.
    """
    given = {name: value.float() for name, value in compared.items()}
    loss: ClipLoss | SigLipLoss
    if "logit_bias" in given:
        loss = SigLipLoss(rank=world.rank, world_size=world.size, dist_impl="gather")
    else:
        loss = ClipLoss(local_loss=True, gather_with_grad=True, rank=world.rank, world_size=world.size)
    value: torch.Tensor = loss(**given)
    return value
