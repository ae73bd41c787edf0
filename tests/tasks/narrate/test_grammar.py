"""The traps of English, and errors in the data files."""

from collections.abc import Iterator
from pathlib import Path
from shutil import copytree

import pytest
from narrate_cases import box, clear_caches, record

from tasks.narrate import grammar, reading, words
from tasks.narrate.compose import narrate
from tasks.params import Narrate


def test_noun_phrases() -> None:
    assert grammar.counted("aircraft", 2).text == "two aircraft"
    assert grammar.counted("bridge", 1).text == "one bridge"
    assert grammar.counted("storage_tank", 12).text == "twelve storage tanks"
    assert grammar.counted("ship", 13).text == "13 ships"
    assert grammar.counted("ship", 42).start == "Forty-two ships"
    assert [grammar.one(name).text for name in ("aircraft", "a220", "ship", "2s1", "zsu234", "urban")] == [
        "an aircraft", "an A220 aircraft", "a ship", "a 2S1 self-propelled howitzer", "a ZSU-23-4 anti-aircraft gun",
        "an urban area",
    ]  # fmt: skip
    assert grammar.denied("harbor").text == "no harbors"


@pytest.mark.parametrize(
    ("counts", "text"),
    [
        ([("ship", 1)], "There is one ship."),
        ([("ship", 2)], "There are two ships."),
        ([("ship", 2), ("bridge", 1)], "There are two ships and one bridge."),
        ([("bridge", 1), ("harbor", 1), ("ship", 1)], "There is one bridge, one harbor and one ship."),
    ],
)
def test_there_is_agrees_with_the_first(counts: list[tuple[str, int]], text: str) -> None:
    objects = grammar.listed([grammar.counted(name, count) for name, count in counts])
    assert grammar.say("{Objects.there} {objects}.", {"objects": objects})[0] == text


def test_every_noun_in_every_number_can_be_read_back() -> None:
    """Each class alone, so that no noun hides in another: storage tank, tank, ground track field, field."""
    for name, noun in words.nouns().items():
        for count in (1, 2, 9, 14):
            if noun.silent:
                continue
            row = record(boxes=[box(name, 10 + 12 * index, 10 + 7 * index) for index in range(count)])
            captions = narrate(row, exhaustive=(), params=Narrate(5, count))
            for caption in captions:
                claims = set(reading_claims(caption.text))
                assert set(caption.claims) <= claims, caption.text
                named = {claim.subject for claim in claims} - {"image"}
                assert named <= set(words.kinds(name)), caption.text


def reading_claims(text: str) -> list[words.Claim]:
    from tasks.narrate.claims import read_claims

    return read_claims(text)


@pytest.mark.parametrize("modality", ["sar", "optical"])
def test_sensors_are_named_only_where_the_record_does(modality: str) -> None:
    def texts(**known: str) -> str:
        rows = [record(record_id=str(n), modality=modality, boxes=[box("ship", 9, 9)], **known) for n in range(20)]
        return " ".join(caption.text for row in rows for caption in narrate(row, exhaustive=(), params=Narrate(5, 7)))

    assert "Sentinel-1" in texts(sensor="Sentinel-1")
    assert ("X-band" in texts(band="X")) == (modality == "sar")
    for text in (texts(), texts(sensor="simulated X-band SAR")):
        assert not any(word in text for word in ("Sentinel", "simulated", "X-band", "polarized"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the data files that a test may spoil."""
    copytree(words.FOLDER, tmp_path / "narrate")
    monkeypatch.setattr(words, "FOLDER", tmp_path / "narrate")
    clear_caches()
    yield tmp_path / "narrate"
    monkeypatch.undo()
    clear_caches()


def append(path: Path, text: str) -> None:
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


def test_unknown_keys_parents_and_double_meanings_are_errors(folder: Path) -> None:
    nouns = (folder / "nouns.yaml").read_text(encoding="utf-8")
    for line, error in (
        ("  ferry: {singular: ferry, plurals: ferries}", "unknown key 'plurals'; did you mean 'plural'"),
        ("  ferry: {singular: ferry, plural: ferries, parent: boat}", "the parent 'boat' of 'ferry'"),
        ("  ferry: {singular: ferry, plural: ferries, also: [[barge]]}", "pairs"),
    ):
        (folder / "nouns.yaml").write_text(f"{nouns.rstrip()}\n{line}\n", encoding="utf-8")
        clear_caches()
        with pytest.raises(ValueError, match=error):
            words.nouns()
    (folder / "nouns.yaml").write_text(f"{nouns.rstrip()}\n  ferry: {{singular: vessel, plural: ferries}}\n")
    clear_caches()
    with pytest.raises(ValueError, match="'vessel' means both"):
        reading.phrases()


def test_templates_with_unknown_slots_verbs_or_rules_are_errors(folder: Path) -> None:
    book = (folder / "phrases.yaml").read_text(encoding="utf-8")
    row = record(boxes=[box("ship", 20, 20)])
    for old, new, error in (
        ('- "{Image} of {objects}."', '- "{Image} of {things}."', "unknown slot 'things'"),
        ('- "{Image} of {objects}."', '- "{Objects} {objects.swim}."', "the verb 'swim'"),
        ("boxes: [boxes.short,", "boxes: [boxes.tiny,", "the rule 'boxes.tiny'"),
        ('"count types?', '"number types?', "the sentences 'number'"),
    ):
        assert old in book
        (folder / "phrases.yaml").write_text(book.replace(old, new), encoding="utf-8")
        clear_caches()
        with pytest.raises(ValueError, match=error):
            [narrate(row, exhaustive=(), params=Narrate(5, seed)) for seed in range(40)]
