"""Captions that a person has read word for word, against their records."""

import json
from pathlib import Path

from narrate_cases import golden_records

from tasks.narrate.claims import check
from tasks.narrate.compose import narrate
from tasks.params import Narrate

GOLDEN = Path(__file__).with_name("golden.json")
EXHAUSTIVE = frozenset({"ship", "aircraft", "other_aircraft", "harbor"})


def captions() -> dict[str, list[str]]:
    """All captions of the golden records. After a change that is meant: read them, then write them to golden.json."""
    return {
        name: [one.text for one in narrate(row | {"record_id": name}, exhaustive=EXHAUSTIVE, params=Narrate(5, 0, 7))]
        for name, row in golden_records().items()
    }


def test_captions_are_those_that_were_read() -> None:
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    assert captions() == golden
    assert sum(map(len, golden.values())) >= 100


def test_golden_captions_are_true() -> None:
    rows = golden_records()
    for name, texts in json.loads(GOLDEN.read_text(encoding="utf-8")).items():
        for text in texts:
            assert check(text, rows[name], exhaustive=EXHAUSTIVE) == []
