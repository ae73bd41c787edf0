"""CoCa's captions from log-probabilities: greedy and beam search and seeded samples over any stepper, and the stepper
of open_clip's CoCa.

open_clip's own `CoCa.generate` needs a part of transformers that version 5 no longer has.

A hypothesis is a row of tokens. It ends with `end`, or is cut at `max_tokens` tokens. Its score is the sum of its
tokens' log-probabilities, `end` included, divided by their number: without this division the sum, which falls with
each token, would favour the shortest caption. `start` and padding are never chosen. Among equals the hypothesis of the
earlier beam wins, then the lower token, so that the result does not depend on how a kernel orders ties.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch.nn import functional

from sar_models.settings import Decoding, Sampling
from sar_models.tokenizer import PAD


class Stepper(Protocol):
    """Next-token probabilities, one position at a time, for N images with B hypotheses each."""

    images: int  # N
    longest: int  # tokens that can follow `start`

    def step(self, tokens: torch.Tensor, parents: torch.Tensor) -> torch.Tensor:
        """Log-probabilities (N, B, V) of the token after `tokens` (N, B), the next ones of the rows.

        Row b goes on from row `parents[n, b]` of the step before; the parents of the first step are zeros.
        """
        ...


def decode(stepper: Stepper, *, decoding: Decoding, start: int, end: int) -> torch.Tensor:
    """Token numbers, int64 (N, T) without `start`: up to and with `end`, then padding."""
    beams = 1 if decoding.method == "greedy" else decoding.beams
    steps = min(decoding.max_tokens, stepper.longest)
    if beams < 1 or steps < 1:
        raise ValueError(f"decoding needs at least 1 beam ({beams}) and 1 token ({steps})")
    rows, scores = _search(stepper, beams=beams, steps=steps, start=start, end=end)
    lengths = (rows != PAD).sum(dim=-1)
    best = _highest(scores / lengths, 1)
    return rows.gather(1, best[:, :, None].expand(-1, -1, rows.shape[2]))[:, 0]


def sample(stepper: Stepper, *, sampling: Sampling, seeds: Sequence[int], start: int, end: int) -> torch.Tensor:
    """Token numbers as `decode` gives them, each drawn with its probability at `sampling.temperature`.

    Image n draws from a generator of its own seed, on the CPU, so that its text does not depend on what else is in the
    batch. The draw is the highest of log-probability plus Gumbel noise (Gumbel 1954; Maddison et al. 2014).
    """
    if len(seeds) != stepper.images:
        raise ValueError(f"{len(seeds)} seeds for {stepper.images} images: give one an image")
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    tokens = torch.full((stepper.images, 1), start)
    parents = torch.zeros_like(tokens)
    rows = torch.empty(stepper.images, 0, dtype=torch.int64)
    finished = torch.zeros(stepper.images, dtype=torch.bool)
    for _ in range(min(sampling.max_tokens, stepper.longest)):
        next_log = stepper.step(tokens, parents).float().cpu()[:, 0] / sampling.temperature
        uniform = torch.stack([torch.rand(next_log.shape[1], generator=each) for each in generators])
        noisy = next_log - (-uniform.clamp(min=1e-20).log()).log()
        noisy[:, [start, PAD]] = -torch.inf
        chosen = _highest(noisy, 1)[:, 0].masked_fill(finished, PAD)
        rows = torch.cat([rows, chosen[:, None]], dim=1)
        finished |= chosen == end
        if bool(finished.all()):
            break
        tokens = chosen[:, None]
    return rows


def _search(stepper: Stepper, *, beams: int, steps: int, start: int, end: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Beam search: keep the `beams` hypotheses of the highest sum, finished ones among them, as long as one is open.

    Returns tokens (N, B, T) and sums (N, B). One beam is greedy search.
    """
    tokens = torch.full((stepper.images, 1), start)
    parents = torch.zeros_like(tokens)
    rows = torch.empty(stepper.images, 1, 0, dtype=torch.int64)
    sums = torch.zeros(stepper.images, 1)
    finished = torch.zeros(stepper.images, 1, dtype=torch.bool)
    for _ in range(steps):
        next_log = stepper.step(tokens, parents).float().cpu()
        vocabulary = next_log.shape[2]
        next_log[:, :, [start, PAD]] = -torch.inf
        next_log[finished] = -torch.inf
        next_log[finished, PAD] = 0.0  # a finished hypothesis stays as it is
        totals = (sums[:, :, None] + next_log).flatten(1)
        chosen = _highest(totals, min(beams, totals.shape[1]))
        parents, tokens = chosen // vocabulary, chosen % vocabulary
        sums = totals.gather(1, chosen)
        rows = torch.cat([rows.gather(1, parents[:, :, None].expand(-1, -1, rows.shape[2])), tokens[:, :, None]], dim=2)
        finished = finished.gather(1, parents) | (tokens == end)
        if bool((finished | sums.isneginf()).all()):
            break
    return rows, sums


