"""Reading text by any hand, and holding it against the raw annotation."""

import json
from pathlib import Path

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
        ("Water covers around forty percent, trees four percent and roads less than one percent of the mapped area.",
         [("share", "water", "0.370..0.430"), ("share", "tree", "0.030..0.050"), ("share", "road", "0.000..0.010")]),
        ("At a glance, both aircraft can be seen in the upper half.",
         [("place", "aircraft", "all@upper half"), ("count", "aircraft", "any")]),
        ("Most of the image is covered by water.", [("share", "water", "0.500..1.000")]),
        ("Most of the left third is water.", [("fills", "water", "left third")]),
        ("A 120 m long ship", [("length", "ship", "120")]),
        ("The ships are about 60 to 180 m long.", [("length", "ship", "60..180")]),
        ("The image has a resolution of 1.3 m.", [("resolution", "image", "1.3")]),
        ("The image has 1.3 m resolution.", [("resolution", "image", "1.3")]),
        ("A radar snapshot of a wooded landscape with two ships.",
         [("dominant", "tree", "yes"), ("count", "tree", "any"), ("count", "ship", "2")]),
        ("Grass gives way to bare land. Woodland backs onto the roads.",
         [("adjacent", "bareland", "grass"), ("adjacent", "road", "tree")]),
        ("The bulk of the left third is water.", [("fills", "water", "left third")]),
        ("A waterway threads through the image from side to side.", [("crosses", "water", "left-right")]),
        ("A trio of T-72 main battle tanks abreast.", [("count", "t72", "3"), ("arrangement", "t72", "side_by_side")]),
        ("Two ZSU-23-4 Shilkas and a Boeing 787 Dreamliner.", [("count", "zsu234", "2"), ("count", "boeing787", "1")]),
        ("a row of four storage tanks", [("arrangement", "storage_tank", "row"), ("count", "storage_tank", "4")]),
        ("A T72 tank and an oil tank", [("count", "t72", "1"), ("count", "storage_tank", "1")]),
        ("A Boeing 737 aircraft", [("count", "boeing737", "1")]),
        ("All ships are oriented diagonally from the lower left to the upper right.", [("axis", "ship", "rising")]),
        ("The four ships are parallel to one another, side by side.",
         [("aligned", "ship", "yes"), ("arrangement", "ship", "side_by_side"), ("count", "ship", "4")]),
        ("A convoy of three ships on a course of 45 degrees.",
         [("arrangement", "ship", "convoy"), ("heading", "ship", "045"), ("count", "ship", "3")]),
        ("The ship is 120 m long and 20 m wide, heading 355°.",
         [("length", "ship", "120"), ("width", "ship", "20"), ("heading", "ship", "355")]),
        ("The cars are densely packed. The tanks are far apart and evenly distributed.",
         [("density", "vehicle", "dense"), ("density", "military_tank", "sparse"),
          ("arrangement", "military_tank", "even")]),
        ("Two of the ships lie to the left of the harbor.",
         [("side_of", "ship", "2 left harbor"), ("count", "harbor", "1")]),
        ("Below the bridge, there are two ships.", [("side_of", "ship", "2 below bridge"), ("count", "bridge", "1")]),
        ("Next to the road is an industrial area.", [("near", "industrial_area", "1 road"), ("count", "road", "1")]),
        ("Ships lie on the left of the image.", [("place", "ship", "some@left half")]),
        ("A harbor in the north-west, ships in the southern half.",
         [("compass", "harbor", "1@north-west"), ("compass", "ship", "some@southern half")]),
        ("A river runs through the image from left to right.",
         [("crosses", "water", "left-right"), ("count", "water", "any")]),
        ("Crossing the image from top to bottom, a road is visible.", [("crosses", "road", "top-bottom")]),
        ("A shoreline divides a patchwork of cropland and trees from the sea.",
         [("shore", "image", "yes"), ("patchwork", "image", "yes"), ("count", "cropland", "any"),
          ("count", "water", "any")]),
        ("Trees make up about 30% of the area of all vegetation.", [("part", "tree", "0.270..0.330 vegetation")]),
        ("Most of the north-west is water.", [("fills", "water", "north-west")]),
        ("Three ponds lie in a forest.", [("count", "water", "any"), ("count", "tree", "any")]),
        ("Lots of houses stand along the streets.", [("near", "building", "10.. road"), ("count", "road", "some")]),
        ("Some green fields are planted with trees.", [("count", "tree", "some")]),  # some fields, not some trees
        ("Cars are in two sides of a road.", [("count", "road", "1"), ("count", "vehicle", "some")]),
        ("In the middle of the harbor lie two ships.", [("count", "ship", "2"), ("count", "harbor", "1")]),
        ("Two ships lie near other ships.", [("near", "ship", "2 ship"), ("count", "ship", "some")]),
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
    ("text", "kinds"),
    [
        ("In the middle of the harbor lie two ships.", {"count"}),  # no place of the image
        ("A harbor seen from above with ships.", {"count"}),
        ("There are no forests.", {"count"}),
        ("About 30% of the area of all buildings is damaged.", {"count"}),  # a share of what is not known here
        ("Cars parked from left to right.", {"count"}),  # nothing crosses
        ("The road beside which cars are parked.", {"count"}),
        ("A stretch of water lies beside a built-up place.", {"count"}),  # not all of the image is called so
        ("A mixture of houses and trees.", {"count"}),  # no patchwork of at least four classes
    ],
)
def test_nothing_is_read_that_is_not_said(text: str, kinds: set[str]) -> None:
    assert {claim.kind for claim in read_claims(text)} == kinds


