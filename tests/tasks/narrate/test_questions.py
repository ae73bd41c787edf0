"""Every answer is true, every wrong one is found, and what is asked of a source is balanced."""

from collections import Counter
from collections.abc import Collection
from random import Random
from typing import Any

import pyarrow as pa
import pytest
from narrate_cases import box, record
from question_cases import EVERYTHING, any_annotation, maps, ships

from tasks import records
from tasks.narrate import ask_objects, balance, questions, truth_questions, wording, words
from tasks.narrate.asking import Ask, Question, claims_of
from tasks.params import Narrate

PARAMS = Narrate(captions_per_image=5, questions_per_image=10, seed=7)
CASES = 5_000
FAMILIES = {"presence", "count", "comparison", "position", "nearest", "relative_position", "size", "arrangement",
            "area_share", "dominant", "scene", "damage"}  # fmt: skip


def ask(rows: list[dict[str, Any]], exhaustive: Collection[str], params: Narrate) -> pa.Table:
    images, piles = questions.collect(rows, exhaustive=exhaustive, seed=params.seed)
    return pa.concat_tables([records.QUESTIONS.empty_table(), *questions.ask(images, piles, params=params)])


def askable(row: dict[str, Any], exhaustive: frozenset[str]) -> list[Ask]:
    return questions.askable(row, ask_objects.scope(exhaustive), seed=7)


def untrue(asked: Ask, row: dict[str, Any], exhaustive: frozenset[str]) -> list[truth_questions.Problem]:
    found = [truth_questions.problem(claim, row, exhaustive) for claim in claims_of(*asked)]
    return [problem for problem in found if problem is not None]


@pytest.fixture(scope="module")
def asked_of() -> list[tuple[dict[str, Any], frozenset[str], list[Ask]]]:
    rng = Random(11)
    cases = [any_annotation(number, rng) for number in range(CASES)]
    return [(row, exhaustive, askable(row, exhaustive)) for row, exhaustive in cases]


def test_every_answer_is_true_to_the_raw_annotation(
    asked_of: list[tuple[dict[str, Any], frozenset[str], list[Ask]]],
) -> None:
    families: Counter[str] = Counter()
    for row, exhaustive, asked in asked_of:
        assert len({ask.question for ask in asked}) == len(asked)
        for ask in asked:
            assert untrue(ask, row, exhaustive) == [], (row, ask)
            families[wording.family(ask.question.key)] += 1
    assert families.keys() == FAMILIES
    assert min(families.values()) > 50, families


def test_wrong_answers_are_found(asked_of: list[tuple[dict[str, Any], frozenset[str], list[Ask]]]) -> None:
    rng, wrong = Random(3), Counter[str]()
    for row, exhaustive, asked in asked_of[::5]:
        for ask in asked:
            other = _mutant(ask, rng)
            assert untrue(ask._replace(answer=other), row, exhaustive), (row, ask, other)
            wrong[ask.question.key] += 1
    assert wrong.total() > 20_000
    assert len(wrong) > 22, wrong


def _mutant(ask: Ask, rng: Random) -> str:
    """An answer that the true one rules out."""
    answer = ask.answer
    if answer in ("yes", "no"):
        return "no" if answer == "yes" else "yes"
    if ask.question.key == "position.where":
        return rng.choice([cell for cell in ask_objects.CELLS if cell != answer])
    if answer.endswith("%"):
        return f"{int(answer[:-1]) + (-10 if int(answer[:-1]) > 90 else 10)}%"
    if answer.isdigit():
        if ask.question.key.startswith("size."):
            return str(round(int(answer) * 1.7) + 1)
        return str(int(answer) + (1 if answer == "0" else rng.choice([-1, 1])))
    names = ("ship", "bridge", "t72", "a330", "water", "cropland", "grass")
    return rng.choice([said for name in names if (said := words.noun(name).cover or words.noun(name).singular.lower())
                       not in (answer, "")])  # fmt: skip


def test_no_is_said_only_of_classes_that_are_annotated_exhaustively() -> None:
    row = record(boxes=[box("ship", 20, 20)])
    denied = {ask.question.subject for ask in askable(row, frozenset({"ship", "harbor"})) if ask.answer == "no"
              and ask.question.key == "presence.objects"}  # fmt: skip
    assert denied == {"harbor"}
    assert askable(row, frozenset()) == [], "another ship might change every answer"


def test_a_map_denies_nothing_where_part_of_it_is_unlabelled() -> None:
    (row,) = maps(1)
    exhaustive = EVERYTHING
    keys = {ask.question.key for ask in askable(row, exhaustive) if ask.answer == "no"}
    assert "presence.cover" in keys
    partly = {ask.question.key for ask in askable(row | {"labelled_fraction": 0.8}, exhaustive) if ask.answer == "no"}
    assert "presence.cover" not in partly
    claim = claims_of(Question("presence.cover", "flood"), "no")[0]
    assert truth_questions.problem(claim, row | {"labelled_fraction": 0.5, "regions": []}, exhaustive) is not None


