"""SAR-GPT: an image tower's tokens, projected into a causal language model (after Liu et al., LLaVA, 2023; Yuan et al.,
TinyGPT-V, 2023). Batch → what its loss is made of.

A row holds an image and all of its questions, one behind the other. Every turn sees the image and itself, not the other
turns: questions are asked alone later, and what an earlier answer says would give a later one away. So the image is
looked at once, and a turn's loss is the same whatever stands beside it.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from sar_models import pixels
from sar_models.data import DataSet, validation_batches
from sar_models.hardware import autocast
from sar_models.losses import Output
from sar_models.settings import Hardware, Training

SCORE = "exact_match"
IGNORED = -100  # label of a position at which nothing is learned
PADDING = -1  # number of the turn that padding belongs to


class SarGpt(nn.Module):
    """Tower, projector and language model."""

    def __init__(
        self, *, tower: Any, layer: int, image_size_px: int, language_model: Any, opening: Sequence[int]
    ) -> None:
        """`tower` is open_clip's; of its blocks the output of number `layer` is seen. It stays frozen."""
        super().__init__()
        self.tower, self._layer, self.opening = tower, layer, list(opening)
        self.tower.requires_grad_(False)
        self.tower.eval()
        self.language_model = language_model
        width = int(language_model.get_input_embeddings().weight.shape[1])
        with torch.inference_mode():
            cells, channels = self.tokens(torch.zeros(1, 3, image_size_px, image_size_px)).shape[1:]
        self.projector = Projector(cells, channels, width)

    def train(self, mode: bool = True) -> "SarGpt":
        super().train(mode)
        self.tower.eval()  # its batch norms keep what they know
        return self

    def tokens(self, images: torch.Tensor) -> torch.Tensor:
        """What the tower sees in `images` (N, 3, S, S): (N, cells, channels)."""
        with torch.no_grad():
            found = self.tower.forward_intermediates(images, indices=[self._layer], intermediates_only=True)
        tokens: torch.Tensor = found["image_intermediates"][0].flatten(2).transpose(1, 2)
        return tokens

    def shown(self, images: torch.Tensor) -> torch.Tensor:
        """What every turn begins with (N, shared, width): the opening and the image. `images` are (N, 3, S, S) or what
        `tokens` made of them."""
        projected: torch.Tensor = self.projector(images if images.ndim == 3 else self.tokens(images))
        opening = self.embedded(torch.tensor([self.opening], dtype=torch.int64, device=images.device))
        return torch.cat([opening.expand(len(images), -1, -1).to(projected.dtype), projected], dim=1)

    def embedded(self, tokens: torch.Tensor) -> torch.Tensor:
        """Tokens (N, T) → (N, T, width)."""
        found: torch.Tensor = self.language_model.get_input_embeddings()(tokens)
        return found

    def forward(
        self, images: torch.Tensor, tokens: torch.Tensor, turns: torch.Tensor, wanted: torch.Tensor
    ) -> torch.Tensor:
        """Logits (K, vocabulary) at the K positions that `wanted` (N, T) marks, row by row.

        `tokens` (N, T) are the turns one behind the other, `turns` (N, T) the number of each token's turn.
        """
        shown = self.shown(images)
        shared = shown.shape[1]
        seen, positions = _seen(turns, shared=shared)
        chosen = torch.cat([wanted.new_zeros(len(wanted), shared), wanted], dim=1)
        with _only(self.language_model.get_output_embeddings(), chosen):
            logits: torch.Tensor = self.language_model(
                inputs_embeds=torch.cat([shown, self.embedded(tokens)], dim=1),
                attention_mask=seen[:, None], position_ids=positions, use_cache=False,
            ).logits  # fmt: skip
        return logits


class Projector(nn.Module):
    """The tower's tokens in the language model's width: a multi-layer perceptron, then each cell's place, which a
    convolutional tower does not tell."""

    def __init__(self, cells: int, channels: int, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.LayerNorm(channels), nn.Linear(channels, width), nn.GELU(), nn.Linear(width, width)
        )
        self.place = nn.Parameter(torch.randn(cells, width) * 0.02)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """(N, cells, channels) → (N, cells, width)"""
        projected: torch.Tensor = self.layers(tokens)
        return projected + self.place


def forward(
    module: Any, images: torch.Tensor, tokens: torch.Tensor, labels: torch.Tensor, turns: torch.Tensor
) -> Output:
    """`answer`: cross-entropy of each token of the answers and their stop token.

    `images` (N, 3, S, S) or tower tokens (N, cells, channels); `tokens`, `labels` and `turns` int64 (N, T): `labels`
    are what follows at a position, or `IGNORED`.
    """
    wanted = labels != IGNORED
    logits = module(images, tokens, turns, wanted)
    return Output(summed={"answer": cross_entropy(logits.float(), labels[wanted], reduction="sum")})


def counts(tokens: torch.Tensor, labels: torch.Tensor, turns: torch.Tensor) -> dict[str, torch.Tensor]:
    """Tokens that the loss is the mean over: those of the answers."""
    return {"answer": (labels != IGNORED).sum()}


def weights(settings: Training) -> dict[str, float]:
    """The total is the only loss."""
    return {"answer": 1.0}


def after_step(module: Any) -> None:
    """Nothing has a limit of its own."""


def score(model: Any, examples: DataSet, *, batch_size: int, hardware: Hardware, device: torch.device) -> float:
    """`exact_match` in percent: questions whose answer the model, if it decodes greedily, gives token by token.

    Greedy decoding repeats an answer just when at every token of it the likeliest next one is right; so one pass over
    the answers tells what generation would.
    """
    right = asked = 0
    for batch in validation_batches(examples, batch_size=batch_size):
        images = pixels.model_input(batch.images.to(device), mean=model.mean, std=model.std)
        tokens, labels, turns = (batch.text[name].to(device) for name in ("tokens", "labels", "turns"))
        wanted = labels != IGNORED
        with autocast(hardware):
            said = model.module(images, tokens, turns, wanted).argmax(dim=1)
        turn = (torch.arange(len(turns), device=device)[:, None] * (turns.max() + 1) + turns)[wanted]
        asked_here = torch.bincount(turn) > 0
        wrong = torch.bincount(turn, weights=(said != labels[wanted]).double()) > 0
        right += int((asked_here & ~wrong).sum())
        asked += int(asked_here.sum())
    return 100 * right / asked


def _seen(turns: torch.Tensor, *, shared: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Which positions each position sees, bool (N, L, L), and its place in its own turn, (N, L); L = shared + T."""
    image = turns.new_full((len(turns), shared), PADDING - 1)
    of = torch.cat([image, turns], dim=1)
    same = of[:, :, None] == of[:, None, :]
    earlier = torch.ones(of.shape[1], of.shape[1], dtype=torch.bool, device=of.device).tril()
    positions = (same & earlier).sum(dim=2) - 1
    positions[:, shared:] += shared
    positions[of == PADDING] = 0  # nothing sees it, however long it is
    return (same | (of == PADDING - 1)[:, None, :]) & earlier, positions


@contextmanager
def _only(head: nn.Module, wanted: torch.Tensor) -> Iterator[None]:
    """Within the block `head` is given the wanted positions alone: a vocabulary is wide, and answers are short."""
    handle = head.register_forward_pre_hook(lambda _, given: (given[0][wanted],))
    try:
        yield
    finally:
        handle.remove()