def test_golden_claims_are_those_that_a_person_read() -> None:
    """Captions with all that they claim, compared by eye; after a change that is meant, compare and store again."""
    golden = json.loads(Path(__file__).with_name("golden_claims.json").read_text(encoding="utf-8"))
    assert {text: [" | ".join(claim) for claim in read_claims(text)] for text in golden} == golden
    assert len(golden) >= 40


def test_equal_texts_are_read_once_and_their_claims_are_no_one_elses() -> None:
    read_claims("Two ships.").clear()
    assert read_claims("Two ships.") == [("count", "ship", "2")]


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


def test_sizes_that_the_source_states_go_before_measured_ones() -> None:
    stated = box("ship", 50, 50, 50, 40) | {"length_m": 120.0, "width_m": 20.0, "heading_deg": 352.0}
    row = record(boxes=[stated], pixel_spacing_x_m=2.0, pixel_spacing_y_m=2.0)
    for text in ("The ship is about 120 m long.", "It is a ship, 20 m wide.", "A ship with a heading of 0 degrees.",
                 "A ship with a heading of 345 degrees.", "The ship is heading 2°."):  # fmt: skip
        assert check(text, row, exhaustive=()) == [], text
    for text in (
        "The ship is about 100 m long.",
        "A ship, 40 m wide.",
        "The ship is heading 3°.",
        "A ship heading 172°.",
    ):
        assert check(text, row, exhaustive=()) != [], text
    plain = record(boxes=[box("ship", 50, 50, 50, 10)], pixel_spacing_x_m=2.0, pixel_spacing_y_m=2.0)
    assert check("The ship is 20 m wide.", plain, exhaustive=()) != []  # widths are never measured


