"""Whatever the annotation: every caption is true, every stored claim can be read back, and the English holds."""

import re
from collections import Counter
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from narrate_cases import AIRCRAFT, COVERS, THINGS, VEHICLES, box, random_exhaustive, random_record, record, region

from tasks.narrate import truth
from tasks.narrate.claims import Claim, check, colour_words, read_claims
from tasks.narrate.compose import Caption, narrate
from tasks.narrate.score import objects
from tasks.params import Narrate

PARAMS = Narrate(captions_per_image=5, questions_per_image=0, seed=7)
SLIPS = re.compile(
    r"[{}]|\s\s|\s[.,]|\.\.|aircrafts|\b(\w+) \1\b|(?<![-\w])one \w+s are\b"
    r"|\b[Tt]here are (?:one|an?)\b(?! (?:few|pair|number|dozen|small|large|trio|quartet|good|great|multitude|host"
    r"|couple|lot|fair|modest|considerable|sizable|quintet)\b)"
    r"|\b[Tt]here is (?:two|three|four|many|several|\d)"
    r"|\b[Aa] (?:[aeiou]|A\d|ARJ|X-|L-|S-b|HH|HV|ALOS|AIRSAR)"
    r"|\b[Aa]n (?:[bcdfgjkpqtvwyz]|SAR|Boeing|T-|C-|VV|VH|syn)"
)


def assert_right(row: dict, exhaustive: frozenset[str], captions: list[Caption]) -> None:
    texts = [caption.text for caption in captions]
    assert len(set(texts)) == len(texts) <= PARAMS.captions_per_image
    for caption in captions:
        assert check(caption.text, row, exhaustive=exhaustive) == [], caption.text
        assert set(caption.claims) <= set(read_claims(caption.text)), caption.text
        assert not unclaimed(caption), (caption, unclaimed(caption))
        assert caption.claims, caption.text
        assert re.match(r"[A-Z]|\d{3}|2S1", caption.text), caption.text
        assert caption.text.endswith("."), caption.text
        assert not SLIPS.search(caption.text), caption.text
        assert not colour_words(caption.text), caption.text
        assert "simulated" not in caption.text, caption.text


def unclaimed(caption: Caption) -> list[Claim]:
    """What is read of a caption beyond what it claims, less what follows from its claims: a class that it relates,
    places or measures is there, and "the harbor" that it lies near is one."""
    named = objects(caption.claims)
    single = {claim.value.split(" ")[-1] for claim in caption.claims if claim.kind in ("near", "side_of")}
    follows = {Claim("count", name, value) for name in named for value in ("some", "any")}
    follows |= {Claim("count", name, "1") for name in single}
    return [claim for claim in read_claims(caption.text) if claim not in {*caption.claims, *follows}]


@pytest.mark.parametrize("seed", range(8))
def test_random_annotations(seed: int) -> None:
    """10,000 annotations in all: every claim of every caption is read back, nothing else is, and all of it is true."""
    rng = Random(seed)
    kinds: Counter[str] = Counter()
    for number in range(1250):
        row, exhaustive = random_record(rng, number), random_exhaustive(rng)
        params = replace(PARAMS, captions_per_image=rng.choice([1, 1, 2, 5]))
        captions = narrate(row, exhaustive=exhaustive, params=params)
        assert_right(row, exhaustive, captions)
        kinds.update(claim.kind for caption in captions for claim in caption.claims)
    assert set(truth.KINDS) - {"diameter", "shore"} <= kinds.keys(), set(truth.KINDS) - kinds.keys()
    assert kinds.total() > 8_000


COORDINATE = st.one_of(st.integers(0, 240), st.floats(0, 240, allow_nan=False))
SIDE = st.one_of(st.integers(1, 200), st.floats(0.5, 200, allow_nan=False))
BOXES = st.lists(
    st.builds(
        box,
        st.sampled_from(["ship", "ship", "ship", "harbor", "t72", "a330", "other_aircraft", "storage_tank"]),
        COORDINATE, COORDINATE, SIDE, SIDE, st.one_of(st.none(), st.floats(0, 180, exclude_max=True)),
        heading_deg=st.none() | st.floats(0, 360, exclude_max=True),
        length_m=st.none() | st.floats(5, 400), width_m=st.none() | st.floats(2, 60),
    ),
    max_size=14,
)  # fmt: skip
REGIONS = st.lists(
    st.builds(
        region,
        st.sampled_from(COVERS), st.floats(0, 1), st.lists(st.floats(0, 1), min_size=9, max_size=9), st.integers(0, 20),
        st.lists(st.sampled_from(COVERS), max_size=3, unique=True).map(tuple),
        largest=st.floats(0.1, 1), crosses=st.sampled_from([(), ("left-right",), ("left-right", "top-bottom")]),
    ),
    max_size=5,
    unique_by=lambda row: row["class"],
)  # fmt: skip


@settings(max_examples=500, deadline=None, derandomize=True, database=None)
@given(
    boxes=st.none() | BOXES,
    regions=st.none() | REGIONS,
    label=st.none() | st.sampled_from(VEHICLES),
    size=st.sampled_from([(256, 256), (300, 255), (768, 96)]),
    spacing_m=st.none() | st.floats(0.1, 50),
    exhaustive=st.frozensets(st.sampled_from(THINGS + AIRCRAFT + COVERS), max_size=5),
    north=st.booleans(),
    seed=st.integers(0, 99),
)
def test_any_annotation(boxes, regions, label, size, spacing_m, exhaustive, north, seed) -> None:
    row = record(boxes=boxes, regions=regions, label=label, width_px=size[0], height_px=size[1],
                 pixel_spacing_x_m=spacing_m, pixel_spacing_y_m=spacing_m, record_id=f"any/{seed}",
                 bounds=[0.0, 0.0, 1.0, 1.0] if north else None)  # fmt: skip
    assert_right(row, exhaustive, narrate(row, exhaustive=exhaustive, params=PARAMS))


def test_borderlines_between_places_are_never_stated() -> None:
    """Centers on and beside every border of the grid, one pixel hundredth at a time."""
    for border in (256 / 3, 128, 512 / 3):
        for step in range(-60, 61):
            row = record(boxes=[box("ship", border + step / 40 - 10, 40)])
            captions = narrate(row, exhaustive=frozenset(), params=PARAMS)
            assert_right(row, frozenset(), captions)
            if abs(step) < 40 and border != 128:  # less than a pixel from the border
                assert not any(word in caption.text for caption in captions for word in ("upper left", "upper right"))
