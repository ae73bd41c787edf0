"""The five captions of an optical image: different, true, coloured, correct."""

import re

from tasks.download.simulate import captions
from tasks.download.simulate.scene import COVER, Scene, scene

NUMBERS = {word: value for value, word in enumerate(captions.NUMBERS)} | {"an": 1}
NOUNS = {"ship": "ships?|vessels?|boats?", "aircraft": "airplanes?|planes?|aircraft", "vehicle": "vehicles?",
         "storage_tank": "storage tanks?", "bridge": "bridges?"}  # fmt: skip
COLOURS = "red|blue|green|white|grey|black|brown|yellow"
COUNT = re.compile(
    rf"\b(no|an?|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|several|many|without|any) "
    rf"(?:any )?(?:(?:dark |light )?(?:{COLOURS}) )?(?:round )?({'|'.join(NOUNS.values())})\b"
)


def scenes(world: str = "optical") -> list[Scene]:
    return [scene(number, world=world, seed=9, size_px=256) for number in range(1, 241)]


def test_five_different_sentences_each() -> None:
    for place in scenes():
        texts = captions.write(place)
        assert len(set(texts)) == captions.CAPTIONS_AN_IMAGE
        for text in texts:
            assert re.fullmatch(r"[A-Z][^\n{}]*[a-z]\.", text), text
            assert "  " not in text
            assert not re.search(r"\ban [^aeiou]|\ba [aeiou]", text), text
            assert not re.search(r"\b(a|an|one) \w+ are\b|\b(two|three|several|many) [a-z ]+? is\b", text), text
        assert any(re.search(rf"\b({COLOURS})\b", text) for text in texts), texts


def test_a_scene_with_little_to_say_says_one_thing_twice() -> None:
    texts = captions.write(scene(211, world="optical", seed=202, size_px=256))
    assert (len(texts), len(set(texts))) == (captions.CAPTIONS_AN_IMAGE, captions.CAPTIONS_AN_IMAGE - 1)


def test_counts_are_true() -> None:
    checked = dict.fromkeys(NOUNS, 0)
    for place in scenes():
        counts = {kind: sum(thing.kind == kind for thing in place.things) for kind in NOUNS}
        for text in captions.write(place):
            for word, noun in COUNT.findall(text.lower()):
                kind = next(kind for kind, nouns in NOUNS.items() if re.fullmatch(nouns, noun))
                checked[kind] += 1
                allowed = {"several": range(3, 10), "many": range(10, 99), "without": (0,), "any": (0,)}.get(
                    word, (NUMBERS.get(word, 0),)
                )
                assert counts[kind] in allowed, f"scene {place.number} holds {counts[kind]}: {text}"
    assert min(checked.values()) > 10, checked


def test_colours_of_objects_are_true() -> None:
    checked = 0
    for place in scenes():
        for text in captions.write(place):
            for colour, noun in re.findall(rf"\b({COLOURS}) (?:round )?({'|'.join(NOUNS.values())})\b", text.lower()):
                kind = next(kind for kind, nouns in NOUNS.items() if re.fullmatch(nouns, noun))
                assert {thing.colour for thing in place.things if thing.kind == kind} == {colour}, text
                checked += 1
    assert checked > 50


def test_ground_is_true() -> None:
    for place in scenes():
        cover = place.crop(place.cover)
        for text in captions.write(place):
            if re.search(r"\btrees\b", text):
                assert (cover == COVER["tree"]).mean() > 0.02, text
            if re.search(r"\bgrass\b", text):
                assert (cover == COVER["grass"]).mean() > 0.02, text
            if re.search(r"\b(sea|river|lake|pond)\b", text):
                assert (cover == COVER["water"]).any(), text
            if re.search(r"\bfields\b", text):
                assert (cover == COVER["cropland"]).mean() > 0.1, text
            if re.search(r"\bisland\b", text):
                assert place.theme == "sea"
                assert (cover != COVER["water"]).any()
            if "driving" in text:
                cars = [thing for thing in place.things if thing.kind == "vehicle"]
                assert all(place.cover[int(car.y), int(car.x)] == COVER["road"] for car in cars), text


def test_captions_vary_between_places() -> None:
    texts = [text for place in scenes() for text in captions.write(place)]
    assert len(set(texts)) > 0.35 * len(texts)


def test_positions_follow_the_grid() -> None:
    place = next(place for place in scenes() if len(place.annotated()) == 1)
    thing = place.annotated()[0]
    expected = captions.position(thing, place)
    assert ("left" in expected) == (thing.x - place.margin_px < 256 / 3)
    assert ("lower" in expected) == (thing.y - place.margin_px >= 512 / 3)
