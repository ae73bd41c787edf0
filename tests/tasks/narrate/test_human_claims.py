"""The count of what is read of human captions, and the table of it in docs/captions.md."""

import json
from pathlib import Path

import pytest

from benchmarks import human_claims

DOCUMENT = Path(__file__).parents[3] / "docs/captions.md"


def test_coverage_counts_claims_and_content_words() -> None:
    found = human_claims.coverage(["Two red ships near a harbor.", "Two red ships near a harbor.", "It is very quiet."])
    assert (found["captions"], found["different"]) == (3, 2)
    assert found["with_a_claim"] == pytest.approx(2 / 3, abs=1e-4)
    assert found["claims_by_kind"] == {"near": 2, "count": 2}  # what a harbor is near is no count of all ships
    assert found["content_words_read"] == pytest.approx(6 / 9, abs=1e-4)  # ships, near, harbor; not red, quiet
    assert found["unread_words"] == {"red": 2, "quiet": 1}


def test_captions_are_those_of_train_and_test_without_blank_lines(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("SAR_TEXT_MIRROR", str(tmp_path))
    with pytest.raises(ValueError, match="set SAR_TEXT_MIRROR"):
        human_claims.captions("RSICD")
    folder = tmp_path / human_claims.BELOW_MIRROR / "rsicd_precomp"
    folder.mkdir(parents=True)
    (folder / "train_caps.txt").write_text("Many trees .\n\n")
    (folder / "test_caps.txt").write_text("A park .\n")
    assert human_claims.captions("RSICD") == ["Many trees .", "A park ."]


def test_the_table_in_the_documentation_is_what_was_counted() -> None:
    found = json.loads(human_claims.OUT.read_text(encoding="utf-8"))
    section = DOCUMENT.read_text(encoding="utf-8").split("### Captions that people wrote")[1].split("\n#")[0]
    for label, key in (("at least one claim", "with_a_claim"), ("content words", "content_words_read")):
        line = next(line for line in section.splitlines() if label in line)
        assert [cell.strip() for cell in line.split("|")[2:4]] == [
            f"{100 * found[name][key]:.1f} %" for name in human_claims.SETS
        ]
