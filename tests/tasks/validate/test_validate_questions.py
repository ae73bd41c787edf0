"""Questions through the gate: false, foreign and unbalanced ones are found, and nothing is lost."""

import dataclasses
import hashlib
import json
from collections import Counter
from random import Random
from typing import Any

import numpy as np
import pytest
from validate_world import Shot, World, quarantine, scene

from tasks import paths, records
from tasks.narrate import questions as asking
from tasks.narrate import wording
from tasks.narrate.asking import Question
from tasks.params import Narrate
from tasks.validate import language_prior
from tasks.validate import questions as gate
from tasks.validate.stage import validate_text

SPLITS = ("train", "val", "test")


def shot(number: int, rng: Random, *, modality: str = "sar", **changes: Any) -> Shot:
    """An image of 0 to 6 ships, with one true caption."""
    count = rng.choice([0, 0, 1, 1, 2, 3, 4, 5, 6])
    boxes = [
        {"class": "ship", "x": rng.uniform(1, 40), "y": rng.uniform(1, 40), "w": 5.0, "h": 3.0, "angle_deg": None}
        for _ in range(count)
    ]
    pixels = scene(number)
    if modality == "optical":
        pixels = np.stack([pixels, scene(number + 5_000), scene(number + 9_000)], axis=-1)
    image = "A SAR image" if modality == "sar" else "An optical image"
    nouns = ("no ships", "one ship", "two ships", "three ships", "four ships", "five ships", "six ships")
    made = {"label": None, "boxes": boxes, "captions": [f"{image} with {nouns[count]}."], "route": "a2c"}
    return Shot(f"{number:03}.png", pixels=pixels, modality=modality, **(made | changes))


def ask(world: World, name: str, shots: list[Shot], *, text: str = "sar") -> list[dict[str, Any]]:
    """A source, asked as narrate asks; returns the questions."""
    world.source(name, shots, text=text, exhaustive=["ship"])
    rows = records.read(paths.source_data(name) / "records.parquet")
    images, piles = asking.collect(rows, exhaustive={"ship"}, seed=7)
    tables = asking.ask(images, piles, params=Narrate(5, 10, 7))
    records.write_tables(paths.source_text(name) / "questions.parquet", tables, schema=records.QUESTIONS)
    return records.read(paths.source_text(name) / "questions.parquet")


def store(name: str, rows: list[dict[str, Any]]) -> None:
    records.write(paths.source_text(name) / "questions.parquet", rows, schema=records.QUESTIONS)


def passed(modality: str = "sar") -> list[dict[str, Any]]:
    folder = paths.text(modality)
    return [row for split in SPLITS for row in records.read(folder / f"{split}_questions.parquet")]


def shots(count: int = 40, **changes: Any) -> list[Shot]:
    rng = Random(4)
    return [shot(number, rng, **changes) for number in range(count)]


def test_sound_questions_pass_whole_and_go_where_their_images_go(world: World) -> None:
    asked = ask(world, "ships", shots())
    validate_text("sar", params=world.params)
    out = passed()
    assert sorted(row["question_id"] for row in out) == sorted(row["question_id"] for row in asked)
    assert quarantine() == {}
    split_of = {row["record_id"]: row["split"] for split in SPLITS
                for row in records.read(paths.text("sar") / f"{split}.parquet")}  # fmt: skip
    assert all(row["split"] == split_of[row["record_id"]] for row in out)
    stored = {row["question_id"]: row for row in asked}
    for row in out:
        assert {key: row[key] for key in stored[row["question_id"]]} == stored[row["question_id"]]
        assert row["width_px"] == 48
        assert row["length"] > 0
    measured = json.loads(paths.metrics("validate_sar").read_text())["questions"]
    assert measured["entered"] == measured["passed"] == len(asked)
    assert sum(measured["families"].values()) == len(asked)
    assert measured["sources"]["ships"]["families"] == measured["families"]