def test_words_come_back_as_the_question_they_were_made_of(
    asked_of: list[tuple[dict[str, Any], frozenset[str], list[Ask]]],
) -> None:
    rng = Random(5)
    for row, _, asked in asked_of[::10]:
        for ask in asked:
            text = rng.choice(wording.wordings(ask.question, row["modality"]))
            assert wording.read(text) == ask.question, text
            assert text.endswith("?")
            assert text[0].isupper()
            assert "  " not in text
            assert "{" not in text


def test_every_key_has_words_enough_and_none_is_read_two_ways() -> None:
    for key in wording.questions().keys:
        assert wording.number_of_wordings(key) >= 24, key
    with pytest.raises(ValueError, match="no question of ours reads"):
        wording.read("Is there a watermark in this image?")


def table(rows: list[dict[str, Any]], exhaustive: set[str]) -> list[dict[str, Any]]:
    written = ask(rows, exhaustive, PARAMS)
    assert written.schema.equals(records.QUESTIONS)
    return [dict(row) for row in written.to_pylist()]


@pytest.fixture(scope="module")
def of_ships() -> list[dict[str, Any]]:
    return table(ships(600), {"ship"})


def test_yes_and_no_are_balanced_in_each_family_and_class(of_ships: list[dict[str, Any]]) -> None:
    of_maps = table(maps(300), set(EVERYTHING))
    for asked in (of_ships, of_maps):
        answers = Counter(
            (row["family"], row["subject"], row["answer"]) for row in asked if row["answer_type"] == "yes/no"
        )
        assert len(answers) >= 8
        for family, subject, _ in answers:
            assert answers[family, subject, "yes"] == answers[family, subject, "no"]


def test_other_answers_are_spread(of_ships: list[dict[str, Any]]) -> None:
    by_question: dict[tuple[str, str], Counter[str]] = {}
    for row in of_ships:
        if row["answer_type"] != "yes/no":
            question = wording.read(row["question"])
            by_question.setdefault((question.key, "".join(question.slots)), Counter())[row["answer"]] += 1
    assert ("count.objects", "") in by_question
    for question, answers in by_question.items():
        assert max(answers.values()) <= balance.MOST_COMMON * answers.total(), (question, answers)


def test_what_cannot_be_balanced_is_not_asked() -> None:
    asked = table(ships(200, empty=0.0), {"ship"})
    assert asked
    assert {row["family"] for row in asked}.isdisjoint({"presence"}), "every image holds a ship"


def test_no_string_is_asked_too_often(of_ships: list[dict[str, Any]]) -> None:
    allowed = max(balance.STRING_SHARE * len(of_ships), balance.LEAST_STRINGS)
    assert max(Counter(row["question"] for row in of_ships).values()) <= allowed
    short = ask(ships(40), {"ship"}, PARAMS)
    assert max(Counter(short["question"].to_pylist()).values()) <= balance.LEAST_STRINGS


def test_an_image_is_asked_at_most_so_many_and_nothing_twice(of_ships: list[dict[str, Any]]) -> None:
    by_image: dict[str, list[dict[str, Any]]] = {}
    for row in of_ships:
        by_image.setdefault(row["record_id"], []).append(row)
    for record_id, rows in by_image.items():
        assert len(rows) <= 10
        assert [row["question_id"] for row in rows] == [f"{record_id}#q{number}" for number in range(len(rows))]
        assert len({wording.read(row["question"]) for row in rows}) == len(rows)
        assert max(Counter(row["family"] for row in rows).values()) <= balance.ROUNDS


def test_equal_records_give_equal_questions_in_any_order_of_records() -> None:
    rows = ships(80) + maps(40)
    once = table(rows, set(EVERYTHING))
    again = table(list(reversed(rows)), set(EVERYTHING))
    assert sorted(once, key=lambda row: row["question_id"]) == sorted(again, key=lambda row: row["question_id"])
    other = ask(rows, EVERYTHING, Narrate(5, 10, 8)).to_pylist()
    assert other != once


def test_optical_images_are_asked_as_images() -> None:
    rows = [row | {"modality": "optical"} for row in ships(100)]
    asked = table(rows, {"ship"})
    assert asked
    assert not [row["question"] for row in asked if "SAR" in row["question"] or "radar" in row["question"]]


def test_an_image_that_cannot_be_decoded_is_asked_nothing() -> None:
    assert askable(record(boxes=[box("ship", 20, 20)], width_px=0, height_px=0), frozenset({"ship"})) == []


def test_a_chip_is_asked_for_its_target_and_denies_only_what_it_surely_is_not() -> None:
    asked = askable(record(label="t72"), frozenset({"t72", "bmp2", "military_tank"}))
    assert {(ask.question.slots, ask.answer) for ask in asked if ask.question.key == "scene.target"} == {
        (("t72",), "yes"), (("bmp2",), "no"),
    }  # fmt: skip
