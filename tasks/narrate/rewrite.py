"""Captions of optical images become captions of SAR images: two rewriters behind one interface, and one guard.

A rewrite that says what its original does not, that keeps a colour word, or that loses the main object is refused, and
the version by rules takes its place. Where that one does not pass either, there is no caption.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from tasks.narrate import words
from tasks.narrate.claims import Claim, colour_words, read_claims
from tasks.narrate.rewrite_rules import Rules, without_colours
from tasks.params import LanguageModel as LanguageModelSettings

if TYPE_CHECKING:
    from sar_models.settings import Hardware

Reason = Literal["nothing_left", "adds_a_claim", "keeps_a_colour", "loses_the_object"]
EXTRA_WORDS = 1.5  # a rewrite of more than this times the words of its original says more than it
LEAST_WORDS_KEPT = 0.5  # of the rules version, where the vocabulary knows no class in the original
SMALL_WORDS = (
    "a an the of in on at by with and or is are was were there this that these it its to near some many several has "
    "have sar image images radar can be seen visible shows show"
)
SMALL = frozenset(SMALL_WORDS.split())


class Rewriter(Protocol):
    """What makes of each caption of an optical image one of a SAR image."""

    @property
    def rule(self) -> str:
        """Name and version, such as `pair.rules@1`."""
        ...

    @property
    def model(self) -> dict[str, str] | None:
        """Name, revision and digest of the model that writes; none where no model does."""
        ...

    def rewrite(self, captions: Sequence[str]) -> list[str]:
        """One text a caption, in order; empty where nothing is left to say."""
        ...


@dataclass(frozen=True)
class Rewritten:
    """What became of one caption."""

    original: str
    text: str  # empty: no caption
    rule: str
    refused: Reason | None  # why the first rewriter's text was not taken


@dataclass(frozen=True)
class Counts:
    """How often the guard spoke, over distinct captions."""

    captions: int
    refused: dict[str, int]  # reason → rewrites of the chosen rewriter
    without_text: int

    @property
    def refused_share(self) -> float:
        return sum(self.refused.values()) / self.captions if self.captions else 0.0


def rewriter(
    kind: Literal["rules", "language_model"], *, language_model: LanguageModelSettings, hardware: "Hardware", seed: int
) -> Rewriter:
    """The rewriter of that kind. Raises `ValueError` when a language model is wanted but none is named."""
    if kind == "rules":
        return Rules()
    from tasks.narrate.language_model import LanguageModel

    return LanguageModel(language_model, hardware=hardware, seed=seed)


def rewrite(captions: Sequence[str], *, by: Rewriter) -> list[Rewritten]:
    """Rewrite and guard `captions`; each distinct one is rewritten once."""
    distinct = list(dict.fromkeys(captions))
    rules = Rules()
    found: dict[str, Rewritten] = {}
    for original, text, plain in zip(distinct, by.rewrite(distinct), rules.rewrite(distinct), strict=True):
        reason = guard(original, text, plain=plain)
        if reason is None:
            found[original] = Rewritten(original, text, by.rule, None)
        elif text != plain and guard(original, plain, plain=plain) is None:
            found[original] = Rewritten(original, plain, rules.rule, reason)
        else:
            found[original] = Rewritten(original, "", rules.rule, reason)
    return [found[caption] for caption in captions]


def count(rewritten: Iterable[Rewritten]) -> Counts:
    """Counts over the distinct captions of `rewritten`."""
    distinct = list({each.original: each for each in rewritten}.values())
    reasons = Counter(each.refused for each in distinct if each.refused is not None)
    return Counts(len(distinct), dict(sorted(reasons.items())), sum(not each.text for each in distinct))


def guard(original: str, text: str, *, plain: str) -> Reason | None:
    """Why `text` may not stand for `original`, or None. `plain` is the version by rules."""
    if not text.strip() or "\n" in text:
        return "nothing_left"
    if colour_words(text):
        return "keeps_a_colour"
    said = [*_claims(original), *_claims(without_colours(original))]
    if len(text.split()) > EXTRA_WORDS * len(original.split()) + 6:
        return "adds_a_claim"
    if any(not _implied(claim, said) for claim in _claims(text)):
        return "adds_a_claim"
    main = next((claim.subject for claim in said if claim.subject != "image"), None)
    if main is not None:
        named = {kind for claim in _claims(text) for kind in _kinds(claim.subject)}
        return None if main in named else "loses_the_object"
    kept = _content(plain)
    return None if len(kept & _content(text)) >= LEAST_WORDS_KEPT * len(kept) else "loses_the_object"


def _claims(text: str) -> list[Claim]:
    """All but the kind of image, which the rewrite is there to change."""
    return [claim for claim in read_claims(text) if claim.kind != "modality"]


def _kinds(name: str) -> tuple[str, ...]:
    return words.kinds(name) if name in words.nouns() else (name,)


def _implied(claim: Claim, said: Sequence[Claim]) -> bool:
    """Whether `said` holds the claim, or a count of the same class from which it follows."""
    if claim in said:
        return True
    if claim.kind != "count":
        return False
    low, high = _range(claim.value)
    others = (_range(other.value) for other in said if other[:2] == claim[:2])
    return any(low <= least and most <= high for least, most in others)


def _range(count: str) -> tuple[float, float]:
    """What the value of a count allows (docs/captions.md): `3`, `3..9`, `10..`, `some`, `any`."""
    if count in ("some", "any"):
        return (2 if count == "some" else 1), math.inf
    low, dots, high = count.partition("..")
    return float(low), float(high or math.inf) if dots else float(low)


def _content(text: str) -> set[str]:
    return {word.rstrip("s") for word in re.findall(r"[a-z0-9]+", text.lower())} - SMALL
