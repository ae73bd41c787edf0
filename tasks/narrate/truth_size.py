"""Is it true of size and heading? From what the source states of each object, else from box and pixel spacing."""

from tasks.narrate import words
from tasks.narrate.judging import Box, Judge, Problem, Record, bounds, boxes_of, contradicted, lacking, undecided
from tasks.narrate.outlines import corners, hull
from tasks.narrate.words import Claim

LONG = 2.0  # an upright box at least this many times as long as wide shows its object's length
ROUND = 1.3
HEADING_OFF_DEG = 10.0


def _size(claim: Claim, record: Record, exhaustive: frozenset[str]) -> Problem | None:
    name = claim.subject
    boxes = boxes_of(name, record)
    if not boxes:
        text = f"the text gives a size of {name}, but the record has no boxes"
        return lacking(name, record, exhaustive, text=text)
    stated_m = [box.get(f"{claim.kind}_m") for box in boxes]
    sizes_m = [size_m for size_m in stated_m if size_m is not None]
    if len(sizes_m) < len(boxes):
        if claim.kind == "width":
            return undecided(f"the text gives a width of {name}, which the source does not state")
        measured = _measured_m(claim, boxes, record)
        if isinstance(measured, Problem):
            return measured
        sizes_m = measured
    low_m, high_m = bounds(claim.value)
    tolerance = words.lexicon().size_tolerance
    least_m, greatest_m = min(sizes_m), max(sizes_m)
    if abs(low_m - least_m) <= tolerance * least_m and abs(high_m - greatest_m) <= tolerance * greatest_m:
        return None
    return contradicted(f"the text says {claim.value} m of {name}, the annotation {least_m:.0f} to {greatest_m:.0f} m")


def _measured_m(claim: Claim, boxes: list[Box], record: Record) -> list[float] | Problem:
    """The length or diameter of each box in metres, or why one of them shows none."""
    name, dx_m, dy_m = claim.subject, record["pixel_spacing_x_m"], record["pixel_spacing_y_m"]
    if not dx_m or not dy_m:
        return undecided(f"the text gives a size of {name}, but the record has no pixel spacing")
    sizes_m = []
    for box in boxes:
        left, top, right, bottom = hull(box)
        if left < 0.5 or top < 0.5 or right > record["width_px"] - 0.5 or bottom > record["height_px"] - 0.5:
            return undecided(f"the text gives a size of {name}, but the image's edge cuts it")
        one, two, three, _ = (complex(corner.real * dx_m, corner.imag * dy_m) for corner in corners(box))
        short_m, long_m = sorted((abs(one - two), abs(two - three)))
        if claim.kind == "length" and box["angle_deg"] is None and long_m < LONG * short_m:
            return undecided(f"the box of a {name} is too square to tell its length")
        if claim.kind == "diameter" and long_m > ROUND * short_m:
            return undecided(f"the box of a {name} is not square, so it has no diameter")
        sizes_m.append(long_m if claim.kind == "length" else (short_m + long_m) / 2)
    return sizes_m


def _heading(claim: Claim, record: Record, exhaustive: frozenset[str]) -> Problem | None:
    name = claim.subject
    boxes = boxes_of(name, record)
    if not boxes:
        return lacking(name, record, exhaustive, text=f"the text gives a heading of {name}, which has no boxes")
    headings_deg = [box.get("heading_deg") for box in boxes]
    if len(headings_deg) > 1 or headings_deg[0] is None:
        return undecided(f"the text gives a heading of {name}, the source none of a single one")
    off_deg = abs((float(claim.value) - headings_deg[0] + 180) % 360 - 180)
    if off_deg <= HEADING_OFF_DEG + 1e-6:
        return None
    return contradicted(f"the text says a heading of {claim.value} degrees of {name}, the source {headings_deg[0]:.0f}")


JUDGES: dict[str, Judge] = {
    "length": _size,
    "width": _size,
    "diameter": _size,
    "heading": _heading,
}