def _highest(values: torch.Tensor, count: int) -> torch.Tensor:
    """Positions (N, count) of the highest float32 values of each row, of equal ones the earlier.

    `topk` alone promises no order of ties. A float's bits, those of negative ones turned round, order as integers as
    the float does; the position follows below them, so that no two keys are equal.
    """
    bits = (values.float() + 0.0).view(torch.int32)  # + 0.0 makes -0.0 equal to 0.0
    ordered = torch.where(bits < 0, bits ^ 0x7FFFFFFF, bits).to(torch.int64)
    later = torch.arange(values.shape[1], device=values.device)
    return torch.topk((ordered << 32) - later, count, dim=1).indices


class CocaStepper:
    """Steps open_clip's CoCa with keys and values kept, so that a position costs the same however long the text is.

    What it conditions on is what training showed: the text tower's token states *before* its final norm (its class
    token stands behind all others and is seen by none), then the decoder with its causal mask and the image's pooled
    tokens.
    A test compares each step with the whole forward pass.
    """

    def __init__(self, module: Any, images: torch.Tensor) -> None:
        """`images` (N, 3, S, S), normalised, on the module's device."""
        self.images = len(images)
        self.longest = int(module.text_decoder.context_length) - 1
        self._text = module.text
        self._decoder = module.text_decoder
        _, pooled = module.visual(images)
        self._image_keys = [_keys(block.attn, block.ln_1_kv(pooled)) for block in self._decoder.cross_attn]
        self._blocks = [*self._text.transformer.resblocks, *self._decoder.resblocks]
        self._past: list[tuple[torch.Tensor, torch.Tensor]] = []
        self._position = 0

    def step(self, tokens: torch.Tensor, parents: torch.Tensor) -> torch.Tensor:
        """Log-probabilities, see `Stepper`."""
        images, beams = tokens.shape
        embedding = self._text.token_embedding
        device = embedding.weight.device
        if self._past:
            before = self._past[0][0].shape[0] // images
            index = (torch.arange(images)[:, None] * before + parents).flatten().to(device)
            self._past = [(keys[index], values[index]) for keys, values in self._past]
        state = embedding(tokens.to(device).flatten()) + self._text.positional_embedding[self._position]
        states = state[:, None]  # (N·B, 1, width)
        now = []
        for number, block in enumerate(self._blocks):
            layer = number - len(self._text.transformer.resblocks)
            normed = block.ln_1(states)
            keys, values = _keys(block.attn, normed)
            if self._past:
                keys = torch.cat([self._past[number][0], keys], dim=2)
                values = torch.cat([self._past[number][1], values], dim=2)
            now.append((keys, values))
            states = _feed(block, states, _attend(block.attn, normed, keys, values))
            if layer >= 0:  # an image's hypotheses are its queries: its keys need no copy for each
                cross = self._decoder.cross_attn[layer]
                queries = states.view(images, beams, -1)
                states = _feed(cross, queries, _attend(cross.attn, cross.ln_1(queries), *self._image_keys[layer]))
                states = states.view(images * beams, 1, -1)
        self._past = now
        self._position += 1
        logits: torch.Tensor = self._decoder.ln_final(states[:, 0]) @ self._decoder.text_projection
        return logits.float().log_softmax(dim=-1).view(images, beams, -1)


def _feed(block: Any, states: torch.Tensor, attended: torch.Tensor) -> torch.Tensor:
    """The rest of open_clip's `ResidualAttentionBlock` behind its attention."""
    states = states + block.ls_1(attended)
    result: torch.Tensor = states + block.ls_2(block.mlp(block.ln_2(states)))
    return result


def _keys(attention: Any, states: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Keys and values (N, heads, T, width of a head) of states (N, T, width)."""
    _, key_weight, value_weight = attention.in_proj_weight.chunk(3)
    _, key_bias, value_bias = attention.in_proj_bias.chunk(3)
    return (
        _heads(functional.linear(states, key_weight, key_bias), attention.num_heads),
        _heads(functional.linear(states, value_weight, value_bias), attention.num_heads),
    )


def _attend(attention: Any, states: torch.Tensor, keys: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    width = attention.embed_dim
    queries = functional.linear(states, attention.in_proj_weight[:width], attention.in_proj_bias[:width])
    mixed = functional.scaled_dot_product_attention(_heads(queries, attention.num_heads), keys, values)
    result: torch.Tensor = attention.out_proj(mixed.transpose(1, 2).flatten(2))
    return result


def _heads(states: torch.Tensor, heads: int) -> torch.Tensor:
    return states.view(*states.shape[:2], heads, -1).transpose(1, 2)
