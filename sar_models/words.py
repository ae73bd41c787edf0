"""Questions and answers as tokens of a language model: by our own tokenizer, or by the one that came with the model."""

from collections.abc import Sequence
from typing import Any, Protocol

from sar_models.tokenizer import PAD, Tokenizer


class Words(Protocol):
    """How a language model is asked. A question's tokens end with a sign that the answer follows."""

    @property
    def opening(self) -> list[int]:
        """What stands before the image."""
        ...

    @property
    def stop(self) -> int:
        """The token that ends an answer."""
        ...

    @property
    def pad(self) -> int: ...

    def question(self, text: str) -> list[int]: ...

    def answer(self, text: str) -> list[int]:
        """The tokens of an answer, without the stop token."""
        ...

    def text(self, tokens: Sequence[int]) -> str:
        """The answer that `tokens` are, up to the stop token."""
        ...


class OurWords:
    """Our tokenizer; its start token stands between question and answer."""

    opening: list[int] = []  # noqa: RUF012  # a language model that we begin ourselves needs none
    pad = PAD

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self.stop = tokenizer.end

    def question(self, text: str) -> list[int]:
        return [*self._tokenizer.encode(text), self._tokenizer.start]

    def answer(self, text: str) -> list[int]:
        return self._tokenizer.encode(text)

    def text(self, tokens: Sequence[int]) -> str:
        return self._tokenizer.decode(tokens)


class TheirWords:
    """The tokenizer of a language model of the hub, with the words `Question: … Answer: …` between the parts."""

    def __init__(self, tokenizer: Any) -> None:
        """`tokenizer` is one of transformers. Raises `ValueError` when it has no token that ends a text."""
        if tokenizer.eos_token_id is None:
            raise ValueError(f"the tokenizer of '{tokenizer.name_or_path}' has no token that ends a text")
        self._tokenizer = tokenizer
        self.stop: int = tokenizer.eos_token_id
        self.pad: int = tokenizer.eos_token_id if tokenizer.pad_token_id is None else tokenizer.pad_token_id
        begins = tokenizer("").input_ids[:1] == [tokenizer.bos_token_id]
        self.opening: list[int] = [tokenizer.bos_token_id] if begins else []

    def question(self, text: str) -> list[int]:
        return self._tokens(f"Question: {text} Answer:")

    def answer(self, text: str) -> list[int]:
        return self._tokens(f" {text}")

    def text(self, tokens: Sequence[int]) -> str:
        kept = list(tokens)
        if self.stop in kept:
            kept = kept[: kept.index(self.stop)]
        return str(self._tokenizer.decode(kept, skip_special_tokens=True)).strip()

    def _tokens(self, text: str) -> list[int]:
        return [int(token) for token in self._tokenizer(text, add_special_tokens=False).input_ids]
