"""VQA metrics against counting by hand."""

import math

import numpy as np
import pytest

from sar_models.metrics import vqa
from sar_models.metrics.bootstrap import differences, intervals
from sar_models.metrics.vqa import LEAST_IMAGES, Questions, normalise, statistics


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("Yes.", "yes"),
        (" No \n", "no"),
        ("two", "2"),
        ("none", "0"),
        ("a ship", "ship"),
        ("The Upper Left!", "upper left"),
        ("1,024", "1024"),  # a comma within a number is dropped
        ("12.5", "12.5"),  # and a decimal point stays
        ("t-72 tank", "t 72 tank"),  # a sign within a word parts it
        ("yes , it is", "yes it is"),  # at its edge it is dropped
        ("35%", "35%"),
        ("", ""),
        ("an", ""),
        ("I DONT know", "i don't know"),
        ("couldnt've", "couldn't've"),
        ("couldn'tve", "couldn't've"),
        ("shed", "shed"),  # a word of its own
        ("somebody'd", "somebodyd"),  # the official table says so
        ("none of the four.", "0 of 4"),
        ("ship/boat", "ship boat"),
        ("3.5.", "3.5"),
    ],
)
def test_normalisation_of_the_vqa_evaluation(answer: str, expected: str) -> None:
    assert normalise(answer) == expected


@pytest.mark.parametrize(("said", "true"), [("unknown", "no"), ("no", "unknown"), ("10", "1"), ("3", "13"), ("", "no")])
def test_a_part_of_an_answer_is_not_the_answer(said: str, true: str) -> None:
    assert normalise(said) != normalise(true)


def asked(seed: int = 0, images: int = 60) -> tuple[Questions, list[str], list[str]]:
    """Questions of three families about most of `images`, what a model says, and what a baseline says."""
    random = np.random.default_rng(seed)
    rows = []
    for image in range(1, images):  # nothing is asked of the first
        for _ in range(random.integers(1, 4)):
            family = str(random.choice(["count", "presence", "size"], p=[0.4, 0.5, 0.1]))
            yes_no = family == "presence"
            truth = str(random.choice(["yes", "no"])) if yes_no else str(random.integers(0, 4))
            rows.append((image, truth, family, "yes/no" if yes_no else "number"))
    rare = next(row for row in rows if row[2] == "size")
    rows = [row for row in rows if row[2] != "size" or row[0] <= rare[0]]
    columns = [list(column) for column in zip(*rows, strict=True)]
    said = [truth if random.random() < 0.6 else str(random.choice(["Yes", "2", "a ship"])) for truth in columns[1]]
    return Questions(columns[0], images, *columns[1:]), said, ["yes"] * len(rows)


def value(found: vqa.Statistic) -> float:
    return float(found.value(found.items.sum(axis=0)))


def test_shares_by_brute_force() -> None:
    questions, said, majority = asked()
    found = statistics(questions, said, baselines={"majority": majority}, by_group=True)
    for suffix, chosen in {
        "": range(len(said)),
        "_presence": [row for row, family in enumerate(questions.family) if family == "presence"],
        "_count": [row for row, family in enumerate(questions.family) if family == "count"],
        "_number": [row for row, of in enumerate(questions.answer_type) if of == "number"],
        "_yes_no": [row for row, of in enumerate(questions.answer_type) if of == "yes/no"],
    }.items():
        hits = [normalise(said[row]) == questions.truth[row] for row in chosen]
        common = [questions.truth[row] == "yes" for row in chosen]
        assert value(found[f"exact_match{suffix}"]) == pytest.approx(100 * sum(hits) / len(hits))
        assert value(found[f"majority{suffix}"]) == pytest.approx(100 * sum(common) / len(hits))
        assert value(found[f"over_majority{suffix}"]) == pytest.approx(100 * (sum(hits) - sum(common)) / len(hits))
    assert "exact_match_size" not in found, f"fewer than {LEAST_IMAGES} images are asked"
    plain = statistics(questions, said, baselines={"majority": majority}, by_group=False)
    assert set(plain) == {"exact_match", "majority", "over_majority", "balanced_accuracy", "balanced_accuracy_yes_no",
                          "count_error"}  # fmt: skip


def test_balanced_accuracy_weighs_every_true_answer_equally() -> None:
    questions, said, _ = asked(images=150)
    found = statistics(questions, said, baselines={}, by_group=False)
    right: dict[str, list[bool]] = {}
    images: dict[str, set[int]] = {}
    for answer, true, image in zip(said, questions.truth, questions.image, strict=True):
        right.setdefault(true, []).append(normalise(answer) == true)
        images.setdefault(true, set()).add(image)
    shares = {true: 100 * sum(of) / len(of) for true, of in right.items() if len(images[true]) >= LEAST_IMAGES}
    assert {"yes", "no"} < set(shares)
    assert value(found["balanced_accuracy"]) == pytest.approx(sum(shares.values()) / len(shares))
    assert value(found["balanced_accuracy_yes_no"]) == pytest.approx((shares["yes"] + shares["no"]) / 2)
    always = statistics(questions, ["yes"] * len(said), baselines={}, by_group=False)
    assert value(always["balanced_accuracy_yes_no"]) == pytest.approx(50)


def test_rare_answers_stay_out_of_the_balance() -> None:
    """Draws would miss them, and an interval would not hold its value."""
    questions, said, _ = asked()
    found = statistics(questions, said, baselines={}, by_group=False)
    assert value(found["balanced_accuracy"]) == value(found["balanced_accuracy_yes_no"]), "numbers are rare here"


def test_counting_error_takes_what_is_no_number_for_zero() -> None:
    questions, said, _ = asked()
    found = statistics(questions, said, baselines={}, by_group=False)
    errors = [
        abs((int(answer) if answer.isdigit() else 0) - int(true))
        for answer, true, family in zip(said, questions.truth, questions.family, strict=True)
        if family == "count"
    ]
    assert value(found["count_error"]) == pytest.approx(sum(errors) / len(errors))


def test_intervals_and_paired_differences_are_finite() -> None:
    questions, said, majority = asked()
    first = statistics(questions, said, baselines={"majority": majority}, by_group=True)
    second = statistics(questions, majority, baselines={"majority": majority}, by_group=True)
    for interval in [
        *intervals(first, draws=200, seed=1).values(),
        *differences(first, second, draws=200, seed=1).values(),
    ]:
        assert all(math.isfinite(number) for number in (interval.value, interval.low, interval.high))
        assert interval.low <= interval.value <= interval.high
        assert interval.n == 60
    gain = differences(first, second, draws=200, seed=1)["exact_match"]
    over = intervals(first, draws=200, seed=1)["over_majority"]
    assert (gain.value, gain.low, gain.high) == pytest.approx((over.value, over.low, over.high)), "the same images"


def test_a_draw_without_a_question_counts_as_zero_not_as_nan() -> None:
    assert vqa.percent(np.zeros((3, 2))).tolist() == [0, 0, 0]
    assert vqa.mean_of_shares(np.array([[1, 2, 0, 0], [0, 0, 0, 0]])).tolist() == [50, 0]


def test_what_cannot_be_scored_is_refused() -> None:
    questions, said, _ = asked()
    with pytest.raises(ValueError, match=r"majority gave 1 answers to"):
        statistics(questions, said, baselines={"majority": ["yes"]}, by_group=False)
    with pytest.raises(ValueError, match="no question"):
        statistics(Questions([], 3, [], [], []), [], baselines={}, by_group=False)