QUAY = [box("ship", 100, 60 + 12 * n, 40, 8, 5.0) for n in range(4)]  # abreast, a little inclined
LINE = [box("ship", 20 + 55 * n, 100, 40, 8, 0.0) for n in range(4)]  # one behind the other
GRID = [box("storage_tank", 30 + 60 * (n % 4), 30 + 60 * (n // 4), 10, 10) for n in range(16)]
LOT = [box("vehicle", 100 + 9 * (n % 5), 100 + 9 * (n // 5), 5, 5) for n in range(25)]


@pytest.mark.parametrize(
    ("text", "boxes", "true"),
    [
        ("The ships lie side by side.", QUAY, True), ("The ships lie side by side.", LINE, False),
        ("A convoy of four ships.", LINE, True), ("A convoy of four ships.", QUAY, False),
        ("The ships are parallel to one another.", QUAY, True),
        ("The ships are parallel to one another.", [*QUAY, box("ship", 200, 200, 40, 8, 35.0)], False),
        ("The ships are parallel to one another.", [box("ship", 20, 20, 40, 8), box("ship", 20, 60, 40, 8)], False),
        ("All ships are oriented horizontally.", QUAY, True), ("All ships are oriented vertically.", QUAY, False),
        ("The ship is oriented horizontally.", [box("ship", 90, 90, 8, 40, 92.0)], True),  # the long side counts
        ("The ship is oriented horizontally.", [box("ship", 90, 90, 40, 30, 0.0)], False),  # too square
        ("The storage tanks are evenly spread across the image.", GRID, True),
        ("The storage tanks are evenly spread across the image.", GRID[:4], False),
        ("The vehicles are evenly spread across the image.", LOT, False),
        ("The vehicles are densely packed.", LOT, True), ("The storage tanks are densely packed.", GRID, False),
        ("The ships are far apart.", [box("ship", 10, 10), box("ship", 200, 200)], True),
        ("The ships are far apart.", QUAY, False),
        ("The ships lie to the right of the harbor.", [*QUAY, box("harbor", 10, 60, 60, 60)], True),
        ("The ships lie to the left of the harbor.", [*QUAY, box("harbor", 10, 60, 60, 60)], False),
        ("Four ships lie below the harbor.", [*QUAY, box("harbor", 10, 10, 60, 30)], True),
        ("Two ships lie above the harbor.", [*QUAY, box("harbor", 10, 84, 60, 3)], True),
        ("The ships lie to the right of a harbor.", [*QUAY, box("harbor", 10, 60), box("harbor", 10, 90)], False),
    ],
)  # fmt: skip
def test_layout(text: str, boxes: list[dict], true: bool) -> None:
    row = record(boxes=[one | {"heading_deg": None, "length_m": None, "width_m": None} for one in boxes])
    problems = check(text, row, exhaustive={"ship", "harbor", "vehicle", "storage_tank"})
    assert (problems == []) == true, problems


def test_compass_words_need_a_georeferenced_image() -> None:
    text, boxes = "The ship lies in the north-west.", [box("ship", 20, 20)]
    assert check(text, record(boxes=boxes, bounds=[0.0, 0.0, 1.0, 1.0]), exhaustive=()) == []
    assert check(text, record(boxes=[box("ship", 220, 20)], bounds=[0.0, 0.0, 1.0, 1.0]), exhaustive=()) != []
    assert check(text, record(boxes=boxes), exhaustive=()) != []


COAST = [
    region("water", 0.5, [0.5] * 9, 3, ("bareland",)) | {"largest_fraction": 0.45, "crosses": ["left-right"]},
    region("bareland", 0.5, [0.5] * 9, 1, ("water",)) | {"crosses": []},
]
FIELDS = [region(name, 0.2, [0.2] * 9, 2) | {"crosses": []} for name in ("grass", "tree", "road", "cropland", "water")]


@pytest.mark.parametrize(
    ("text", "regions", "true"),
    [
        ("A shoreline is visible.", COAST, True),
        ("A shoreline is visible.", FIELDS, False),  # water borders nothing
        ("A shoreline is visible.", [COAST[0] | {"largest_fraction": 0.3}, COAST[1]], False),  # in two lakes
        ("A river crosses the image from left to right.", COAST, True),
        ("A river crosses the image from top to bottom.", COAST, False),
        ("A patchwork of fields.", FIELDS, True), ("A patchwork of fields.", COAST, False),
        ("A patchwork of fields.", [one | {"components": 1} for one in FIELDS], False),
        ("Trees make up about half of the area of all trees.", FIELDS, False),
        ("Trees make up nearly all of the area of all trees.", FIELDS, True),
    ],
)  # fmt: skip
def test_structure_of_a_map(text: str, regions: list[dict], true: bool) -> None:
    problems = check(text, record(regions=regions), exhaustive=())
    assert (problems == []) == true, problems


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
