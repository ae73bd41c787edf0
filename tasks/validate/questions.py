"""Questions through the gate: read again from their words, held against the raw annotation, balanced, split, written.
Those that a source gives are held against what it gives.

A question goes where its image goes. What was lost with refused images may unbalance the rest; so the surplus of yes
or no, and of strings used too often, goes to quarantine too. rows in = rows out + quarantine.
"""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from tasks import paths, records
from tasks.narrate import claims, given, truth_questions, wording
from tasks.narrate.asking import Question, claims_of
from tasks.narrate.balance import LEAST_STRINGS, STRING_SHARE
from tasks.validate import language_prior, reviews
from tasks.validate.features import PLACE, Tables
from tasks.validate.gate import CHOSEN, Verdict, first_reasons, largest
from tasks.validate.suites import Finding
from tasks.validate.write import SPLITS, check_paths, filepath

SOURCE_SHARE, LARGE_SOURCE = 0.02, 2_000  # share of a source that one string may be, and from how many questions on
SURPLUS = ("question_repeated", "question_unbalanced")  # no fault of the question
BATCH = 50_000


@dataclass(frozen=True)
class Asked:
    """All questions of a text: the table as stored, and of each row what is judged of it."""

    table: pa.Table
    rows: list[dict[str, Any]]  # as the table, without claims
    images: Mapping[str, Mapping[str, Any]]  # of all questions and captions, by record id


@dataclass(frozen=True)
class Answered:
    """`passed` are row numbers; `refused` fits `records.QUARANTINE`; `spoken` are the images of what passed, with those
    of the captions, by record id."""

    asked: Asked
    passed: list[int]
    refused: list[dict[str, Any]]
    spoken: Mapping[str, Mapping[str, Any]]
    priors: dict[str, language_prior.Prior]


def assemble(tables: Tables) -> Asked:
    """The questions of the images of `tables.modality`, sorted by source, image and number, with what is to be judged.

    Raises `ValueError` when a source has no `questions.parquet`.
    """
    splits = {image["record_id"]: (image["split"], image["group"]) for image in tables.images}
    verdicts = reviews.load(paths.reviews())
    parts, rows = [], []
    for name, source in tables.sources.items():
        folder = paths.source_data(name)
        by_id = {row["record_id"]: row for row in records.read(folder / "records.parquet")}
        others = {key for key, row in by_id.items() if row["modality"] != tables.modality}
        table = records.read_table(paths.source_text(name) / "questions.parquet")
        table = table.filter(pa.array([key not in others for key in table["record_id"].to_pylist()], pa.bool_()))
        parts.append(table)
        stated = given.stated(folder)
        seen: dict[tuple[str, Question | str], str] = {}
        for batch in table.to_batches(max_chunksize=BATCH):
            for row in batch.to_pylist():
                record = by_id.get(row["record_id"])
                if row["rule"] == given.RULE:
                    judged = _judge_given(row, stated, seen=seen)
                else:
                    judged = _judge(row, record, exhaustive=frozenset(source.exhaustive), seen=seen)
                split, group = splits.get(row["record_id"], (None, None))
                colours = _colours(row["question"]) if tables.modality == "sar" else None
                rows.append(
                    {key: value for key, value in row.items() if key != "claims"}
                    | {"source": name, "split": split, "group": group, "has_record": record is not None,
                       "colours": colours, "rejected": None}
                    | judged
                )  # fmt: skip
    reviews.mark(rows, verdicts, kind="question")
    table = pa.concat_tables(parts) if parts else records.QUESTIONS.empty_table()
    return Asked(table, rows, {image["record_id"]: image for image in tables.images})


@lru_cache(maxsize=2**16)
def _colours(text: str) -> str | None:
    return ", ".join(claims.colour_words(text)) or None


def _judge(
    row: Mapping[str, Any], record: Mapping[str, Any] | None, *, exhaustive: frozenset[str],
    seen: dict[tuple[str, Question | str], str],
) -> dict[str, Any]:  # fmt: skip
    """What the words say, whatever was stored with them: the question, how it differs, whether it is true."""
    found: dict[str, Any] = {"asks": None, "misread": None, "untrue": None, "repeats": None}
    try:
        question = wording.read(row["question"])
        asserted = claims_of(question, row["answer"])
    except ValueError as error:
        return found | {"misread": str(error)}
    found["asks"] = question
    key = wording.questions().keys[question.key]
    says = {"family": wording.family(question.key), "answer_type": key.answer, "subject": question.subject,
            "rule": f"{question.key}@{key.version}", "claims": [claim._asdict() for claim in asserted]}  # fmt: skip
    differs = [
        f"{name} is stored as {row[name]}, the words say {said}" for name, said in says.items() if row[name] != said
    ]
    found["misread"] = "; ".join(differs) or None
    if record is not None:
        problems = (truth_questions.problem(claim, record, exhaustive) for claim in asserted)
        found["untrue"] = "; ".join(problem.text for problem in problems if problem is not None) or None
    return found | {"repeats": _first(row, question, seen)}


