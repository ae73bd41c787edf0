"""CoCa's captions from log-probabilities: greedy and beam search and seeded samples over any stepper, and the stepper
of open_clip's CoCa.

open_clip's own `CoCa.generate` needs a part of transformers that version 5 no longer has.

A hypothesis is a row of tokens. It ends with `end`, or is cut at `max_tokens` tokens. Its score is the sum of its
tokens' log-probabilities, `end` included, divided by their number: without this division the sum, which falls with
each token, would favour the shortest caption. `start` and padding are never chosen. Among equals the hypothesis of the
earlier beam wins, then its likelier token, then the lower one, so that the result does not depend on how a kernel
orders ties.

docs/decoding.md says what a caption costs, and in what open_clip's own search differs.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch.nn import functional

from sar_models.settings import Decoding, Sampling
from sar_models.tokenizer import PAD

DROP = 4  # images whose text is complete are dropped when they are one in so many: less often than dropping costs


class Stepper(Protocol):
    """Next-token probabilities, one position at a time, for N images with B hypotheses each."""

    images: int  # N
    longest: int  # tokens that can follow `start`

    def step(self, tokens: torch.Tensor, parents: torch.Tensor) -> torch.Tensor:
        """Log-probabilities (N, B, V) of the token after `tokens` (N, B), the next ones of the rows.

        Row b goes on from row `parents[n, b]` of the step before; the parents of the first step are zeros.
        """
        ...

    def keep(self, images: torch.Tensor) -> None:
        """Go on with these images only: their positions, int64, ascending."""
        ...


def decode(stepper: Stepper, *, decoding: Decoding, start: int, end: int) -> torch.Tensor:
    """Token numbers, int64 (N, T) without `start`: up to and with `end`, then padding."""
    beams = 1 if decoding.method == "greedy" else decoding.beams
    steps = min(decoding.max_tokens, stepper.longest)
    if beams < 1 or steps < 1:
        raise ValueError(f"decoding needs at least 1 beam ({beams}) and 1 token ({steps})")
    return _search(stepper, beams=beams, steps=steps, start=start, end=end)


def sample(stepper: Stepper, *, sampling: Sampling, seeds: Sequence[int], start: int, end: int) -> torch.Tensor:
    """Token numbers as `decode` gives them, each drawn with its probability at `sampling.temperature`.

    Image n draws from a generator of its own seed, on the CPU, so that its text does not depend on what else is in the
    batch. The draw is the highest of log-probability plus Gumbel noise (Gumbel 1954; Maddison et al. 2014).
    """
    if len(seeds) != stepper.images:
        raise ValueError(f"{len(seeds)} seeds for {stepper.images} images: give one an image")
    steps = min(sampling.max_tokens, stepper.longest)
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    found = torch.full((stepper.images, steps), PAD)
    left = torch.arange(stepper.images)  # the images that are still written about
    tokens = torch.full((stepper.images, 1), start)
    finished = torch.zeros(stepper.images, dtype=torch.bool)
    for length in range(1, steps + 1):
        next_log = stepper.step(tokens, torch.zeros_like(tokens)).float().cpu()[:, 0] / sampling.temperature
        uniform = torch.stack([torch.rand(next_log.shape[1], generator=generators[image]) for image in left.tolist()])
        noisy = next_log - (-uniform.clamp(min=1e-20).log()).log()
        noisy[:, [start, PAD]] = -torch.inf
        chosen = _highest(noisy, 1)[:, 0].masked_fill(finished, PAD)
        found[left, length - 1] = chosen
        finished |= chosen == end
        if length == steps or bool(finished.all()):
            break
        tokens = chosen[:, None]
        if DROP * int(finished.sum()) >= len(left):
            kept = (~finished).nonzero()[:, 0]
            stepper.keep(kept)
            left, tokens, finished = left[kept], tokens[kept], finished[kept]
    return found[:, :length]


def _search(stepper: Stepper, *, beams: int, steps: int, start: int, end: int) -> torch.Tensor:
    """Beam search: keep the `beams` hypotheses of the highest sum, finished ones among them, as long as one is open.

    Returns the best hypothesis of each image (N, T). One beam is greedy search.
    """
    found = torch.full((stepper.images, steps), PAD)
    left = torch.arange(stepper.images)  # the images that are still searched, L of them
    tokens = torch.full((stepper.images, 1), start)
    parents = torch.zeros_like(tokens)
    rows = torch.empty(stepper.images, 1, 0, dtype=torch.int64)  # (L, B, tokens so far)
    sums = torch.zeros(stepper.images, 1)
    finished = torch.zeros(stepper.images, 1, dtype=torch.bool)
    for length in range(1, steps + 1):
        logs, words = _likeliest(stepper.step(tokens, parents), beams, never=(start, PAD))
        logs[finished] = -torch.inf
        logs[..., 0][finished], words[..., 0][finished] = 0.0, PAD  # a finished hypothesis stays as it is
        totals = (sums[:, :, None] + logs).flatten(1)
        chosen = _highest(totals, min(beams, totals.shape[1]))
        parents, tokens = chosen // words.shape[2], words.flatten(1).gather(1, chosen)
        sums = totals.gather(1, chosen)
        rows = torch.cat([rows.gather(1, parents[:, :, None].expand(-1, -1, rows.shape[2])), tokens[:, :, None]], dim=2)
        finished = finished.gather(1, parents) | (tokens == end)
        complete = (finished | sums.isneginf()).all(dim=1)
        if length == steps or bool(complete.all()):
            break
        if DROP * int(complete.sum()) >= len(left):
            found[left[complete], :length] = _best(rows[complete], sums[complete])
            kept = (~complete).nonzero()[:, 0]
            stepper.keep(kept)
            left, tokens, parents, rows, sums, finished = (
                each[kept] for each in (left, tokens, parents, rows, sums, finished)
            )
    found[left, :length] = _best(rows, sums)
    return found[:, :length]


def _best(rows: torch.Tensor, sums: torch.Tensor) -> torch.Tensor:
    """Of hypotheses (N, B, T) and their sums (N, B) each image's best by the mean over its tokens (N, T)."""
    best = _highest(sums / (rows != PAD).sum(dim=-1), 1)
    return rows.gather(1, best[:, :, None].expand(-1, -1, rows.shape[2]))[:, 0]


