"""Questions that a source gives, through the gate, into what SAR-GPT's stage 1 reads."""

import json
from collections import Counter
from random import Random
from typing import Any

import numpy as np
import pytest
from validate_world import Shot, World, quarantine, scene

from tasks import paths, records
from tasks.narrate.stage import narrate_source
from tasks.params import Narrate
from tasks.train import talks
from tasks.validate.stage import validate_text

IMAGES = 60


@pytest.fixture
def asked(world: World) -> list[dict[str, Any]]:
    """An optical source with captions, and one with questions alone, as download leaves it; the questions as narrated.

    Its words give the answers away: roads are there in three of four images, the number of barns is always 7.
    """
    pictures = [np.stack([scene(3 * number + band) for band in range(3)], axis=-1) for number in range(IMAGES + 8)]
    caption = ["An optical image of a T-72 tank."]
    told = [Shot(f"{number}.png", pixels=pictures[number], captions=caption, modality="optical") for number in range(8)]
    world.source("told", told, text="optical")
    shots = [
        Shot(f"{number}.png", pixels=pixels, modality="optical", label=None, captions=[], route="given")
        for number, pixels in enumerate(pictures[8:])
    ]
    world.source("asked", shots, text="optical", format="rsvqa")
    given = []
    for number in range(IMAGES):
        record = f"asked/{number}.png"
        texts = [
            (f"Is there a road {number % 15}?", ("Yes", "No")[number % 4 == 0], "presence"),
            (f"How many barns of kind {number % 20}?", "7", "count"),
            (f"How many houses of kind {number % 20}?", "between 10 and 100", "count"),
        ]
        given += [{"record_id": record, "question": q, "answer": a, "family": f} for q, a, f in texts]
    given += [
        {"record_id": "asked/5.png", "question": "Which colour has the roof?", "answer": "red", "family": "other"},
        {"record_id": "asked/6.png", "question": "What is it like?", "answer": "so-so, I think", "family": "other"},
    ]
    given.sort(key=lambda row: row["record_id"])
    folder = paths.source_data("asked")
    records.write(folder / "given_questions.parquet", given, schema=records.GIVEN_QUESTIONS)
    narrate_source("asked", params=Narrate(captions_per_image=1, questions_per_image=10, seed=7))
    return stored()


def stored() -> list[dict[str, Any]]:
    return records.read(paths.source_text("asked") / "questions.parquet")


def passed() -> list[dict[str, Any]]:
    return [row for split in ("train", "val", "test")
            for row in records.read(paths.text("optical") / f"{split}_questions.parquet")]  # fmt: skip


def test_they_pass_balanced_by_family_and_are_what_stage_1_learns(world: World, asked: list[dict[str, Any]]) -> None:
    validate_text("optical", params=world.lenient())
    out = passed()
    answers = Counter(row["answer"] for row in out if row["family"] == "presence")
    assert answers["yes"] == answers["no"] == IMAGES // 4
    refused = quarantine("optical")
    assert len(out) + sum(row["question_id"] in refused for row in asked) == len(asked) == 3 * IMAGES + 2
    reasons = {row["question_id"]: refused[row["question_id"]][0] for row in asked if row["question_id"] in refused}
    by_text = {row["question"]: reasons.get(row["question_id"]) for row in asked}
    assert by_text["Which colour has the roof?"] == "question_topic"
    assert by_text["What is it like?"] == "question_answer"
    assert Counter(reasons.values()) == {"question_unbalanced": IMAGES // 2, "question_topic": 1, "question_answer": 1}
    assert {(row["rule"], row["subject"], len(row["claims"])) for row in out} == {("given@1", "image", 0)}

    said, places = talks.questions("optical", "train")
    train = {row["record_id"] for row in out if row["split"] == "train"}
    assert said.keys() == places.keys() == train
    assert sum(len(turns) for turns in said.values()) == sum(row["split"] == "train" for row in out)

    measured = json.loads(paths.metrics("validate_optical").read_text())["questions"]
    assert measured["families"] == {"count": 2 * IMAGES, "presence": IMAGES // 2}
    card = (paths.text("optical") / "README.md").read_text()
    assert "Test source asked" in card, "who asked is named, though no caption is theirs"


def test_what_the_source_does_not_say_is_refused(world: World, asked: list[dict[str, Any]]) -> None:
    dice = Random(3)
    changes = {"answer": "no", "question": "Is there a lake?", "family": "scene", "record_id": "asked/1.png"}
    rows = {row["question_id"]: dict(row) for row in asked if row["answer"] == "yes"}
    changed = {dice.choice(sorted(rows)): key for key in ("answer", "question", "family")}
    assert len(changed) == 3
    new = [row | ({changed[row["question_id"]]: changes[changed[row["question_id"]]]}
                  if row["question_id"] in changed else {}) for row in asked]  # fmt: skip
    twice = asked[0] | {"question_id": f"{asked[0]['record_id']}#q9"}
    path = paths.source_text("asked") / "questions.parquet"
    records.write(path, [twice, *new], schema=records.QUESTIONS)
    validate_text("optical", params=world.lenient())
    refused = quarantine("optical")
    for question_id in changed:
        assert refused[question_id][0] == "question_read"
        assert "the source gives no such question" in refused[question_id][1]
    assert refused[asked[0]["question_id"]] == ("question_twice", f"asks the same as {twice['question_id']}")


def test_words_that_give_the_answer_away_are_measured_and_do_not_stop(
    world: World, asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.validate.language_prior.LEAST_ROWS", 20)
    monkeypatch.setattr("tasks.validate.language_prior.LEAST_TRAINED", 20)
    monkeypatch.setattr("tasks.validate.language_prior.MARGIN", 0.1)
    validate_text("optical", params=world.lenient())
    priors = json.loads(paths.metrics("validate_optical").read_text())["questions"]["language_prior"]
    assert set(priors) == {"given count", "given presence"}
    assert priors["given count"]["text_only"] > priors["given count"]["majority"] + 0.1, "the case is a biased one"
