"""RSVQA as its description in sources/ reads it, from the files that are placed to `questions.parquet`."""

from pathlib import Path
from typing import Any

import pytest
from fakes import rsvqa
from layout_project import Project, make

from tasks import paths, records
from tasks.download.formats import Question
from tasks.download.formats.rsvqa import in_ranges
from tasks.narrate.stage import narrate_source
from tasks.params import Narrate


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    return make(tmp_path, monkeypatch, "rsvqa_lr", rsvqa.draw)


def narrated(at_most: int = 10) -> dict[str, list[dict[str, Any]]]:
    narrate_source("rsvqa_lr", params=Narrate(captions_per_image=5, questions_per_image=at_most, seed=7))
    found: dict[str, list[dict[str, Any]]] = {}
    for row in records.read(paths.source_text("rsvqa_lr") / "questions.parquet"):
        found.setdefault(row["record_id"].removeprefix("rsvqa_lr/Images_LR/"), []).append(row)
    return found


def test_active_questions_with_their_answers_families_and_splits(project: Project) -> None:
    items = {item.path: item for item in project.items()}
    assert {path: item.split for path, item in items.items()} == {
        "Images_LR/0.tif": "train", "Images_LR/1.tif": "test", "Images_LR/2.tif": "train", "Images_LR/3.tif": "val"
    }  # fmt: skip
    assert items["Images_LR/0.tif"].questions == (
        Question("Is there a road?", "yes", "presence"),
        Question("What is the number of buildings?", "between 0 and 10", "count"),
        Question("Are there more roads than buildings?", "yes", "comparison"),
        Question("Is it a rural or an urban area", "rural", "scene"),
    ), "the second question is not active"
    assert items["Images_LR/2.tif"].questions == (
        Question("Is a building present?", "yes", "presence"), Question("What is the number of roads?", "0", "count")
    ), "the answer to the third question is not active"  # fmt: skip
    assert [question.answer for question in items["Images_LR/1.tif"].questions or ()] == ["no", "more than 1000"]
    assert (items["Images_LR/3.tif"].questions or ())[0].text == "How many roads are there?"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [("0", "0"), ("1", "between 0 and 10"), ("10", "between 0 and 10"), ("11", "between 10 and 100"),
     ("100", "between 10 and 100"), ("1000", "between 100 and 1000"), ("1001", "more than 1000"),
     ("12,000", "more than 1000"), ("0m2", "0m2"), ("250m2", "between 100m2 and 1000m2"), ("yes", "yes"),
     ("between 0 and 10", "between 0 and 10")],
)  # fmt: skip
def test_numbers_become_the_ranges_of_the_published_evaluation(answer: str, expected: str) -> None:
    assert in_ranges(answer) == expected


def test_downloaded_and_narrated(project: Project) -> None:
    project.pin()
    rows = project.download()
    assert {(row["modality"], row["bands"], row["captions"], row["error"]) for row in rows.values()} == {
        ("optical", 3, None, None)
    }
    found = narrated()
    assert {path: len(of) for path, of in found.items()} == {"0.tif": 4, "1.tif": 2, "2.tif": 2, "3.tif": 2}
    row = next(row for row in found["3.tif"] if row["family"] == "scene")
    assert row == {
        "record_id": "rsvqa_lr/Images_LR/3.tif", "question_id": row["question_id"], "answer": "urban",
        "question": "Is it a rural or an urban area", "family": "scene", "answer_type": "other", "subject": "image",
        "rule": "given@1", "claims": [],
    }  # fmt: skip
    assert {row["answer_type"] for of in found.values() for row in of} == {"yes/no", "other", "number"}
    assert records.read(paths.source_text("rsvqa_lr") / "captions.parquet") == []


def test_at_most_so_many_an_image_of_all_families(project: Project) -> None:
    project.pin()
    project.download()
    whole = narrated()
    few = narrated(at_most=3)
    assert len(few["0.tif"]) == 3
    assert len({row["family"] for row in few["0.tif"]}) == 3, "each family in turn"
    assert {row["question"] for row in few["0.tif"]} < {row["question"] for row in whole["0.tif"]}
    assert narrated(at_most=3) == few
    assert narrated(at_most=0) == {}


def test_an_answer_that_changes_changes_the_annotation_alone(project: Project) -> None:
    project.pin()
    before = project.download()["Images_LR/0.tif"]
    rsvqa.change(project.placed, "answers", 0, answer="no")
    project.pin()
    after = project.download()["Images_LR/0.tif"]
    changed = {key for key in before if before[key] != after[key]}
    assert changed == {"annotation_sha256"}


@pytest.mark.parametrize(
    ("kind", "number", "changes", "complaint"),
    [
        ("questions", 0, {"answers_ids": [77]}, "answer 77 is named, but not there"),
        ("answers", 0, {"question_id": 3}, r"question 0 .*answer 0 says question_id 3, but 0 names it"),
        ("questions", 0, {"img_id": 2}, "question 0 .* says img_id 2, but 0 names it"),
        ("questions", 3, {"id": 0}, "id 0 stands there twice"),
        ("questions", 3, {"id": 44}, "question 3 .* is named, but not there"),
        ("questions", 0, {"answers_ids": [0, 3, 4]}, "answer 3 says question_id 3, but 0"),
        ("questions", 0, {"type": "colour"}, "type 'colour' is not in reader.families .presence, comp, count"),
        ("questions", 0, {"question": None}, "question 0 .* has no 'question'"),
        ("questions", 0, {"active": None}, "LR_split_train_questions.json is not as RSVQA has it: KeyError 'active'"),
        ("images", 1, {"questions_ids": [], "active": True}, "image 1 is active in LR_split_t.*and in another split"),
    ],
)
def test_files_that_do_not_fit_together_are_refused(
    kind: str, number: int, changes: dict[str, Any], complaint: str, project: Project
) -> None:
    rsvqa.change(project.placed, kind, number, **changes)
    with pytest.raises(ValueError, match=complaint):
        project.items()


def test_an_image_that_is_missing_or_not_asked(project: Project) -> None:
    image = project.placed / "Images_LR" / "2.tif"
    image.rename(image.with_name("9.tif"))
    with pytest.raises(ValueError, match=r"1 annotated image, the first Images_LR/2\.tif, missing"):
        project.items()
    image.with_name("9.tif").rename(image)
    (project.placed / "Images_LR" / "8.tif").write_bytes(image.read_bytes())
    with pytest.raises(ValueError, match=r"1 image, the first Images_LR/8\.tif, without annotation"):
        project.items()


def test_two_answers_that_differ_are_refused(project: Project) -> None:
    rsvqa.change(project.placed, "questions", 0, answers_ids=[0, 3])
    rsvqa.change(project.placed, "answers", 3, question_id=0, answer="no")
    with pytest.raises(ValueError, match=r"question 0 .* has 2 answers that differ"):
        project.items()
