"""The worked examples of docs/captions.md work, and its tables are complete."""

import re
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree

import pytest
from narrate_cases import box, clear_caches, record

from tasks.narrate import truth, words
from tasks.narrate.claims import check, read_claims
from tasks.narrate.compose import narrate
from tasks.params import Narrate

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "captions.md"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the data files, with the examples typed in as the document says."""
    copytree(words.FOLDER, tmp_path / "narrate")
    examples = re.findall(r"```yaml (\S+) ?(\S*)\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert [name for name, _, _ in examples] == ["nouns.yaml", *["phrases.yaml"] * 2, *["lexicon.yaml"] * 2]
    for name, key, lines in examples:
        path = tmp_path / "narrate" / name
        text = path.read_text(encoding="utf-8")
        if key:
            head = rf"(?m)^( *{key}:(?: &\w+)?(?: *#.*)?\n)"
            text, found = re.subn(head, lambda match, new=lines: match.group(1) + new, text)
            assert found == 1, key
        else:
            text = f"{text.rstrip()}\n{lines}"
        path.write_text(text, encoding="utf-8")
    monkeypatch.setattr(words, "FOLDER", tmp_path / "narrate")
    clear_caches()
    yield tmp_path / "narrate"
    monkeypatch.undo()
    clear_caches()


def test_the_worked_examples(folder: Path) -> None:
    ferries = [box("ferry", 30 + 60 * number, 40 + 30 * number, 40, 9) for number in range(3)]
    row = record(boxes=ferries, pixel_spacing_x_m=2.0, pixel_spacing_y_m=2.0)
    texts = []
    for number in range(400):
        captions = narrate(row | {"record_id": str(number)}, exhaustive={"ship"}, params=Narrate(5, 0, 7))
        for caption in captions:
            assert check(caption.text, row, exhaustive={"ship"}) == []
            assert set(caption.claims) <= set(read_claims(caption.text))
        texts += [caption.text for caption in captions]
    said = "\n".join(texts)
    assert "hree ferries" in said
    assert "hree ships" in said
    assert "a handful of ferries" in said
    assert "erries appear in this SAR image." in said
    assert re.search(r"erries can be (?:met with|encountered) (?:in|at|on) the", said)
    assert re.search(r"\d m from end to end", said)
    assert re.search(r"about 80 (?:m|meters)", said)
    assert check("Three car ferries.", row, exhaustive=()) == []
    assert check("Two car ferries.", row, exhaustive=()) != []


def test_without_the_example_the_class_has_no_words() -> None:
    with pytest.raises(ValueError, match="no words for the class 'ferry'"):
        narrate(record(boxes=[box("ferry", 20, 20)]), exhaustive=(), params=Narrate(5, 0, 7))


def test_every_kind_of_claim_is_documented() -> None:
    table = DOCUMENT.read_text(encoding="utf-8").split("## Claims")[1].split("## ")[0]
    assert set(truth._JUDGES) == set(
        re.findall(r"`([a-z_]+)`", "".join(line.split("|")[1] for line in table.splitlines() if "|" in line))
    )