def _likeliest(next_log: torch.Tensor, count: int, *, never: tuple[int, ...]) -> tuple[torch.Tensor, torch.Tensor]:
    """Of log-probabilities (N, B, V) on any device, the `count` highest of each hypothesis and their tokens, likeliest
    first, on the CPU: a hypothesis can have no more successors than there are beams."""
    flat = next_log.float().flatten(0, 1)
    for token in never:
        flat[:, token] = -torch.inf
    words = _highest(flat, min(count, flat.shape[1]))
    shape = (*next_log.shape[:2], -1)
    return flat.gather(1, words).view(shape).cpu(), words.view(shape).cpu()


def _highest(values: torch.Tensor, count: int) -> torch.Tensor:
    """Positions (N, count) of the highest float32 values of each row, of equal ones the earlier.

    `topk` alone promises no order of ties: rows that have some are ordered again. A float's bits, those of negative
    ones turned round, order as integers as the float does; the position follows below them, so that no two keys are
    equal.
    """
    values = values.float()
    top = torch.topk(values, min(count + 1, values.shape[1]), dim=1)
    found = top.indices[:, :count]
    tied = (top.values[:, 1:] == top.values[:, :-1]).any(dim=1)
    if bool(tied.any()):
        bits = (values[tied] + 0.0).view(torch.int32)  # + 0.0 makes -0.0 equal to 0.0
        ordered = torch.where(bits < 0, bits ^ 0x7FFFFFFF, bits).to(torch.int64)
        later = torch.arange(values.shape[1], device=values.device)
        found[tied] = torch.topk((ordered << 32) - later, count, dim=1).indices
    return found


