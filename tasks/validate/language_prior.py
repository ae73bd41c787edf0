"""How well questions can be answered without the image: the test whether a set of questions is biased.

A classifier that sees only the words of a question learns its answer on the train split and is measured on val and
test, family by family, beside the answer that is commonest in train. What it gains over that is what the wording gives
away; and what it loses too, for who knows that an answer is rare among equal questions answers the other way. (After
the language priors of Agrawal et al., "Don't Just Assume; Look and Answer", CVPR 2018.)
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

MARGIN = 0.10  # between the classifier and the majority answer, at most
LEAST_ROWS = 200  # measured questions of a family, below which chance alone may gain so much
LEAST_TRAINED = 200  # questions to learn from, of all families
MOST_TRAINED = 60_000  # questions of train that are learned from: more of them tell no more
FOLDS = 5  # where train, or val and test, are too small: by groups of images
FEATURES = 2**16
PASSES = 5
SEED = 7
THREADS = 2  # scikit-learn learns each answer by itself, with its own seed, and lets go of the interpreter meanwhile


@dataclass(frozen=True)
class Prior:
    """Of one family: right answers without the image, as shares of `n` measured questions."""

    majority: float
    text_only: float
    n: int

    @property
    def is_biased(self) -> bool:
        return self.n >= LEAST_ROWS and abs(self.text_only - self.majority) > MARGIN


def measure(rows: Sequence[Mapping[str, Any]]) -> dict[str, Prior]:
    """The language prior of each family, by name. `rows` have question, answer, family, group and split.

    Learned on train and measured on val and test; where one of these is too small, in folds of whole groups. Equal rows
    give equal numbers, in any order. Empty where there is too little to learn from.
    """
    rows = sorted(rows, key=lambda row: str(row["question_id"]))
    held_out = [row for row in rows if row["split"] != "train"]
    train = [row for row in rows if row["split"] == "train"]
    if len(train) >= LEAST_TRAINED and len(held_out) >= LEAST_ROWS:
        parts = [(train, held_out)]
    elif len(rows) >= LEAST_TRAINED:
        folds = [_fold(str(row["group"])) for row in rows]
        parts = [
            ([row for row, fold in zip(rows, folds, strict=True) if fold != own],
             [row for row, fold in zip(rows, folds, strict=True) if fold == own])
            for own in range(FOLDS)
        ]  # fmt: skip
    else:
        return {}
    total: Counter[str] = Counter()
    right: Counter[str] = Counter()
    common: Counter[str] = Counter()
    for learned, measured in parts:
        if not learned or not measured:
            continue
        majority = commonest(learned)
        for row, answer in zip(measured, text_only(learned, measured), strict=True):
            total[row["family"]] += 1
            right[row["family"]] += answer == row["answer"]
            common[row["family"]] += majority.get(row["family"]) == row["answer"]
    return {name: Prior(common[name] / total[name], right[name] / total[name], total[name]) for name in sorted(total)}


def complaint(priors: Mapping[str, Prior]) -> str | None:
    """Where the questions are biased, as a sentence; `None` where they are not."""
    biased = [
        f"{name}: {of.text_only:.1%} right without the image, the commonest answer {of.majority:.1%} (of {of.n})"
        for name, of in priors.items()
        if of.is_biased
    ]
    return "; ".join(biased) or None


def _fold(group: str) -> int:
    return int.from_bytes(blake2b(f"{SEED}/{group}".encode(), digest_size=4).digest()) % FOLDS


def commonest(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Of each family the answer that most of its rows have."""
    counts: dict[str, Counter[str]] = {}
    for row in rows:
        counts.setdefault(row["family"], Counter())[row["answer"]] += 1
    return {name: min(of, key=lambda answer: (-of[answer], answer)) for name, of in counts.items()}


def text_only(learned: Sequence[Mapping[str, Any]], measured: Sequence[Mapping[str, Any]]) -> list[str]:
    """What the classifier answers to `measured`: a linear one over words and their pairs and triples."""
    from sklearn.feature_extraction.text import HashingVectorizer
    from sklearn.linear_model import SGDClassifier

    step = -(-len(learned) // MOST_TRAINED)
    learned = learned[::step]
    words = HashingVectorizer(n_features=FEATURES, ngram_range=(1, 3), alternate_sign=False, norm="l2",
                              token_pattern=r"(?u)[\w%]+")  # fmt: skip
    model = SGDClassifier(loss="log_loss", alpha=1e-5, max_iter=PASSES, tol=None, random_state=SEED, average=True,
                          n_jobs=THREADS)  # fmt: skip
    answers = [str(row["answer"]) for row in learned]
    if len(set(answers)) == 1:
        return [answers[0]] * len(measured)
    model.fit(words.transform([row["question"] for row in learned]), answers)
    return [str(answer) for answer in model.predict(words.transform([row["question"] for row in measured]))]
