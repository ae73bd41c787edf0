"""Visual question answering: exact match after the normalisation of the VQA-v2 evaluation, with baselines beside it.

An answer is right if it equals the true one once both are normalised: lower case, digits for numbers in words, no
articles, no punctuation, contractions with their apostrophe (Antol et al., VQA, ICCV 2015; the rules are those of the
official evaluation). Whole answers are compared, never parts: `no` is not in `unknown`.
All numbers are statistics over images, so that an image's questions are resampled together; shares are in percent.
"""

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sar_models.metrics.bootstrap import Statistic
from sar_models.metrics.contractions import CONTRACTIONS

Floats = npt.NDArray[np.float64]

LEAST_IMAGES = 20  # that a share must be over: below, an interval says nothing
_PUNCTUATION = ';/[]"{}()=+\\_-><@`,?!'
_COUNTING = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_NUMBERS = {word: str(number) for number, word in enumerate(_COUNTING)} | {"none": "0"}
_ARTICLES = {"a", "an", "the"}


@functools.lru_cache(maxsize=1 << 14)  # few answers are given often
def normalise(answer: str) -> str:
    """`answer` as the VQA-v2 evaluation compares it."""
    text = answer.replace("\n", " ").replace("\t", " ").strip()
    thousands = re.search(r"\d,\d", text) is not None
    cleaned = text
    for sign in _PUNCTUATION:  # at a word's edge a sign is dropped, within a word it parts the word
        at_edge = f"{sign} " in text or f" {sign}" in text
        cleaned = cleaned.replace(sign, "" if at_edge or thousands else " ")
    cleaned = re.sub(r"\.(?!\d)", "", cleaned)
    words = [_NUMBERS.get(word, word) for word in cleaned.lower().split()]
    return " ".join(CONTRACTIONS.get(word, word) for word in words if word not in _ARTICLES)


@dataclass(frozen=True)
class Questions:
    """Questions about images, one row each."""

    image: Sequence[int]  # number of the image, 0 … images - 1
    images: int
    truth: Sequence[str]
    family: Sequence[str]  # presence, count …
    answer_type: Sequence[str]  # yes/no, number, place, class


def statistics(
    questions: Questions, said: Sequence[str], *, baselines: Mapping[str, Sequence[str]], by_group: bool
) -> dict[str, Statistic]:
    """`exact_match`; of each of `baselines` (name → its answers) the same, and by how much the model is above it;
    `balanced_accuracy`, the mean over the true answers of the share that is right, of all and of yes and no;
    `count_error`, the mean distance of the number from the true one in counts, an answer that is no number taken for 0.

    `by_group`: shares also for each family and answer type, `exact_match_count`, `exact_match_yes_no` … Families, types
    and true answers of fewer than `LEAST_IMAGES` images are left out.

    Raises `ValueError` when there is no question or the lengths differ.
    """
    rows = len(questions.truth)
    if not rows:
        raise ValueError("there is no question to score")
    for name, answers in (("the model", said), *baselines.items()):
        if len(answers) != rows:
            raise ValueError(f"{name} gave {len(answers)} answers to {rows} questions")
    image = np.asarray(questions.image, dtype=np.int64)
    truth = [normalise(text) for text in questions.truth]
    right = _right(said, truth)
    right_of = {name: _right(answers, truth) for name, answers in baselines.items()}
    found: dict[str, Statistic] = {}
    for suffix, chosen in _groups(questions, image, by_group=by_group).items():
        found[f"exact_match{suffix}"] = _share(right, chosen, image, questions.images)
        for name, of in right_of.items():
            found[f"{name}{suffix}"] = _share(of, chosen, image, questions.images)
            found[f"over_{name}{suffix}"] = _share(right - of, chosen, image, questions.images)
    yes_no = np.asarray(questions.answer_type) == "yes/no"
    for suffix, chosen in (("", np.ones_like(yes_no)), ("_yes_no", yes_no)):
        answers = np.asarray(truth)[chosen]
        common = _large(answers, image[chosen])
        if len(common) > 1:
            of_each = [_sums(right[chosen], answers == each, image[chosen], questions.images) for each in common]
            found[f"balanced_accuracy{suffix}"] = Statistic(np.concatenate(of_each, axis=1), mean_of_shares)
    counted = (np.asarray(questions.family) == "count") & [text.isdigit() for text in truth]
    if _is_large(counted, image):
        numbers = [int(text) if text.isdigit() else 0 for text in truth]
        distance = np.abs([_number(text) - number for text, number in zip(said, numbers, strict=True)])
        found["count_error"] = _mean(distance.astype(np.float64), counted, image, questions.images)
    return found


def _right(said: Sequence[str], truth: Sequence[str]) -> Floats:
    return np.array([normalise(text) == true for text, true in zip(said, truth, strict=True)], dtype=np.float64)


def _number(said: str) -> int:
    text = normalise(said)
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else 0


def _groups(questions: Questions, image: npt.NDArray[np.int64], *, by_group: bool) -> dict[str, npt.NDArray[np.bool_]]:
    """Suffix of the metric's name → the questions that it is over."""
    groups = {"": np.ones(len(image), dtype=np.bool_)}
    for column in (questions.family, questions.answer_type) if by_group else ():
        names = np.asarray(column)
        groups |= {_suffix(name): names == name for name in _large(names, image)}
    return groups


def _large(names: npt.NDArray[np.str_], image: npt.NDArray[np.int64]) -> list[str]:
    return [str(name) for name in np.unique(names) if _is_large(names == name, image)]


def _is_large(chosen: npt.NDArray[np.bool_], image: npt.NDArray[np.int64]) -> bool:
    return len(np.unique(image[chosen])) >= LEAST_IMAGES


def _suffix(name: str) -> str:
    return "_" + re.sub(r"\W+", "_", name)


def _mean(values: Floats, chosen: npt.NDArray[np.bool_], image: npt.NDArray[np.int64], images: int) -> Statistic:
    return Statistic(_sums(values, chosen, image, images), ratio)


def _share(values: Floats, chosen: npt.NDArray[np.bool_], image: npt.NDArray[np.int64], images: int) -> Statistic:
    return Statistic(_sums(values, chosen, image, images), percent)


def _sums(values: Floats, chosen: npt.NDArray[np.bool_], image: npt.NDArray[np.int64], images: int) -> Floats:
    """Of each image the sum of `values` over its chosen questions, and how many these are."""
    columns = (values * chosen, chosen.astype(np.float64))
    return np.stack([np.bincount(image, weights=column, minlength=images) for column in columns], axis=1)


def ratio(sums: Floats) -> Floats:
    """Sums (…, 2) → first over second; 0 where a draw holds no such question."""
    return np.asarray(sums[..., 0] / np.maximum(sums[..., 1], 1))


def percent(sums: Floats) -> Floats:
    """Sums (…, 2) of hits and questions → percent."""
    return 100 * ratio(sums)


def mean_of_shares(sums: Floats) -> Floats:
    """Sums (…, 2 C) of hits and questions by true answer → mean of the shares of those that occur, in percent."""
    hits, asked = sums[..., 0::2], sums[..., 1::2]
    shares = hits / np.maximum(asked, 1)
    return np.asarray(100 * shares.sum(axis=-1) / np.maximum((asked > 0).sum(axis=-1), 1))
