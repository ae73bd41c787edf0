"""Batches of texts without the padding behind the longest: the text tower need not look at it.

A causal tower never looks ahead, so what stands behind the last token changes nothing of the feature that is read
there: the features are those of the padded texts. open_clip's towers take texts of the whole context length alone.
"""

from collections.abc import Mapping
from typing import Any

import open_clip
import torch
from open_clip.transformer import TextTransformer, text_global_pool

from sar_models.tokenizer import PAD

MULTIPLE = 8  # lengths that matrix kernels like; and few of them, so that few kernels are compiled


class ShortTextClip(open_clip.CLIP):  # type: ignore[misc]  # open_clip ships no types
    """open_clip's CLIP for texts of any length up to the context. Same weights, same features."""

    @property
    def causal(self) -> bool:
        """Whether padding behind a text has no part in its feature."""
        return self.attn_mask is not None and self.text_pool_type in ("argmax", "eos")

    def encode_text(self, text: torch.Tensor, normalize: bool = False) -> torch.Tensor:
        """Tokens (N, T), T up to the context length → features (N, D)."""
        length = text.shape[1]
        states = self.token_embedding(text) + self.positional_embedding[:length]
        mask = None if self.attn_mask is None else self.attn_mask[:length, :length]
        states = self.ln_final(self.transformer(states, attn_mask=mask))
        pooled = text_global_pool(states, text, self.text_pool_type, eos_token_id=self.text_eos_id)
        if isinstance(self.text_projection, torch.nn.Linear):
            pooled = self.text_projection(pooled)
        elif self.text_projection is not None:
            pooled = pooled @ self.text_projection
        return torch.nn.functional.normalize(pooled, dim=-1) if normalize else pooled


class ShortTextTower(TextTransformer):  # type: ignore[misc]
    """CoCa's text tower for texts of any length: its class token stands behind them, at the place that it always has.

    The class token sees the texts and, in open_clip's CoCa, the one position behind them; the rest is masked.
    """

    def _embeds(self, text: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        rows, length = text.shape
        states = torch.cat([self.token_embedding(text), self.cls_emb.expand(rows, 1, -1)], dim=1)
        places = torch.cat([self.positional_embedding[:length], self.positional_embedding[-1:]])
        seen = self.attn_mask[: length + 1, : length + 1]
        return states + places, seen + self._build_additive_mask(text, length + 1, states.dtype)


def with_short_texts(coca: Any) -> None:
    """Make CoCa take short texts, if its text tower is causal and has a class token."""
    tower = coca.text
    if isinstance(tower, TextTransformer) and tower.cls_emb is not None and tower.attn_mask is not None:
        tower.__class__ = ShortTextTower  # the same weights in the same place: only how they are used differs


def shortened(module: Any, text: Mapping[str, torch.Tensor]) -> Mapping[str, torch.Tensor]:
    """The texts of a batch as `module` needs them: `tokens` (N, context) cut behind the longest where that is exact."""
    if isinstance(module, ShortTextClip) and module.causal:
        behind = 0
    elif isinstance(getattr(module, "text", None), ShortTextTower):
        behind = 1
    else:
        return text
    tokens = text["tokens"]
    longest = int((tokens != PAD).sum(dim=1).max()) + behind
    return {**text, "tokens": tokens[:, : -(-longest // MULTIPLE) * MULTIPLE]}