class CocaStepper:
    """Steps open_clip's CoCa with keys and values kept, so that a position costs the same however long the text is.

    What it conditions on is what training showed: the text tower's token states *before* its final norm (its class
    token stands behind all others and is seen by none), then the decoder with its causal mask and the image's pooled
    tokens.

    The keys of an image's hypotheses lie side by side in S slots, one for each token that was ever tried, and stay
    where they are: which of them a hypothesis goes back to is a mask. So nothing is copied when beams are reordered.
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
        self._past: list[tuple[torch.Tensor, torch.Tensor]] = []  # of each block, (N, heads, S, width of a head)
        self._slots = 0
        self._line = torch.empty(self.images, 1, 0, dtype=torch.int64)  # slots of a hypothesis' tokens (N, B, T)

    def step(self, tokens: torch.Tensor, parents: torch.Tensor) -> torch.Tensor:
        """Log-probabilities, see `Stepper`."""
        position = self._line.shape[2]
        seen = self._own_slots(parents)
        embedding = self._text.token_embedding
        states = embedding(tokens.to(embedding.weight.device)) + self._text.positional_embedding[position]
        mask = None
        if seen is not None:
            mask = torch.zeros(seen.shape, dtype=states.dtype).masked_fill(~seen, -torch.inf).to(states.device)
        now = []
        for number, block in enumerate(self._blocks):
            layer = number - len(self._text.transformer.resblocks)
            normed = block.ln_1(states)  # (N, B, width): an image's hypotheses are its queries
            keys, values = _keys(block.attn, normed)
            if self._past:
                keys = torch.cat([self._past[number][0], keys], dim=2)
                values = torch.cat([self._past[number][1], values], dim=2)
            now.append((keys, values))
            states = _feed(block, states, _attend(block.attn, normed, keys, values, mask))
            if layer >= 0:
                cross = self._decoder.cross_attn[layer]
                states = _feed(cross, states, _attend(cross.attn, cross.ln_1(states), *self._image_keys[layer]))
        self._past = now
        logits: torch.Tensor = self._decoder.ln_final(states) @ self._decoder.text_projection
        return logits.float().log_softmax(dim=-1)

    def keep(self, images: torch.Tensor) -> None:
        """See `Stepper`."""
        self.images = len(images)
        self._line = self._line[images]
        there = images.to(self._text.token_embedding.weight.device)
        self._past = [(keys[there], values[there]) for keys, values in self._past]
        self._image_keys = [(keys[there], values[there]) for keys, values in self._image_keys]

    def _own_slots(self, parents: torch.Tensor) -> torch.Tensor | None:
        """Give each hypothesis a new slot; which of all slots are its own, bool (N, 1, B, S); None where all are."""
        images, beams = parents.shape
        before = self._line.gather(1, parents[:, :, None].expand(-1, -1, self._line.shape[2]))
        new = self._slots + torch.arange(beams).expand(images, beams)
        self._line = torch.cat([before, new[:, :, None]], dim=2)
        self._slots += beams
        if self._line.shape[2] == self._slots:
            return None
        seen = torch.zeros(images, beams, self._slots, dtype=torch.bool)
        return seen.scatter_(2, self._line, True)[:, None]


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


def _attend(
    attention: Any, states: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, mask: torch.Tensor | None = None
) -> torch.Tensor:
    width = attention.embed_dim
    queries = functional.linear(states, attention.in_proj_weight[:width], attention.in_proj_bias[:width])
    mixed = functional.scaled_dot_product_attention(_heads(queries, attention.num_heads), keys, values, attn_mask=mask)
    result: torch.Tensor = attention.out_proj(mixed.transpose(1, 2).flatten(2))
    return result


def _heads(states: torch.Tensor, heads: int) -> torch.Tensor:
    return states.view(*states.shape[:2], heads, -1).transpose(1, 2)
