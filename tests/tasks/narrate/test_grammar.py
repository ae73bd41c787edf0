"""The traps of English, and errors in the data files."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree

import pytest
from narrate_cases import box, clear_caches, record, region

from tasks.narrate import grammar, phrasebook, reading, words
from tasks.narrate.compose import narrate
from tasks.params import Narrate

DICE = phrasebook.Dice(1)


def test_noun_phrases() -> None:
    assert grammar.counted("aircraft", 2, DICE).text == "two aircraft"
    assert grammar.counted("bridge", 1, DICE).text == "one bridge"
    assert grammar.counted("storage_tank", 12, DICE).text == "twelve storage tanks"
    assert grammar.counted("ship", 42, DICE).start == "Forty-two ships"
    assert grammar.counted("ship", 123, DICE).start == "123 ships"
    assert [grammar.one(name).text for name in ("aircraft", "a220", "ship", "2s1", "zsu234", "urban")] == [
        "an aircraft", "an A220 aircraft", "a ship", "a 2S1 self-propelled howitzer", "a ZSU-23-4 anti-aircraft gun",
        "an urban area",
    ]  # fmt: skip
    assert grammar.denied("harbor").text == "no harbors"


def test_larger_numbers_are_in_digits_or_in_words_all_through_a_caption() -> None:
    found = set()
    for seed in range(20):
        dice = phrasebook.Dice(seed)
        found.add((grammar.counted("ship", 42, dice).text, grammar.number(37, dice), grammar.number(123, dice)))
    assert found == {("42 ships", "37", "123"), ("forty-two ships", "thirty-seven", "123")}


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
    objects = grammar.listed([grammar.counted(name, count, DICE) for name, count in counts])
    assert phrasebook.say("{Objects.there} {objects}.", {"objects": objects})[0] == text


def test_every_noun_in_every_number_can_be_read_back() -> None:
    """Each class alone, so that no noun hides in another: storage tank, tank, ground track field, field."""
    for name, noun in words.nouns().items():
        for count in (1, 2, 9, 14):
            if noun.silent:
                continue
            row = record(boxes=[box(name, 10 + 12 * index, 10 + 7 * index) for index in range(count)])
            captions = narrate(row, exhaustive=(), params=Narrate(5, 0, count))
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
        return " ".join(
            caption.text for row in rows for caption in narrate(row, exhaustive=(), params=Narrate(5, 0, 7))
        )

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
        ("boxes: [boxes.short,", "boxes: [boxes.short|boxes.tiny,", "the rule 'boxes.tiny'"),
        ('"count types?', '"number types?', "the sentences 'number'"),
    ):
        assert old in book
        (folder / "phrases.yaml").write_text(book.replace(old, new), encoding="utf-8")
        clear_caches()
        with pytest.raises(ValueError, match=error):
            [narrate(row, exhaustive=(), params=Narrate(5, 0, seed)) for seed in range(40)]


def test_choices_and_other_names() -> None:
    choices = {"seen": ("seen", "made out")}
    wordings = phrasebook.variants("{A} [is|was] [seen].", choices)
    assert [text for text, _ in wordings] == [
        "{A} is seen.", "{A} is made out.", "{A} was seen.", "{A} was made out.",
    ]  # fmt: skip
    weights = [weight for _, weight in wordings]
    assert sum(weights) == pytest.approx(1)
    assert weights == sorted(weights, reverse=True)  # the first words are the common ones
    with pytest.raises(ValueError, match="no list 'sene' in choices"):
        phrasebook.variants("{A} is [sene].", choices)
    assert grammar.forms("aircraft")[:3] == (("aircraft", "aircraft"), ("airplane", "airplanes"), ("plane", "planes"))
    assert grammar.one("aircraft", 1).text == "an airplane"
    assert grammar.bare("aircraft", 1).claims[0].value == "some"
    pair = grammar.listed([grammar.one("ship"), grammar.one("bridge")], "as well as")
    assert (pair.text, pair.plural) == ("a ship as well as a bridge", False)


def test_every_template_is_english_in_every_wording() -> None:
    choices = phrasebook.word_lists().choices
    for key, templates in phrasebook.phrasebook().sentences.items():
        wordings = [text for template in templates for text, _ in phrasebook.variants(template, choices)]
        assert len(set(wordings)) == len(wordings), key
        for text in wordings:
            assert re.match(r"\{?[A-Z]", text), text
            assert text.endswith("."), text
            assert not re.search(r"\s\s|\s[.,]|[\[\]|]", text), text


def test_the_first_word_of_a_list_is_the_common_one() -> None:
    rng = phrasebook.Dice(3)
    drawn = Counter(phrasebook.draw("abcde", rng) for _ in range(4000))
    assert [letter for letter, _ in drawn.most_common()] == list("abcde")
    assert 0.35 < drawn["a"] / 4000 < 0.45
    wordings = phrasebook.templates("count", "sar")
    said = Counter("".join(piece.literal for piece in phrasebook.draw_wording(wordings, rng)) for _ in range(4000))
    assert {text for text, _ in said.most_common(4)} >= {" shows .", "  in ."}  # "{Objects.there} {objects} in …"
    assert len(said) > 400


def test_talk_of_echoes_is_for_radar() -> None:
    sar, optical = (
        {piece.literal for pieces in phrasebook.templates("count", modality).pieces for piece in pieces}
        for modality in ("sar", "optical")
    )
    assert any("echoes" in text for text in sar)
    assert not any("echo" in text or "adar" in text or "ackscatter" in text for text in optical)


def test_an_opener_stands_before_a_class_in_small_letters() -> None:
    slots = {"group": grammar.Fragment("the 14 ships", (), True, True), "trait": grammar.Fragment("abreast")}
    pieces = phrasebook.templates("arrangement", "sar").pieces[0]
    assert phrasebook.fill(pieces, slots, {})[0] == "The 14 ships are abreast."
    assert phrasebook.fill(pieces, slots, {}, opener="Also, ")[0] == "Also, the 14 ships are abreast."
    assert reading_claims("Also, near the bridge, there are two ships.") == reading_claims(
        "Near the bridge, there are two ships."
    )


def test_areas_with_a_plural_name_take_the_plural_of_the_verb() -> None:
    row = record(regions=[region("building", 0.7, [0.7] * 9), region("grass", 0.3, [0.3] * 9)])
    told = texts_of(row, 300)
    assert "built structures cover" in told.lower()
    assert not re.search(r"(?:structures|edifices) (?:covers|is|occupies)", told)


def texts_of(row: dict, seeds: int = 40) -> str:
    captions = (narrate(row | {"record_id": str(n)}, exhaustive=(), params=Narrate(5, 0, 7)) for n in range(seeds))
    return "\n".join(caption.text for found in captions for caption in found)


def test_a_heading_and_a_width_come_from_what_the_source_states_alone() -> None:
    turned = box("ship", 90, 90, 60, 14, 40.0)
    assert "heading" not in texts_of(record(boxes=[turned]))
    told = texts_of(record(boxes=[turned | {"heading_deg": 131.0, "length_m": 187.0, "width_m": 28.4}]))
    assert "heading of 130 degrees" in told
    assert re.search(r"190 m(?:eters)? (?:long|in length) and \w+ 28 m", told)


def test_compass_words_need_a_georeferenced_image() -> None:
    row = record(boxes=[box("ship", 20, 20)])
    assert "north" not in texts_of(row)
    assert "in the north-west" in texts_of(row | {"bounds": [0.0, 0.0, 1.0, 1.0]})


def test_what_lies_just_beside_the_middle_is_in_a_half_but_on_no_side() -> None:
    near_the_middle = texts_of(
        record(boxes=[box("ship", 122, 40), box("ship", 125, 200)]), 120
    )  # centers at 0.52, 0.53
    assert "right half" in near_the_middle
    assert not re.search(r"right(?:-hand)? (?:side|part|portion|area)", near_the_middle)
    far_right = texts_of(record(boxes=[box("ship", 222, 40), box("ship", 225, 200)]), 120)
    assert "on the right side" in far_right
    assert "right third" in far_right
    assert ("place", "ship", "2@right half") in reading_claims("Two ships are on the right side.")


def test_two_and_one_are_no_row_of_three() -> None:
    def told(middle: float) -> str:
        return texts_of(record(boxes=[box("ship", x, 120, 14, 6) for x in (20, middle, 220)]))

    row = re.compile(r"\b(?:row|line|lined up)\b")
    assert row.search(told(110))
    assert not row.search(told(80))


def test_a_row_beside_a_harbor_lies_along_its_quay() -> None:
    ships = [box("ship", 30 + 50 * n, 160, 30, 8) for n in range(4)]
    assert "along the quay" in texts_of(record(boxes=[box("harbor", 20, 180, 220, 60), *ships]))
    assert "along the quay" not in texts_of(record(boxes=[box("bridge", 20, 180, 220, 60), *ships]))


def test_only_what_travels_forms_a_convoy() -> None:
    row = [("ship", True), ("vehicle", True), ("bridge", False)]
    for name, travels in row:
        line = texts_of(record(boxes=[box(name, 40 + 30 * n, 160, 16, 7, 2.0) for n in range(5)]))
        assert ("a convoy of" in line) == travels


def test_a_river_crosses_where_the_region_does() -> None:
    def told(**more: object) -> str:
        water = region("water", 0.2, [0.0, 0.0, 0.0, 0.6, 0.6, 0.6, 0.0, 0.0, 0.0], adjacent=("grass",), **more)
        land = region("grass", 0.8, [1.0, 1.0, 1.0, 0.4, 0.4, 0.4, 1.0, 1.0, 1.0], adjacent=("water",))
        return texts_of(record(regions=[water, land]))

    assert "river" not in told()
    assert "shoreline" in told()
    assert re.search(r"[Aa] river \w+ (?:\w+ )?th\w+ \w+ from left to right", told(crosses=("left-right",)))


def test_a_map_is_called_a_landscape_of_what_dominates_it() -> None:
    def told(share: float) -> str:
        cells = [[share] * 9, [1 - share] * 9]
        return texts_of(record(regions=[region("tree", share, cells[0]), region("grass", 1 - share, cells[1])]), 80)

    assert "wooded landscape" in told(0.8)
    assert "wooded landscape" not in told(0.52)
    assert ("dominant", "tree", "yes") in reading_claims("A SAR image of a wooded landscape.")
