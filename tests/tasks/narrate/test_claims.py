"""Reading text by any hand, and holding it against the raw annotation."""

import pytest
from narrate_cases import box, record, region

from tasks.narrate.claims import check, colour_words, read_claims

SHIPS = record(boxes=[box("ship", 20, 20), box("ship", 60, 30), box("harbor", 40, 60, 50, 40)])
MAP = record(
    regions=[
        region("water", 0.62, [1.0, 1.0, 0.3] * 3, components=2, adjacent=("tree",)),
        region("tree", 0.38, [0.0, 0.0, 0.7] * 3, components=1, adjacent=("water",)),
    ]
)


@pytest.mark.parametrize(
    ("text", "claims"),
    [
        ("Three ships are visible.", [("count", "ship", "3")]),
        ("There are 1,200 vessels here", [("count", "ship", "1200")]),
        ("twenty-one boats", [("count", "ship", "21")]),
        ("many planes near a bridge", [("near", "aircraft", "10.. bridge"), ("count", "bridge", "any")]),
        ("Two of the ships lie in the upper left, one in the center.",
         [("place", "ship", "2@upper left"), ("place", "ship", "1@center"), ("count", "ship", "some")]),
        ("All three ships lie in the left half.", [("place", "ship", "all@left half"), ("count", "ship", "3")]),
        ("In the top-right corner, there is a ship.", [("place", "ship", "1@upper right")]),
        ("A shopping center stands beside the road.", [("count", "road", "1")]),
        ("No ships can be seen.", [("count", "ship", "0")]),
        ("A lone ship.", [("only", "ship", "yes"), ("count", "ship", "1")]),
        ("A Sentinel-1 radar image of a harbor.",
         [("sensor", "image", "Sentinel-1"), ("modality", "image", "sar"), ("count", "harbor", "1")]),
        ("About 40 percent of the image is water, trees cover about a third.",
         [("share", "water", "0.370..0.430"), ("share", "tree", "0.280..0.385")]),
        ("Most of the image is covered by water.", [("share", "water", "0.500..1.000")]),
        ("Most of the left third is water.", [("fills", "water", "left third")]),
        ("A 120 m long ship", [("length", "ship", "120")]),
        ("The ships are about 60 to 180 m long.", [("length", "ship", "60..180")]),
        ("The image has a resolution of 1.3 m.", [("resolution", "image", "1.3")]),
        ("a row of four storage tanks", [("arrangement", "storage_tank", "row"), ("count", "storage_tank", "4")]),
        ("A T72 tank and an oil tank", [("count", "t72", "1"), ("count", "storage_tank", "1")]),
        ("A Boeing 737 aircraft", [("count", "boeing737", "1")]),
        ("two A320/A321s", []),
        ("", []),
        ("3d 0.5 ... ;; 120m %", []),
    ],
)  # fmt: skip
def test_reading(text: str, claims: list[tuple[str, str, str]]) -> None:
    read = read_claims(text)
    assert set(claims) <= set(read), read
    if not claims:
        assert read == []


@pytest.mark.parametrize(
    "text",
    [
        "A SAR image of two ships.", "Two ships lie near the harbor.", "The ships are in the upper left.",
        "No aircraft are visible.", "Both ships lie in the upper left.", "a pair of vessels and a harbor",
    ],
)  # fmt: skip
def test_true_of_ships(text: str) -> None:
    assert check(text, SHIPS, exhaustive={"ship", "harbor", "aircraft"}) == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("A SAR image of three ships.", "the annotation 2"),
        ("An optical photograph of two ships.", "modality optical"),
        ("A Sentinel-1 image of two ships.", "sensor Sentinel-1"),
        ("The resolution is 3 m.", "a resolution of 3 m"),
        ("Two aircraft are visible.", "the annotation 0"),
        ("The ships are in the lower right.", "the annotation 0 of 2"),
        ("No ships are visible.", "the text denies ship, which is annotated"),
        ("No bridges are visible.", "the source does not annotate every bridge"),
        ("A single harbor.", "no other harbor"),
        ("The ships are lined up in a row.", "row"),
        ("The ships are scattered across the image.", "scattered"),
        ("The ships are about 100 m long.", "no pixel spacing"),
        ("Two ships lie near the bridge.", "lacks boxes"),
        ("Water covers about half of the image.", "no land-cover map"),
        ("Several ships.", "3..9"),
    ],
)
def test_false_of_ships(text: str, why: str) -> None:
    problems = check(text, SHIPS, exhaustive={"ship"})
    assert any(why in problem for problem in problems), problems


