"""Is it true of the land cover? From the regions of a mask: shares, the 3×3 grid, connected parts, neighbours."""

import math

from tasks.narrate import words
from tasks.narrate.judging import (
    Judge,
    Problem,
    Record,
    bounds,
    contradicted,
    count_bounds,
    may_be_more,
    regions_of,
    undecided,
)
from tasks.narrate.words import Claim

DOMINANT = 0.4
SHORE_SHARE, SHORE_LARGEST = 0.10, 0.80  # of the mapped area; of all water
PATCHWORK_CLASSES, PATCHWORK_SHARE, PATCHWORK_MOST, PATCHWORK_PARTS = 4, 0.05, 0.40, 8
ROUNDING = 1e-9


def _no_map(claim: Claim) -> Problem:
    return undecided(f"the text says of {claim.subject}: {claim.kind}, but the record has no land-cover map")


def _area(name: str, record: Record) -> float:
    return math.fsum(region["fraction"] for region in regions_of(name, record))


def _share(claim: Claim, record: Record, exhaustive: frozenset[str]) -> Problem | None:
    if not record["regions"]:
        return undecided(f"the text gives a share of {claim.subject}, but the record has no land-cover map")
    share = _area(claim.subject, record)
    low, high = bounds(claim.value)
    if share > 0 and low - ROUNDING <= share <= high + ROUNDING:
        return None
    text = f"the text gives {claim.subject} a share of {claim.value}, the map {share:.3f}"
    return Problem(text, share > 0 or not may_be_more(claim.subject, record, exhaustive))


def _part(claim: Claim, record: Record, exhaustive: frozenset[str]) -> Problem | None:
    if not record["regions"]:
        return _no_map(claim)
    value, _, wider = claim.value.partition(" ")
    whole, part = _area(wider, record), _area(claim.subject, record)
    low, high = bounds(value)
    if part > 0 and whole * (low - ROUNDING) <= part <= whole * (high + ROUNDING):
        return None
    text = f"the text gives {claim.subject} {value} of the area of {wider}, the map {part:.3f} of {whole:.3f}"
    return Problem(text, part > 0 or not may_be_more(claim.subject, record, exhaustive))


def _fills(claim: Claim, record: Record, exhaustive: frozenset[str]) -> Problem | None:
    if not record["regions"]:
        return _no_map(claim)
    compass = words.lexicon().compass.get(claim.value)
    if compass and record["bounds"] is None:
        return undecided(f"the text says which part {claim.subject} fills by compass, in an image without bounds")
    place = compass.place if compass else claim.value
    if place.endswith("half"):
        return undecided(f"the map has no halves, of which the text says that {claim.subject} fills one")
    rows, columns = [0, 1, 2], [0, 1, 2]
    for word in place.split():
        rows = {"upper": [0], "lower": [2]}.get(word, rows)
        columns = {"left": [0], "right": [2]}.get(word, columns)
    if "third" not in place:
        rows = rows if len(rows) == 1 else [1]
        columns = columns if len(columns) == 1 else [1]
    regions = regions_of(claim.subject, record)
    shares = [sum(region["grid"][3 * row + column] or 0 for region in regions) for row in rows for column in columns]
    if sum(shares) > 0.5 * len(shares):
        return None
    text = f"{claim.subject} does not fill most of the {claim.value}"
    return Problem(text, bool(regions) or not may_be_more(claim.subject, record, exhaustive))


def _dominant(claim: Claim, record: Record, exhaustive: frozenset[str]) -> Problem | None:
    if not record["regions"]:
        return _no_map(claim)
    shares = {region["class"]: region["fraction"] for region in record["regions"]}
    top = max(shares, key=lambda name: shares[name])
    if claim.subject in words.kinds(top) and shares[top] >= DOMINANT:
        return None
    return contradicted(f"the text says that {claim.subject} dominates, the map {top}")


def _adjacent(claim: Claim, record: Record, exhaustive: frozenset[str]) -> Problem | None:
    if not record["regions"]:
        return _no_map(claim)
    pair = {claim.subject, claim.value}
    for region in record["regions"]:
        if any({region["class"], other} == pair for other in region["adjacent"]):
            return None
    settled = all(regions_of(name, record) or not may_be_more(name, record, exhaustive) for name in sorted(pair))
    return Problem(f"the text says that {claim.subject} borders {claim.value}, the map does not", settled)


def _patches(claim: Claim, record: Record, exhaustive: frozenset[str]) -> Problem | None:
    if not record["regions"]:
        return _no_map(claim)
    regions = regions_of(claim.subject, record)
    number = sum(region["components"] for region in regions)
    low, high = count_bounds(claim.value)
    if number and low <= number <= high:
        return None
    text = f"{claim.subject} has {number} patches, the text {claim.value}"
    return Problem(text, bool(regions) or not may_be_more(claim.subject, record, exhaustive))


def _crosses(claim: Claim, record: Record, exhaustive: frozenset[str]) -> Problem | None:
    if not record["regions"]:
        return _no_map(claim)
    regions = regions_of(claim.subject, record)
    if any(claim.value in (region["crosses"] or ()) for region in regions):
        return None
    text = f"the text says that {claim.subject} crosses the image {claim.value}, the map does not"
    return Problem(text, bool(regions) or not may_be_more(claim.subject, record, exhaustive))


def _shore(claim: Claim, record: Record, exhaustive: frozenset[str]) -> Problem | None:
    if not record["regions"]:
        return _no_map(claim)
    water = regions_of("water", record)
    share = math.fsum(region["fraction"] for region in water)
    rest = math.fsum(region["fraction"] for region in record["regions"]) - share
    meets_land = any("water" not in words.kinds(other) for region in water for other in region["adjacent"])
    if (
        min(share, rest) >= SHORE_SHARE - ROUNDING
        and max(region["largest_fraction"] for region in water) >= SHORE_LARGEST * share - ROUNDING
        and meets_land
    ):
        return None
    text = f"the text says that there is a shore, the map has a share of {share:.3f} of water, not along one line"
    return Problem(text, share > 0 or not may_be_more("water", record, exhaustive))


def _patchwork(claim: Claim, record: Record, exhaustive: frozenset[str]) -> Problem | None:
    if not record["regions"]:
        return _no_map(claim)
    named = [region for region in record["regions"] if not words.noun(region["class"]).silent]
    large = [region for region in named if region["fraction"] >= PATCHWORK_SHARE - ROUNDING]
    most = max(region["fraction"] for region in record["regions"])
    parts = sum(region["components"] for region in large)
    if len(large) >= PATCHWORK_CLASSES and most <= PATCHWORK_MOST + ROUNDING and parts >= PATCHWORK_PARTS:
        return None
    return contradicted(
        f"the text calls the land cover a patchwork, the map has {len(large)} classes in {parts} parts, "
        f"the largest with a share of {most:.3f}"
    )


JUDGES: dict[str, Judge] = {
    "share": _share,
    "part": _part,
    "fills": _fills,
    "dominant": _dominant,
    "adjacent": _adjacent,
    "patches": _patches,
    "crosses": _crosses,
    "shore": _shore,
    "patchwork": _patchwork,
}
