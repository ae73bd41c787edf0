"""CLIP's byte-pair tokenizer, whole or cut to a smaller vocabulary, and the way back from tokens to text."""

import functools
import gzip
import re
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import regex  # type: ignore[import-untyped]  # the module that open_clip compiles its own pattern with
import torch
from open_clip.tokenizer import SimpleTokenizer, default_bpe

BYTES_AND_ENDS = 2 * 256  # each byte, within a word and at its end: what no text can do without
SPECIAL = 2  # start and end of text
FULL_VOCABULARY = 49408  # of CLIP: 48,894 merges
PAD = 0  # open_clip's padding, also of CoCa's caption loss


class Tokenizer:
    """Text ↔ token numbers, for a vocabulary size and a context length.

    The first merges of CLIP's byte-pair file are its most frequent, so a small vocabulary is the same tokenizer with
    longer sequences: any text can still be written, since every byte has its token. One thing differs: CLIP makes each
    digit a word of its own, so that `A220` and `a 220` are one to it; a small vocabulary, which no outside weights
    need, keeps letters and digits together. Text is lower-cased, as in CLIP (Radford et al. 2021). Tokens are `start`,
    words, `end` (the highest number, which CLIP's text tower looks for), then `PAD`.
    """

    def __init__(self, *, vocab_size: int, context_length: int) -> None:
        smallest = BYTES_AND_ENDS + SPECIAL
        if not smallest <= vocab_size <= FULL_VOCABULARY:
            raise ValueError(
                f"text_cfg.vocab_size is {vocab_size}; CLIP's tokenizer can have {smallest} to {FULL_VOCABULARY} tokens"
            )
        if context_length < 3:
            raise ValueError(f"text_cfg.context_length is {context_length}; give at least 3")
        self.vocab_size = vocab_size
        self.context_length = context_length
        self._bpe = _bpe(vocab_size)
        self.start: int = self._bpe.sot_token_id
        self.end: int = self._bpe.eot_token_id

    def __call__(self, texts: Sequence[str]) -> torch.Tensor:
        """Token numbers, int64 (N, context_length).

        A text that is too long loses whole sentences from its end, so that what is left is still a true caption; if its
        first sentence alone is too long, that one is cut. It ends with `end` either way.
        """
        tokens = torch.full((len(texts), self.context_length), PAD)
        for row, text in enumerate(texts):
            words = self.encode(self._fitting(text))[: self.context_length - SPECIAL]
            tokens[row, : len(words) + SPECIAL] = torch.tensor([self.start, *words, self.end])
        return tokens

    def encode(self, text: str) -> list[int]:
        """The tokens of the words of `text`, without `start` and `end`, however many."""
        return list(_encoded(self.vocab_size, text))

    def too_long(self, texts: Iterable[str]) -> int:
        """How many of `texts` do not fit into the context and are cut."""
        return sum(not self._fits(text) for text in texts)

    def decode(self, tokens: Sequence[int]) -> str:
        """The text up to `end`, without `start` and padding, spaced as English is written.

        CLIP's tokenizer drops what stands between its words: punctuation is joined to the word before it, and with the
        full vocabulary digits are put together to numbers.
        """
        words = []
        for token in tokens:
            if token == self.end:
                break
            if token not in (self.start, PAD):
                words.append(int(token))
        text = self._bpe.decode(words)
        if self.vocab_size == FULL_VOCABULARY:
            text = re.sub(r"(?<=\d) (?=\d)", "", text)  # 1 2 0 m → 120 m
        return _spaced(text)

    def _fits(self, text: str) -> bool:
        return len(self.encode(text)) + SPECIAL <= self.context_length

    def _fitting(self, text: str) -> str:
        sentences = re.split(r"(?<=[.!?]) +", text)
        while len(sentences) > 1 and not self._fits(" ".join(sentences)):
            sentences.pop()
        return " ".join(sentences)


@functools.lru_cache(maxsize=1 << 15)
def _encoded(vocab_size: int, text: str) -> tuple[int, ...]:
    """Kept, as evaluation asks every model about the same texts, and to measure a text is to encode it."""
    return tuple(_bpe(vocab_size).encode(text))


@functools.lru_cache(maxsize=8)
def _bpe(vocab_size: int) -> SimpleTokenizer:
    if vocab_size == FULL_VOCABULARY:
        return SimpleTokenizer()
    lines = gzip.decompress(Path(default_bpe()).read_bytes()).decode("utf-8").split("\n")
    kept = lines[: 1 + vocab_size - BYTES_AND_ENDS - SPECIAL]  # the first line is a header
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "merges.txt.gz"
        path.write_bytes(gzip.compress("\n".join(kept).encode("utf-8"), mtime=0))
        tokenizer = SimpleTokenizer(bpe_path=str(path))
    assert tokenizer.vocab_size == vocab_size
    special = "|".join(tokenizer.decoder[number] for number in tokenizer.all_special_ids)
    tokenizer.pat = regex.compile(
        special + r"|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}\p{N}]+|[^\s\p{L}\p{N}]+", regex.IGNORECASE
    )
    return tokenizer


def _spaced(text: str) -> str:
    text = re.sub(r"(?<=\d) (\.) (?=\d)|(?<=\d) (,) (?=\d{3}\b)", r"\1\2", text)  # 1 . 5 → 1.5, 1 , 024 → 1,024
    text = re.sub(r" ([.,;:!?%)\]])", r"\1", text)
    text = re.sub(r"([(\[]) ", r"\1", text)
    text = re.sub(r" ([-/]) ", r"\1", text)  # south - west → south-west
    text = re.sub(r" (['’](?:s|t|re|ve|m|ll|d)\b)", r"\1", text)  # ship 's → ship's
    return text.strip()
