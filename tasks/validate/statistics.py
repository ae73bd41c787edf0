"""How varied text is: length, vocabulary, distinct-2, identical captions, self-BLEU; the same for ours and people's.

A word is a run of letters or digits, lower-case, with what joins it inside (`T-72`, `0.5`, `it's`). Numbers make text
look varied that is not, so vocabulary and distinct-2 are also given with every word that holds a digit folded into one.
What grows with the amount of text is measured on equal amounts: the first so many words of the captions in an order
that the seed decides, the mean over `ORDERS` of them, for one order may flatter.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sar_models.metrics.caption import ORDER, bleu

AMOUNTS = (10_000, 50_000, 100_000, 250_000)  # words
ORDERS = 12
SAMPLE = 1_000  # captions for self-BLEU
SEED = 7
REFERENCE = "reference_text.json"  # the same of RSICD and RSITMD, written by tasks.validate.reference
_WORD = re.compile(r"[^\W_]+(?:[-'’.,/][^\W_]+)*")
_DIGIT = re.compile(r"\d")


def measure(texts: Sequence[str], *, images: Sequence[str], detailed: Sequence[bool]) -> dict[str, Any]:
    """Statistics of captions; `images` names the image of each, `detailed` says which are meant to be detailed.

    `words_*`: mean, 5th and 95th percentile of the words a caption. `vocabulary`: distinct words in all, then
    `vocabulary_at` and `distinct_2_at` the amounts in `AMOUNTS` (null where there is less text): distinct words, and
    distinct pairs of neighbouring words over all such pairs (Li et al., NAACL 2016), each also `…_no_numbers`.
    `identical_share`: captions with the words of another one; `identical_between_images_share`: of a caption of another
    image; `…_detailed`: the same among detailed captions only (null where there are none). `self_bleu_4`: mean BLEU-4
    of each of `SAMPLE` captions against the others (Zhu et al., "Texygen", SIGIR 2018); null where there are fewer.

    Raises `ValueError` when there is no caption at all, or no word in any.
    """
    assert len(texts) == len(images) == len(detailed)
    vocabulary: set[str] = set()
    joined: list[str] = []  # words parted by spaces: lists of them all would take a gigabyte at SAR-TEXT's full size
    lengths = np.empty(len(texts), dtype=np.int64)
    for number, text in enumerate(texts):
        own = words(text)
        vocabulary.update(own)
        joined.append(" ".join(own))
        lengths[number] = len(own)
    if not lengths.sum():
        raise ValueError("there is no text to measure: no caption holds a word")
    order = np.random.default_rng(SEED).permutation(len(joined))
    low, high = np.percentile(lengths, [5, 95])
    fine = [number for number, told in enumerate(detailed) if told]
    return {
        "captions": len(joined),
        "words": int(lengths.sum()),
        "words_mean": round(float(lengths.mean()), 2),
        "words_p5": round(float(low), 1),
        "words_p95": round(float(high), 1),
        "vocabulary": len(vocabulary),
        **_growth(joined),
        "identical_share": _share(_identical(joined)),
        "identical_between_images_share": _share(_elsewhere(joined, images)),
        "identical_between_images_share_detailed": _share(
            _elsewhere([joined[number] for number in fine], [images[number] for number in fine])
        ),
        "self_bleu_4": self_bleu([joined[number].split() for number in order[:SAMPLE]])
        if len(order) >= SAMPLE
        else None,
    }


def of_rows(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """`measure` of rows of `captions.parquet`, or of a validated split: `text`, `record_id`, `rule`."""
    return measure(
        [row["text"] for row in rows],
        images=[row["record_id"] for row in rows],
        detailed=[row["rule"].split("@")[0].endswith(".detailed") for row in rows],
    )


def reference() -> dict[str, dict[str, Any]]:
    """The statistics of human text, by data set name, as stored beside this module."""
    stored = json.loads((Path(__file__).parent / "reference_text.json").read_text(encoding="utf-8"))
    return dict(stored["sets"])


def words(text: str) -> list[str]:
    """The words of a text, in order."""
    return _WORD.findall(text.lower())


def self_bleu(captions: Sequence[Sequence[str]]) -> float:
    """Mean over `captions` of the BLEU-4 of each against all the others, four digits.

    Exact, and linear in the text: of every n-gram only its two highest counts and whose they are need be known.
    """
    grams = [[Counter(_grams(caption, n)) for n in range(1, ORDER + 1)] for caption in captions]
    highest: dict[tuple[str, ...], list[tuple[int, int]]] = defaultdict(list)
    for number, caption in enumerate(grams):
        for counts in caption:
            for gram, count in counts.items():
                highest[gram] = sorted([*highest[gram], (count, number)], reverse=True)[:2]
    lengths = Counter(len(caption) for caption in captions)
    table = np.empty((len(captions), 2 * ORDER + 2))
    for number, caption in enumerate(grams):
        matches = [
            sum(
                min(count, next((best for best, whose in highest[gram] if whose != number), 0))
                for gram, count in counts.items()
            )
            for counts in caption
        ]
        own = len(captions[number])
        others = [length for length, times in lengths.items() if times > (length == own)]
        closest = min((abs(length - own), length) for length in others)[1]
        table[number] = [*matches, *(counts.total() for counts in caption), own, closest]
    return round(float(bleu(table, ORDER).mean()), 4)


def _growth(joined: Sequence[str]) -> dict[str, dict[str, float | None]]:
    grown: dict[str, dict[str, float | None]] = {}
    for suffix, fold in (("", False), ("_no_numbers", True)):
        orders = [
            _grow(joined, np.random.default_rng(seed).permutation(len(joined)), fold=fold)
            for seed in range(SEED, SEED + ORDERS)
        ]
        reached = {str(amount): [each[amount] for each in orders if amount in each] for amount in AMOUNTS}
        for place, (name, digits) in enumerate((("vocabulary_at", 0), ("distinct_2_at", 4))):
            grown[f"{name}{suffix}"] = {
                amount: round(float(np.mean([each[place] for each in found])), digits or None) if found else None
                for amount, found in reached.items()
            }
    return grown


def _grow(joined: Sequence[str], order: npt.NDArray[np.int64], *, fold: bool) -> dict[int, tuple[int, float]]:
    """Amount of words → distinct words, distinct-2."""
    seen: set[str] = set()
    pairs: set[tuple[str, ...]] = set()
    total = number_of_pairs = 0
    found = {}
    for caption in _pieces(joined, order):
        told = ["0" if _DIGIT.search(word) else word for word in caption] if fold else caption
        own = list(_grams(told, 2))
        seen.update(told)
        pairs.update(own)
        total += len(told)
        number_of_pairs += len(own)
        if total in AMOUNTS:
            found[total] = len(seen), len(pairs) / number_of_pairs
    return found


def _pieces(joined: Sequence[str], order: npt.NDArray[np.int64]) -> Iterator[Sequence[str]]:
    """The captions in order, cut where an amount is reached, up to the last amount."""
    total = 0
    ends = iter(AMOUNTS)
    end = next(ends)
    for number in order:
        caption = joined[number].split()
        while total + len(caption) >= end:
            yield caption[: end - total]
            caption, total = caption[end - total :], end
            if (following := next(ends, None)) is None:
                return
            end = following
        yield caption
        total += len(caption)


def _grams(caption: Sequence[str], n: int) -> Iterator[tuple[str, ...]]:
    return zip(*(caption[start:] for start in range(n)), strict=False)


def _identical(joined: Sequence[str]) -> list[bool]:
    times = Counter(joined)
    return [times[text] > 1 for text in joined]


def _elsewhere(joined: Sequence[str], images: Sequence[str]) -> list[bool]:
    """Whether another image has a caption of the same words."""
    first: dict[str, str] = {}
    several: set[str] = set()
    for text, image in zip(joined, images, strict=True):
        if first.setdefault(text, image) != image:
            several.add(text)
    return [text in several for text in joined]


def _share(found: Sequence[bool]) -> float | None:
    return round(sum(found) / len(found), 4) if found else None
