"""Conversations about images: LLaVA-style records, and captions as the answer to one request."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tasks import paths, records
from tasks.train.inputs import PLACE, table

IMAGE = "<image>\n"  # in front of the first question
CAPTION_REQUEST = "Describe the image."

Talks = dict[str, list[tuple[str, str]]]  # record → its questions and answers
Places = dict[str, Mapping[str, Any]]  # record → where its image lies


def questions_file(modality: str, split: str) -> Path:
    return paths.text(modality) / f"{split}_llava.json"


def questions(modality: str, split: str) -> tuple[Talks, Places]:
    """The conversations of `<split>_llava.json`, and the places of their images, which the table beside it tells.

    Raises `ValueError` naming the file when there is none, or a record that is not as LLaVA has it.
    """
    path = questions_file(modality, split)
    talks: Talks = {}
    for entry in _records(modality, split):
        if entry["id"] in talks:
            raise ValueError(f"{path}: {entry['id']} comes twice")
        talks[entry["id"]] = _turns(entry, where=f"{path}: {entry['id']}")
    if not talks:
        raise ValueError(
            f"{path} holds no questions: raise narrate.questions_per_image or validate.split.{split} in params.yaml, "
            f"or add an annotated source to the {modality} text"
        )
    rows = records.read(path.with_name(f"{split}_questions.parquet"), columns=PLACE)
    return talks, {row["record_id"]: row for row in rows}


def has_questions(modality: str) -> bool:
    """Whether there are questions to learn from. Texts that people wrote come without."""
    return bool(_records(modality, "train"))


def captions(modality: str, split: str) -> tuple[Talks, Places]:
    """Every caption of an image as an answer to `CAPTION_REQUEST`, and the places of the images."""
    path = table(modality, split)
    rows = records.read(path, columns=[*PLACE, "caption_id", "text"])
    if not rows:
        raise ValueError(f"{path} holds no captions: look at the quarantine beside it, or add a source")
    talks: Talks = {}
    for row in sorted(rows, key=lambda row: str(row["caption_id"])):
        talks.setdefault(row["record_id"], []).append((CAPTION_REQUEST, row["text"]))
    return talks, {row["record_id"]: row for row in rows}


def _records(modality: str, split: str) -> list[dict[str, Any]]:
    path = questions_file(modality, split)
    if not path.is_file():
        raise ValueError(f"{path} does not exist: run `dvc repro validate@{modality}`, or `dvc checkout`")
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _turns(entry: Mapping[str, Any], *, where: str) -> list[tuple[str, str]]:
    said = entry["conversations"]
    speakers = [turn["from"] for turn in said]
    if not said or len(said) % 2 or speakers != ["human", "gpt"] * (len(said) // 2):
        raise ValueError(f"{where}: a conversation is human and gpt in turn, this one is {', '.join(speakers)}")
    values = [turn["value"] for turn in said]
    if not values[0].startswith(IMAGE):
        raise ValueError(f"{where}: the first question does not begin with the image, {IMAGE!r}")
    values[0] = values[0].removeprefix(IMAGE)
    return list(zip(values[0::2], values[1::2], strict=True))
