"""RSVQA's layout: three JSON files a split, in which the entries of other splits are bare and not active."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from fakes import geotiff
from fakes.drawing import speckle

ASKED: dict[int, tuple[str, list[tuple[str, str, str]]]] = {  # image → split, its questions: type, text, answer
    0: ("train", [
        ("presence", "Is there a road?", "yes"),
        ("presence", "Is a building present?", "no"),
        ("count", "What is the number of buildings?", "7"),
        ("comp", "Are there more roads than buildings?", "yes"),
        ("rural_urban", "Is it a rural or an urban area", "rural"),
    ]),
    1: ("test", [
        ("presence", "Is there a road?", "no"),
        ("count", "What is the number of buildings?", "1,250"),
    ]),
    2: ("train", [
        ("presence", "Is a building present?", "yes"),
        ("count", "What is the number of roads?", "0"),
        ("comp", "Are there less roads than buildings?", "no"),
    ]),
    3: ("val", [
        ("count", "How many roads  are there?", "10"),
        ("rural_urban", "Is it a rural or an urban area", "Urban"),
    ]),
}  # fmt: skip
PREFIX = {split: f"LR_split_{split}" for split in ("train", "val", "test")}


def draw(root: Path) -> None:
    """Four images; the second question of image 0 is not active, nor is the answer to the third of image 2."""
    images: list[dict[str, Any]] = []
    questions: list[dict[str, Any]] = []
    answers: list[dict[str, Any]] = []
    for image, (_, asked) in ASKED.items():
        ids = []
        for kind, text, answer in asked:
            number = len(questions)
            ids.append(number)
            common = {"date_added": 1584353150.0, "people_id": 0, "active": True}
            questions.append({"id": number, "img_id": image, "type": kind, "question": text, "answers_ids": [number],
                              **common})  # fmt: skip
            answers.append({"id": number, "question_id": number, "answer": answer, **common})
        images.append({"id": image, "original_name": f"S2A_{image}.tif", "sensor": "S2", "res-x": 10.0, "res-y": 10.0,
                       "upperleft_map-x": 0.0, "upperleft_map-y": 0.0, "people_id": 0, "type": "Multispectral",
                       "questions_ids": ids, "active": True})  # fmt: skip
        pixels = np.stack([speckle(16, 16, seed=10 * image + band) for band in range(3)], axis=2)
        geotiff.north_up(root / "Images_LR" / f"{image}.tif", pixels, west=5e5 + 160 * image, north=6e6, step=10.0)
    questions[1]["active"] = answers[9]["active"] = False
    for split, prefix in PREFIX.items():
        of = {image for image, (name, _) in ASKED.items() if name == split}
        listed = {"images": images, "questions": questions, "answers": answers}
        image_of = {"images": "id", "questions": "img_id", "answers": "question_id"}
        for kind, entries in listed.items():
            own = [
                entry["id"] for entry in entries
                if (questions[entry["question_id"]]["img_id"] if kind == "answers" else entry[image_of[kind]]) in of
            ]  # fmt: skip
            last = len(entries) if kind == "images" else max(own) + 1  # as the authors' program writes them
            shown = [entry if entry["id"] in own else {"id": entry["id"], "active": False} for entry in entries[:last]]
            (root / f"{prefix}_{kind}.json").write_text(json.dumps({kind: shown}))


def change(root: Path, kind: str, number: int, *, split: str = "train", **changes: Any) -> None:
    """Change an entry; a value of `None` takes its key away."""
    path = root / f"{PREFIX[split]}_{kind}.json"
    content = json.loads(path.read_text())
    entry = content[kind][number]
    entry |= changes
    content[kind][number] = {key: value for key, value in entry.items() if value is not None}
    path.write_text(json.dumps(content))
