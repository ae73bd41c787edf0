"""Batches of texts without the padding behind the longest: the text tower need not look at it.

A causal tower never looks ahead, so what stands behind the last token changes nothing of the feature that is read
there: the features are those of the padded texts. open_clip's CLIP takes texts of the whole context length alone.
"""

from collections.abc import Mapping
from typing import Any

import open_clip
import torch
from open_clip.transformer import text_global_pool
from torch.nn.functional import normalize

from sar_models.tokenizer import PAD

MULTIPLE = 8  # lengths that matrix kernels like; and few of them, so that few kernels are compiled


class ShortTextClip(open_clip.CLIP):  # type: ignore[misc]  # open_clip ships no types
    """open_clip's CLIP for texts of any length up to the context. Same weights, same features."""

    @property
    def reads_ahead(self) -> bool:
        """Whether padding behind a text has a part in its feature."""
        return self.attn_mask is None or self.text_pool_type not in ("argmax", "eos")

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
        return _unit(pooled) if normalize else pooled


def shortened(module: Any, text: Mapping[str, torch.Tensor]) -> Mapping[str, torch.Tensor]:
    """The texts of a batch as `module` needs them: `tokens` (N, context) cut behind the longest where that is exact."""
    if not isinstance(module, ShortTextClip) or module.reads_ahead:
        return text
    tokens = text["tokens"]
    longest = int((tokens != PAD).sum(dim=1).max())
    return {**text, "tokens": tokens[:, : -(-longest // MULTIPLE) * MULTIPLE]}


def _unit(features: torch.Tensor) -> torch.Tensor:
    return normalize(features, dim=-1)