def _judge_given(
    row: Mapping[str, Any], stated: Collection[given.Stated], *, seen: dict[tuple[str, Question | str], str]
) -> dict[str, Any]:
    """What a source asks is not read, nothing is claimed on its behalf: it must be what the source says."""
    found: dict[str, Any] = {"asks": None, "misread": None, "untrue": None}
    if given.Stated(row["record_id"], row["question"], row["answer"], row["family"]) not in stated:
        found["misread"] = "stored as given, but the source gives no such question with this answer"
    return found | {"repeats": _first(row, row["question"], seen)}


def _first(row: Mapping[str, Any], question: Question | str, seen: dict[tuple[str, Question | str], str]) -> str | None:
    """The question of the same image that asks the same, if there was one."""
    first: str = seen.setdefault((row["record_id"], question), row["question_id"])
    return None if first == row["question_id"] else first


def judge(asked: Asked, findings: Sequence[Finding], images: Verdict) -> Answered:
    """Refuse questions of refused images, faulty ones, then the surplus; measure what the words alone give away."""
    of_images = {
        row["record_id"]: (row["reason"], row["detail"]) for row in images.refused if row["caption_id"] is None
    }
    faults = first_reasons("questions", asked.rows, findings)
    reasons = {}
    for number, row in enumerate(asked.rows):
        reason = of_images.get(row["record_id"], faults.get(number))
        if reason is not None:
            reasons[number] = reason
    left = [number for number in range(len(asked.rows)) if number not in reasons]
    surplus = {number: (reason, _DETAILS[reason]) for number, reason in _surplus(asked.rows, left).items()}
    passed = [number for number in left if number not in surplus]
    refused = [
        {"record_id": row["record_id"], "caption_id": row["question_id"], "source": row["source"],
         "text": f"{row['question']} {row['answer']}", "reason": reason, "detail": detail}
        for number, (reason, detail) in sorted((reasons | surplus).items())
        for row in (asked.rows[number],)
    ]  # fmt: skip
    told = [asked.rows[number] for number in passed]
    spoken = {row["record_id"]: asked.images[row["record_id"]] for row in (*images.passed, *told)}
    return Answered(asked, passed, refused, spoken, _priors(told))


def _priors(rows: Sequence[Mapping[str, Any]]) -> dict[str, language_prior.Prior]:
    """By family; of given questions apart, under `given FAMILY`: their words are not ours to mend."""
    ours, theirs = ([row for row in rows if (row["rule"] == given.RULE) == is_given] for is_given in (False, True))
    return language_prior.measure(ours) | {
        f"{_GIVEN}{name}": prior for name, prior in language_prior.measure(theirs).items()
    }


_GIVEN = "given "


_DETAILS = {
    "question_repeated": f"{STRING_SHARE:.1%} of all questions or {SOURCE_SHARE:.0%} of a source are this string",
    "question_unbalanced": "of this question there would be more of one of yes and no than of the other",
}


def _surplus(rows: Sequence[Mapping[str, Any]], left: Iterable[int]) -> dict[int, str]:
    """Row number → why it is too many. What is dropped for one reason may call for the other, so until all hold."""
    numbers = list(left)
    found: dict[int, str] = {}
    while True:
        dropped = _repeated(rows, numbers) or _unbalanced(rows, numbers)
        if not dropped:
            return found
        found |= dropped
        numbers = [number for number in numbers if number not in dropped]


def _repeated(rows: Sequence[Mapping[str, Any]], numbers: Sequence[int]) -> dict[int, str]:
    allowed = max(int(STRING_SHARE * len(numbers)), LEAST_STRINGS)
    of_source = Counter(rows[number]["source"] for number in numbers)
    used: Counter[str] = Counter()
    used_in: Counter[tuple[str, str]] = Counter()
    dropped = {}
    for number in numbers:
        text, source = rows[number]["question"], rows[number]["source"]
        most = int(SOURCE_SHARE * of_source[source]) if of_source[source] > LARGE_SOURCE else len(numbers)
        if used[text] >= allowed or used_in[source, text] >= most:
            dropped[number] = "question_repeated"
            continue
        used[text] += 1
        used_in[source, text] += 1
    return dropped


def _unbalanced(rows: Sequence[Mapping[str, Any]], numbers: Sequence[int]) -> dict[int, str]:
    """Just as many yes as no of each question of each source, whatever its words; of given ones, of each family."""
    by_answer: dict[tuple[str, Question | str], dict[str, list[int]]] = {}
    for number in numbers:
        row = rows[number]
        if row["answer_type"] == "yes/no":
            asks = row["asks"] or row["family"]
            by_answer.setdefault((row["source"], asks), {"yes": [], "no": []})[row["answer"]].append(number)
    dropped: dict[int, str] = {}
    for of in by_answer.values():
        least = min(len(of["yes"]), len(of["no"]))
        dropped |= dict.fromkeys((*of["yes"][least:], *of["no"][least:]), "question_unbalanced")
    return dropped


