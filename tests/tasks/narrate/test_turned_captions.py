"""No augmentation makes a caption false: pictures are turned together with their annotation, captions with them."""

from collections import Counter
from random import Random
from typing import Any

import pytest
from narrate_cases import box, random_exhaustive, random_record, record, region

from sar_models.symmetry import LEFT_RIGHT, SYMMETRIES, TRANSPOSED, UP_DOWN, moved
from tasks.narrate import words
from tasks.narrate.claims import Claim, check, read_claims
from tasks.narrate.compose import narrate
from tasks.params import Narrate
from tasks.train import symmetries
from tasks.train.symmetries import seen, turned_texts

PARAMS = Narrate(captions_per_image=5, questions_per_image=0, seed=7)
QUARTER_TURN = TRANSPOSED | LEFT_RIGHT  # clockwise


def turned_record(row: dict[str, Any], symmetry: int) -> dict[str, Any]:
    """The annotation of the turned picture, from the raw boxes and grids and not from words."""
    width_px, height_px = row["width_px"], row["height_px"]
    swap = bool(symmetry & TRANSPOSED)
    new_width_px, new_height_px = (height_px, width_px) if swap else (width_px, height_px)
    spacing = (row["pixel_spacing_x_m"], row["pixel_spacing_y_m"])

    def box_turned(of: dict[str, Any]) -> dict[str, Any]:
        dx, dy = moved(of["x"] + of["w"] / 2 - width_px / 2, of["y"] + of["h"] / 2 - height_px / 2, symmetry=symmetry)
        x, y = dx + new_width_px / 2, dy + new_height_px / 2
        w, h, angle_deg = of["w"], of["h"], of["angle_deg"]
        if angle_deg is None:
            w, h = (h, w) if swap else (w, h)
        else:
            angle_deg = 90 - angle_deg if swap else angle_deg
            angle_deg = -angle_deg if bool(symmetry & LEFT_RIGHT) != bool(symmetry & UP_DOWN) else angle_deg
            angle_deg %= 180
        return {**of, "x": x - w / 2, "y": y - h / 2, "w": w, "h": h, "angle_deg": angle_deg}

    def region_turned(of: dict[str, Any]) -> dict[str, Any]:
        grid = [0.0] * 9
        for cell, share in enumerate(of["grid"]):
            x, y = moved(cell % 3 - 1, cell // 3 - 1, symmetry=symmetry)
            grid[int(y + 1) * 3 + int(x + 1)] = share
        other = {"left-right": "top-bottom", "top-bottom": "left-right"}
        crosses = sorted(other[name] for name in of["crosses"]) if swap else of["crosses"]
        return {**of, "grid": grid, "crosses": crosses}

    return {
        **row,
        "width_px": new_width_px, "height_px": new_height_px,
        "pixel_spacing_x_m": spacing[swap], "pixel_spacing_y_m": spacing[not swap],
        "boxes": None if row["boxes"] is None else [box_turned(each) for each in row["boxes"]],
        "regions": None if row["regions"] is None else [region_turned(each) for each in row["regions"]],
        "bounds": None, "crs": None,  # the top is no longer north
    }  # fmt: skip


def test_no_turned_caption_is_false() -> None:
    """Of random annotations: each claim of each turned caption is held against the turned annotation, and none is lost
    on the way."""
    rng = Random(3)
    turned_kinds: Counter[str] = Counter()
    for number in range(200):
        row, exhaustive = random_record(rng, number), random_exhaustive(rng)
        for caption in narrate(row, exhaustive=exhaustive, params=PARAMS):
            shown = seen({"text": caption.text, "route": caption.route})
            before = Counter(claim.kind for claim in read_claims(caption.text))
            assert shown["turned"][0] == caption.text
            for symmetry in range(1, SYMMETRIES):
                text = shown["turned"][symmetry]
                if text is None:
                    continue
                assert check(text, turned_record(row, symmetry), exhaustive=exhaustive) == [], (caption.text, text)
                assert Counter(claim.kind for claim in read_claims(text)) == before, (caption.text, text)
                if text != caption.text:
                    turned_kinds.update(claim.kind for claim in set(read_claims(text)) - set(read_claims(caption.text)))
    assert {"place", "side_of", "axis", "crosses", "fills"} <= turned_kinds.keys()


def test_what_is_true_only_of_the_ground_is_never_turned() -> None:
    rng = Random(9)
    found: Counter[str] = Counter()
    for number in range(150):
        row = random_record(rng, number)
        for caption in narrate(row, exhaustive=frozenset(), params=PARAMS):
            kinds = {claim.kind for claim in caption.claims}
            names = {claim.value for claim in caption.claims if claim.kind == "fills"} & set(words.lexicon().compass)
            if kinds & {"heading", "compass"} or names:
                assert seen({"text": caption.text, "route": caption.route})["turned"][1:] == [None] * 7
                found.update(kinds)
    assert {"heading", "compass", "fills"} <= found.keys()


def test_the_check_would_notice() -> None:
    """The same captions, turned the wrong way, are false of the turned annotation."""
    rng, noticed, tried = Random(5), 0, 0
    for number in range(150):
        row = random_record(rng, number)
        for caption in narrate(row, exhaustive=frozenset(), params=PARAMS):
            right = turned_texts(caption.text, ours=True)[QUARTER_TURN]
            wrong = turned_texts(caption.text, ours=True)[TRANSPOSED | UP_DOWN]
            if right not in (wrong, None):
                tried += 1
                noticed += check(str(wrong), turned_record(row, QUARTER_TURN), exhaustive=frozenset()) != []
    assert tried > 50
    assert noticed > 0.8 * tried, (noticed, tried)  # "in the center left" of some is at times true the other way too


@pytest.mark.parametrize(
    ("text", "symmetry", "expected"),
    [
        ("In the upper left of it, two ships lie.", LEFT_RIGHT, "In the upper right of it, two ships lie."),
        ("Two ships in the upper left.", UP_DOWN, "Two ships in the lower left."),
        ("Two ships in the upper left.", QUARTER_TURN, "Two ships in the upper right."),
        ("Two ships in the upper left.", LEFT_RIGHT | UP_DOWN, "Two ships in the lower right."),
        ("Water fills most of the upper half.", QUARTER_TURN, "Water fills most of the right half."),
        ("A river crosses it from left to right.", TRANSPOSED, "A river crosses it from top to bottom."),
        ("The ship is oriented horizontally.", QUARTER_TURN, "The ship is oriented vertically."),
        ("The ship is oriented horizontally.", LEFT_RIGHT, "The ship is oriented horizontally."),
        ("It lies to the left of the harbor.", QUARTER_TURN, "It lies higher up in the image than the harbor."),
        ("Three ships.", QUARTER_TURN, "Three ships."),
        ("Three ships in the center.", QUARTER_TURN, "Three ships in the center."),
        ("The ship has a reported heading of 45 degrees.", LEFT_RIGHT, None),
        ("Two ships in the north-west.", UP_DOWN, None),
        ("Two ships in the upper left, one with its shadow to the right.", UP_DOWN, None),
        ("A ship at the very top.", UP_DOWN, None),
    ],
)  # fmt: skip
def test_examples(text: str, symmetry: int, expected: str | None) -> None:
    assert turned_texts(text, ours=True)[symmetry] == expected


@pytest.mark.parametrize(
    "text", ["A ship on top of the dock.", "two ships in the upper left", "houses north of a lake"]
)
def test_what_people_say_of_directions_keeps_the_picture_as_it_is(text: str) -> None:
    assert seen({"text": text, "route": "given"})["turned"] == [text, *[None] * 7]
    assert seen({"text": "Three ships near a pier.", "route": "given"})["turned"] == ["Three ships near a pier."] * 8


def test_a_caption_that_speaks_of_brightness_keeps_it() -> None:
    assert not seen({"text": "A bright ship on dark water.", "route": "given"})["radiometric"]
    assert seen({"text": "Two ships in the upper left.", "route": "a2c"})["radiometric"]


def test_our_words_speak_of_no_brightness() -> None:
    """So that radiometric augmentation reaches every caption of ours."""
    rng = Random(3)
    texts = [
        caption.text
        for number in range(300)
        for caption in narrate(random_record(rng, number), exhaustive=frozenset(), params=PARAMS)
    ]
    assert [text for text in texts if symmetries.BRIGHTNESS.search(text)] == []


def test_words_of_place_are_turned_there_and_back() -> None:
    inverse = {symmetry: symmetry for symmetry in range(SYMMETRIES)}
    inverse[TRANSPOSED | LEFT_RIGHT], inverse[TRANSPOSED | UP_DOWN] = TRANSPOSED | UP_DOWN, TRANSPOSED | LEFT_RIGHT
    for symmetry, back in inverse.items():
        for place in words.lexicon().places:
            assert symmetries.turned_place(symmetries.turned_place(place, symmetry=symmetry), symmetry=back) == place
        for side in words.lexicon().sides:
            assert symmetries.turned_side(symmetries.turned_side(side, symmetry=symmetry), symmetry=back) == side


def test_the_turned_annotation_is_that_of_the_turned_picture() -> None:
    """A box, a cell of the map and a rotated box, after a quarter turn clockwise."""
    row = record(width_px=100, height_px=60, boxes=[box("ship", 0, 0, 20, 6), box("ship", 70, 40, 20, 6, 30.0)],
                 regions=[region("water", 1 / 9, [1, 0, 0, 0, 0, 0, 0, 0, 0], crosses=("left-right",))])  # fmt: skip
    now = turned_record(row, QUARTER_TURN)
    assert (now["width_px"], now["height_px"]) == (60, 100)
    assert [now["boxes"][0][key] for key in "xywh"] == [54, 0, 6, 20]
    assert now["boxes"][1]["angle_deg"] == 120
    assert now["regions"][0]["grid"] == [0, 0, 1, 0, 0, 0, 0, 0, 0]
    assert now["regions"][0]["crosses"] == ["top-bottom"]
    assert read_claims("Two ships in the upper left.")[0] == Claim("place", "ship", "2@upper left")