@pytest.mark.parametrize(
    ("text", "true"),
    [
        ("Water dominates the image.", True), ("An image dominated by trees.", False),
        ("Water covers about 60% of the mapped area, and trees about 40%.", True),
        ("Water covers about a third.", False),
        ("Trees border the water.", True), ("Trees border the buildings.", False),
        ("Water appears in two separate patches.", True), ("Water appears in four separate patches.", False),
        ("Water fills most of the left third.", True), ("Water fills most of the right third.", False),
        ("Water fills most of the left half.", False),  # a 3×3 grid cannot tell
        ("Water and trees are visible.", True), ("Roads are visible.", False), ("No roads are visible.", False),
        ("Three trees are visible.", False),  # a map counts no objects
    ],
)  # fmt: skip
def test_of_a_map(text: str, true: bool) -> None:
    assert (check(text, MAP, exhaustive=()) == []) == true


def test_denial_needs_an_exhaustive_source_or_its_rest_class() -> None:
    empty = record(boxes=[])
    assert check("No aircraft.", empty, exhaustive=()) != []
    assert check("No aircraft.", empty, exhaustive={"a220", "boeing737"}) != []
    assert check("No aircraft.", empty, exhaustive={"a220", "other_aircraft"}) == []
    assert check("No A330 aircraft.", empty, exhaustive={"aircraft"}) == []
    assert check("No ships.", record(), exhaustive={"ship"}) != []  # nothing is annotated at all


def test_wider_classes_hold_and_other_tanks_do_not() -> None:
    chip = record(label="t72")
    for text in ("A T-72 tank.", "A military vehicle.", "One vehicle.", "A tank."):
        assert check(text, chip, exhaustive=()) == [], text
    for text in ("A storage tank.", "A T-62 tank.", "Two vehicles.", "A truck.", "No vehicles."):
        assert check(text, chip, exhaustive={"vehicle"}) != [], text


def test_captions_of_the_source_itself_are_annotation() -> None:
    row = record(captions=["Five planes on a green field."])
    assert check("Five planes on a green field.", row, exhaustive=()) == []
    assert check("Six planes on a green field.", row, exhaustive=()) != []


def test_a_size_needs_a_box_that_shows_it() -> None:
    spacing = {"pixel_spacing_x_m": 2.0, "pixel_spacing_y_m": 2.0}
    text = "The ship is about 100 m long."
    assert check(text, record(boxes=[box("ship", 50, 50, 50, 10)], **spacing), exhaustive=()) == []
    assert check(text, record(boxes=[box("ship", 50, 50, 50, 40)], **spacing), exhaustive=()) != []  # may be inclined
    assert check(text, record(boxes=[box("ship", 50, 50, 50, 40, 30.0)], **spacing), exhaustive=()) == []
    assert check(text, record(boxes=[box("ship", 0, 50, 50, 10)], **spacing), exhaustive=()) != []  # cut by the edge


@pytest.mark.parametrize(
    ("text", "colours"),
    [
        ("A red ship on BLUE water, olive-green fields", ["red", "blue", "olive-green"]),
        ("The Mediterranean, scattered and bordered, Greenland, evergreen, whitecaps, a tanker, a blackout", []),
        ("Bright ships on dark water, a greyscale image", []),
        ("An orange roof near orange trees by the Red Sea and the Golden Gate", ["orange"]),
        ("white planes, greyish roofs, golden sand, colourful houses", ["white", "greyish", "golden", "colourful"]),
    ],
)
def test_colour_words(text: str, colours: list[str]) -> None:
    assert colour_words(text) == colours
