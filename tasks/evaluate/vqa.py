"""SAR-GPT on the test questions of each text, beside what one answers without looking."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from sar_models.answer import answers as answers_of
from sar_models.gpt_model import Gpt, initial, load
from sar_models.metrics import vqa
from sar_models.metrics.bootstrap import Statistic
from sar_models.shards import ShardReader
from tasks import paths, records
from tasks.evaluate import predict
from tasks.params import Params
from tasks.validate import language_prior

EXACT_MATCH = "vqa_exact_match"  # the headline
MAJORITY = "vqa_majority"  # what it is of the first of the baselines
BASELINES = ("majority", "text_only")  # the family's commonest answer in train; a classifier of the question's words
COLUMNS = ["question_id", "question", "answer", "family", "answer_type"]
ANSWERS = pa.schema([("question_id", pa.string()), ("variant", pa.string()), ("text", pa.string())])


@dataclass(frozen=True)
class Asked:
    """The test questions of all texts, an image's together, and what the baselines answer."""

    rows: list[dict[str, Any]]  # with the `text` that the question belongs to
    images: list[dict[str, Any]]  # that are asked about
    image_of: list[int]  # of each row
    baselines: dict[str, list[str]]


def read(modalities: Sequence[str] = ("optical", "sar")) -> Asked:
    """Read the test questions of each text. Raises `ValueError` naming the file that is missing."""
    rows: list[dict[str, Any]] = []
    baselines: dict[str, list[str]] = {name: [] for name in BASELINES}
    for modality in modalities:
        folder = paths.text(modality)
        test = records.read(folder / "test_questions.parquet", columns=[name for name, _ in records.PLACE] + COLUMNS)
        test.sort(key=lambda row: row["record_id"])  # stable: an image's questions stay in their order
        train = records.read(folder / "train_questions.parquet", columns=COLUMNS)
        train.sort(key=lambda row: str(row["question_id"]))
        common = language_prior.commonest(train)
        baselines["majority"] += [common.get(row["family"], "") for row in test]
        baselines["text_only"] += language_prior.text_only(train, test) if train and test else [""] * len(test)
        rows += [row | {"text": modality} for row in test]
    number_of: dict[tuple[str, str], int] = {}
    image_of = [number_of.setdefault((row["text"], row["record_id"]), len(number_of)) for row in rows]
    images = [dict(row) for number, row in enumerate(rows) if number == 0 or image_of[number] != image_of[number - 1]]
    return Asked(rows, images, image_of, baselines)


def model(variant: str, *, params: Params) -> Gpt:
    """The SAR-GPT of a variant: `initial` is where training starts from, behind the tower of the initial CLIP."""
    if variant == "initial":
        return initial(predict.model("initial", "clip", params=params), params.gpt.shape, seed=params.seed)
    return load(paths.model(variant, "gpt"))


def answers(of: Gpt, asked: Asked, *, params: Params) -> list[str]:
    """What `of` answers to each row. Raises `ValueError` naming the record whose image cannot be read."""
    questions: list[list[str]] = [[] for _ in asked.images]
    for number, row in zip(asked.image_of, asked.rows, strict=True):
        questions[number].append(row["question"])
    readers = {text: ShardReader(paths.sources_data(text)) for text in {row["text"] for row in asked.images}}
    try:
        said = answers_of(
            of, (readers[image["text"]].picture(image) for image in asked.images), questions,
            answering=params.evaluate.answering, hardware=params.hardware,
        )  # fmt: skip
    finally:
        for reader in readers.values():
            reader.close()
    return [answer for of_image in said for answer in of_image]


def statistics(asked: Asked, said: Sequence[str], *, names: Sequence[str]) -> dict[str, dict[str, Statistic]]:
    """Test set → `vqa_*` metrics, for those of the test sets `names` in which enough images are asked about.

    Families and answer types are told apart where a text is taken whole: in `<text>/all`, or in its only source.
    """
    found = {}
    sources: dict[str, set[str]] = {}
    for row in asked.rows:
        sources.setdefault(row["text"], set()).add(row["source"])
    for name in names:
        text, _, source = name.partition("/")
        chosen = [
            number for number, row in enumerate(asked.rows) if row["text"] == text and source in ("all", row["source"])
        ]
        images = {image: place for place, image in enumerate(sorted({asked.image_of[number] for number in chosen}))}
        if len(images) < vqa.LEAST_IMAGES:
            continue
        rows = [asked.rows[number] for number in chosen]
        questions = vqa.Questions(
            image=[images[asked.image_of[number]] for number in chosen],
            images=len(images),
            truth=[row["answer"] for row in rows],
            family=[row["family"] for row in rows],
            answer_type=[row["answer_type"] for row in rows],
        )
        measured = vqa.statistics(
            questions,
            [said[number] for number in chosen],
            baselines={baseline: [of[number] for number in chosen] for baseline, of in asked.baselines.items()},
            by_group=source == "all" or len(sources[text]) == 1,
        )
        found[name] = {f"vqa_{metric}": statistic for metric, statistic in measured.items()}
    return found


def of_the_model(statistics: Mapping[str, Statistic]) -> dict[str, Statistic]:
    """Those that differ between variants by more than a baseline, which is the same for all."""
    of_baselines = tuple(f"vqa_{prefix}{name}" for name in BASELINES for prefix in ("", "over_"))
    return {name: statistic for name, statistic in statistics.items() if not name.startswith(of_baselines)}


def write(path: Path, asked: Asked, said: Mapping[str, Sequence[str]]) -> None:
    """One row a question and variant: what SAR-GPT answered. `said` are variant → answers."""
    rows = [
        {"question_id": row["question_id"], "variant": variant, "text": text}
        for variant, texts in said.items()
        for row, text in zip(asked.rows, texts, strict=True)
    ]
    records.write(path, rows, schema=ANSWERS)