def test_llava_conversations_hold_every_question_in_turns(world: World) -> None:
    ask(world, "ships", shots())
    validate_text("sar", params=world.params)
    told = Counter[tuple[str, str, str]]()
    for split in SPLITS:
        for entry in json.loads((paths.text("sar") / f"{split}_llava.json").read_text(encoding="utf-8")):
            assert set(entry) == {"id", "image", "conversations"}
            assert entry["image"] == f"Image/{entry['id']}"
            turns = entry["conversations"]
            assert [turn["from"] for turn in turns] == ["human", "gpt"] * (len(turns) // 2)
            assert turns[0]["value"].startswith("<image>\n")
            assert not any("<image>" in turn["value"] for turn in turns[1:])
            for question, answer in zip(turns[::2], turns[1::2], strict=True):
                told[entry["id"], question["value"].removeprefix("<image>\n"), answer["value"]] += 1
    assert told == Counter((row["record_id"], row["question"], row["answer"]) for row in passed())


def test_planted_faults_have_their_reasons(world: World) -> None:
    asked = ask(world, "ships", shots())
    binary = [row for row in asked if row["answer_type"] == "yes/no"]
    counts = [row for row in asked if row["rule"].startswith("count.objects")]
    flipped = {"yes": "no", "no": "yes"}
    claims_of_other = next(row["claims"] for row in asked if row["claims"] != binary[3]["claims"])
    changes: dict[str, tuple[dict[str, Any], str]] = {
        binary[0]["question_id"]: ({"answer": flipped[binary[0]["answer"]]}, "question_read"),
        counts[0]["question_id"]: ({"answer": "A ship"}, "question_answer"),
        binary[1]["question_id"]: ({"question": "Is there a watermark in this image?"}, "question_topic"),
        binary[2]["question_id"]: ({"question": "Is the ship red?"}, "question_colour"),
        binary[3]["question_id"]: ({"claims": claims_of_other}, "question_read"),
        binary[4]["question_id"]: ({"question": f"{binary[4]['question']}\u2028"}, "question_characters"),
        binary[5]["question_id"]: ({"record_id": "ships/nowhere.png"}, "question_record"),
        binary[6]["question_id"]: ({"question": binary[6]["question"].replace(" ", "  ", 1)}, "question_spaces"),
        binary[7]["question_id"]: ({"family": "scene"}, "question_read"),
    }
    consistent = _false(next(row for row in counts[1:] if row["answer"] == "1"), "2")
    changes[consistent["question_id"]] = (consistent, "question_claims")
    rows = [row | changes.get(row["question_id"], ({}, ""))[0] for row in asked]
    again = asked[-1] | {"question_id": f"{asked[-1]['record_id']}#q99"}
    store("ships", [*rows, again])
    validate_text("sar", params=world.lenient())
    found = {key: reason for key, (reason, _) in quarantine().items() if reason not in gate.SURPLUS}
    assert found == {key: reason for key, (_, reason) in changes.items()} | {again["question_id"]: "question_twice"}
    assert len(asked) + 1 == len(passed()) + len(quarantine())
    _is_balanced(passed())


def _false(row: dict[str, Any], answer: str) -> dict[str, Any]:
    """The question with a false answer and the claims that go with it: only the annotation can tell."""
    claims = [claim._asdict() for claim in asking.claims_of(wording.read(row["question"]), answer)]
    return row | {"answer": answer, "claims": claims}


def _is_balanced(rows: list[dict[str, Any]]) -> None:
    answers = Counter((row["family"], row["subject"], row["answer"]) for row in rows if row["answer_type"] == "yes/no")
    assert answers
    for family, subject, _ in answers:
        assert answers[family, subject, "yes"] == answers[family, subject, "no"]


def test_refused_images_take_their_questions_along_and_the_rest_stays_balanced(world: World) -> None:
    made = shots()
    made[3] = dataclasses.replace(made[3], record={"sha256": hashlib.sha256(b"other").hexdigest()})
    asked = ask(world, "ships", made)
    validate_text("sar", params=world.lenient())
    refused = quarantine()
    own = {row["question_id"] for row in asked if row["record_id"] == "ships/003.png"}
    assert own
    assert {key for key, (reason, _) in refused.items() if reason == "image_digest" and "#q" in key} == own
    assert {reason for key, (reason, _) in refused.items() if "#q" in key and key not in own} <= {*gate.SURPLUS}
    assert len(asked) == len(passed()) + sum("#q" in key for key in refused)
    _is_balanced(passed())


def test_a_source_that_loses_too_many_questions_stops_the_stage(world: World) -> None:
    asked = ask(world, "ships", shots())
    wrong = [_false(row, "no" if row["answer"] == "yes" else "yes") if row["answer_type"] == "yes/no" else row
             for row in asked]  # fmt: skip
    store("ships", wrong)
    with pytest.raises(ValueError, match=r"questions refused, by question_claims \("):
        validate_text("sar", params=world.params)
    assert not (paths.text("sar") / "train_questions.parquet").exists()
    assert Counter(reason for reason, _ in quarantine().values())["question_claims"] > 50


def test_a_string_that_is_asked_too_often_loses_its_surplus(world: World) -> None:
    asked = ask(world, "ships", shots())
    one = "Is there a ship in this image?"
    store("ships", [row | {"question": one} if row["rule"] == "presence.objects@1" else row for row in asked])
    validate_text("sar", params=world.lenient())
    out = passed()
    left = {row["question_id"] for row in out}
    allowed = max(int(gate.STRING_SHARE * len(out)), gate.LEAST_STRINGS)
    assert max(Counter(row["question"] for row in out).values()) <= allowed
    assert {key: reason for key, (reason, _) in quarantine().items()} == {
        row["question_id"]: "question_repeated" for row in asked if row["question_id"] not in left
    }
    assert {row["question"] for row in out if row["rule"] == "presence.objects@1"} == {one}
    _is_balanced(out)


def test_optical_images_are_asked_in_the_optical_text_and_the_other_half_of_a_pair_is_not(world: World) -> None:
    rng = Random(9)
    made = [shot(number, rng, modality="optical" if number % 2 else "sar") for number in range(60)]
    ask(world, "twins", made, text="optical")
    validate_text("optical", params=world.lenient())
    out = passed("optical")
    assert out
    assert {row["modality"] for row in out} == {"optical"}
    assert not [row for row in out if "SAR" in row["question"]]


def test_images_with_questions_alone_enter(world: World) -> None:
    made = shots()
    made[5] = dataclasses.replace(made[5], captions=[])
    asked = ask(world, "ships", made)
    own = {row["question_id"] for row in asked if row["record_id"] == "ships/005.png"}
    assert own
    validate_text("sar", params=world.params)
    assert own <= {row["question_id"] for row in passed()}


def _rows(count: int, *, answer_of: Any, seed: int = 1) -> list[dict[str, Any]]:
    """Questions of one family, half of them for each of two classes."""
    rng = Random(seed)
    rows = []
    for number in range(count):
        name = rng.choice(["ship", "harbor"])
        text = rng.choice(wording.wordings(Question("presence.objects", name), "sar"))
        split = rng.choice(["train", "train", "train", "test"])
        answer = answer_of(name, rng)
        rows.append({"question_id": f"q{number}", "question": text, "answer": answer, "family": "presence",
                     "split": split, "group": f"g{number // 10}"})  # fmt: skip
    return rows


def test_a_biased_set_is_caught_and_an_even_one_is_not() -> None:
    even = language_prior.measure(_rows(2_000, answer_of=lambda name, rng: rng.choice(["yes", "no"])))
    assert language_prior.complaint(even) is None
    assert abs(even["presence"].text_only - 0.5) < 0.1
    # Yes and no are as frequent, but a harbor is hardly ever there.
    biased = language_prior.measure(
        _rows(2_000, answer_of=lambda name, rng: "yes" if (rng.random() < 0.8) == (name == "ship") else "no")
    )
    assert biased["presence"].text_only > 0.7
    assert "presence: " in str(language_prior.complaint(biased))


def test_answers_that_train_denies_are_a_bias_too() -> None:
    rows = _rows(2_000, answer_of=lambda name, rng: "yes" if name == "ship" else "no")
    for row in rows:
        if row["split"] == "test":
            row["answer"] = "no" if row["answer"] == "yes" else "yes"
    measured = language_prior.measure(rows)
    assert measured["presence"].text_only < 0.2
    assert language_prior.complaint(measured) is not None


def test_the_language_prior_is_the_same_in_any_order_and_in_folds() -> None:
    rows = _rows(600, answer_of=lambda name, rng: rng.choice(["yes", "no"]))
    assert language_prior.measure(rows) == language_prior.measure(rows[::-1])
    folded = language_prior.measure([row | {"split": "train"} for row in rows])
    assert folded["presence"].n == 600
    assert language_prior.measure(rows[:50]) == {}


def test_a_biased_set_stops_the_stage(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(world, "ships", shots(80))
    monkeypatch.setattr(language_prior, "LEAST_ROWS", 20)
    monkeypatch.setattr(language_prior, "MARGIN", -1.0)
    with pytest.raises(ValueError, match="the words of the questions give their answers away"):
        validate_text("sar", params=world.params)


def test_equal_inputs_give_equal_bytes(world: World) -> None:
    ask(world, "ships", shots())
    names = [f"{split}{kind}" for split in SPLITS for kind in ("_questions.parquet", "_llava.json")]
    validate_text("sar", params=world.params)
    first = [(paths.text("sar") / name).read_bytes() for name in names] + [paths.metrics("validate_sar").read_bytes()]
    validate_text("sar", params=world.params)
    again = [(paths.text("sar") / name).read_bytes() for name in names] + [paths.metrics("validate_sar").read_bytes()]
    assert first == again


def test_the_path_of_an_image_that_only_questions_speak_of_is_checked(world: World) -> None:
    """Two names that a file system may hold for one: the second has no caption, yet stands in *_llava.json."""
    made = shots()
    spoken = next(number for number in range(1, 40) if made[number].captions != made[0].captions)
    made[0] = dataclasses.replace(made[0], path="A.png", split="train")
    made[spoken] = dataclasses.replace(made[spoken], path="a.png", split="train", captions=[])
    ask(world, "ships", made)
    with pytest.raises(ValueError, match=r"sar_text: image paths: refused .* differs from .* only in case"):
        validate_text("sar", params=world.params)
    assert not (paths.text("sar") / "train.csv").exists()
