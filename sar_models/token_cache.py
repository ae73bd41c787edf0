"""Texts as token numbers, worked out once: some 3,000 texts a second is minutes for a large data set."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sar_models import tokenizer as code
from sar_models.built_once import built_once
from sar_models.tokenizer import Tokenizer

TOKENS, CUT = "tokens.npy", "cut.npy"
TOGETHER = 10_000  # texts


@dataclass(frozen=True)
class Tokenised:
    """Texts as numbers."""

    tokens: NDArray[np.int32]  # (texts, context length)
    cut: NDArray[np.bool_]  # (texts,): it did not fit into the context length


def tokenised(texts: Sequence[str], *, tokenizer: Tokenizer, folder: Path | None = None) -> Tokenised:
    """`texts` as numbers, out of a memory-mapped file below `folder`, which is written if need be; without a folder in
    memory. The file's name is the digest of the texts, of the vocabulary and context, and of the tokenizer's code."""
    if folder is None:
        return _tokenised(texts, tokenizer)

    def build(partial: Path) -> None:
        done = _tokenised(texts, tokenizer)
        np.save(partial / TOKENS, done.tokens)
        np.save(partial / CUT, done.cut)

    digest = hashlib.sha256(json.dumps([tokenizer.vocab_size, tokenizer.context_length, *_code()]).encode())
    for text in texts:
        digest.update(json.dumps(text).encode())
    whole = built_once(folder / digest.hexdigest()[:32], build=build)
    return Tokenised(np.asarray(np.load(whole / TOKENS, mmap_mode="r")), np.load(whole / CUT))


def _tokenised(texts: Sequence[str], tokenizer: Tokenizer) -> Tokenised:
    tokens = np.zeros((len(texts), tokenizer.context_length), dtype=np.int32)
    for start in range(0, len(texts), TOGETHER):
        tokens[start : start + TOGETHER] = tokenizer(texts[start : start + TOGETHER]).numpy()
    return Tokenised(tokens, np.array([tokenizer.too_long([text]) > 0 for text in texts], dtype=bool))


@cache
def _code() -> list[str]:
    """What makes tokens of texts."""
    return [version("open_clip_torch"), hashlib.sha256(Path(code.__file__).read_bytes()).hexdigest()]