def stop_if_bad(answered: Answered, *, max_share: float, quarantine: Path) -> None:
    """Raise `ValueError` where a source loses more than `max_share` of its questions by faults, the words alone give
    the answers away (see language_prior.py), or the path of an image that a caption or question speaks of is unsafe."""
    entered = Counter(row["source"] for row in answered.asked.rows)
    faults: dict[str, Counter[str]] = {name: Counter() for name in entered}
    for row in answered.refused:
        if row["reason"].startswith("question_") and row["reason"] not in (*SURPLUS, *CHOSEN):
            faults[row["source"]][row["reason"]] += 1
    for name, counts in sorted(faults.items()):
        if counts.total() > max_share * entered[name]:
            top = ", ".join(f"{reason} ({count})" for reason, count in largest(counts)[:3])
            raise ValueError(
                f"{name}: {counts.total()} of {entered[name]} questions refused, by {top}: more than "
                f"validate.max_quarantine_share ({max_share:.1%}) allows. Read {quarantine}, then mend the source"
            )
    ours = {name: prior for name, prior in answered.priors.items() if not name.startswith(_GIVEN)}
    if complaint := language_prior.complaint(ours):
        raise ValueError(
            "the words of the questions give their answers away, or deny them, by more than "
            f"{language_prior.MARGIN:.0%} against the commonest answer: {complaint}. Ask other questions in "
            "tasks/narrate (docs/questions.md, The language prior), then narrate again"
        )
    check_paths(answered.spoken, where=quarantine.parent.name)


def write(folder: Path, answered: Answered, images: Sequence[Mapping[str, Any]]) -> None:
    """Write `<split>_questions.parquet` (`records.QUESTION_TEXT`) and `<split>_llava.json`, also where empty."""
    rows = answered.asked.rows
    position = {image["record_id"]: number for number, image in enumerate(images)}
    places = pa.Table.from_pylist(
        [{name: image[name] for name in PLACE} for image in images],
        schema=pa.schema([field for field in records.QUESTION_TEXT if field.name in PLACE]),
    )
    for split in SPLITS:
        numbers = [number for number in answered.passed if rows[number]["split"] == split]
        placed = places.take(pa.array([position[rows[number]["record_id"]] for number in numbers], pa.int64()))
        told = answered.asked.table.take(pa.array(numbers, pa.int64()))
        columns = {"split": pa.array([split] * len(numbers), pa.string())}
        columns |= {name: told[name] for name in told.column_names} | {name: placed[name] for name in PLACE}
        ordered = [columns[name] for name in records.QUESTION_TEXT.names]
        table = pa.table(ordered, schema=records.QUESTION_TEXT)
        records.write_table(folder / f"{split}_questions.parquet", table)
        by_image: dict[str, list[Mapping[str, Any]]] = {}
        for number in numbers:
            by_image.setdefault(rows[number]["record_id"], []).append(rows[number])
        lines = [_conversation(images[position[record_id]], turns) for record_id, turns in by_image.items()]
        text = "[\n" + ",\n".join(lines) + "\n]\n" if lines else "[]\n"
        (folder / f"{split}_llava.json").write_text(text, encoding="utf-8")


def _conversation(image: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> str:
    turns = []
    for number, row in enumerate(rows):
        turns.append({"from": "human", "value": row["question"] if number else f"<image>\n{row['question']}"})
        turns.append({"from": "gpt", "value": row["answer"]})
    entry = {"id": image["record_id"], "image": filepath(image), "conversations": turns}
    return json.dumps(entry, ensure_ascii=False)


def metrics(answered: Answered) -> dict[str, Any]:
    """Counts by family, source, split and reason, and the language prior; equal inputs give equal numbers."""
    rows = [answered.asked.rows[number] for number in answered.passed]
    sources = sorted({row["source"] for row in answered.asked.rows})
    strings = Counter(row["question"] for row in rows)
    return {
        "entered": len(answered.asked.rows),
        "passed": len(rows),
        "refused": len(answered.refused),
        "families": _counted(row["family"] for row in rows),
        "answer_types": _counted(row["answer_type"] for row in rows),
        "splits": {split: sum(row["split"] == split for row in rows) for split in SPLITS},
        "sources": {
            name: {
                "families": _counted(row["family"] for row in rows if row["source"] == name),
                "images": len({row["record_id"] for row in rows if row["source"] == name}),
                "passed": sum(row["source"] == name for row in rows),
                "quarantined": _counted(row["reason"] for row in answered.refused if row["source"] == name),
            }
            for name in sources
        },
        "distinct_strings": len(strings),
        "commonest_string_share": round(max(strings.values()) / len(rows), 5) if rows else None,
        "language_prior": {
            name: {"majority": round(of.majority, 4), "text_only": round(of.text_only, 4), "n": of.n}
            for name, of in answered.priors.items()
        },
    }


def _counted(values: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items()))
