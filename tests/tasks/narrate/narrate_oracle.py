"""A third statement of what claims mean, as plain as can be, from docs/captions.md: angles in degrees, and loops.

`false` says whether the annotation contradicts a claim, or holds nothing of what it is about. Where a definition leaves
the last digit open (which line a row lies along), only what is false in every reading is false here.
"""

from itertools import combinations, pairwise
from math import atan2, cos, degrees, dist, inf, pi, sin, sqrt
from typing import Any

from tasks.narrate import words
from tasks.narrate.words import Claim

Row = dict[str, Any]
LINES = 40  # lines that a row is tried along, the longest first
SLACK = 1e-6


def objects(name: str, row: Row) -> list[Row]:
    return [box for box in row["boxes"] or [] if name in words.kinds(box["class"])]


def covers(name: str, row: Row) -> list[Row]:
    return [
        region for region in row["regions"] or [] if name in words.kinds(region["class"]) and region["fraction"] > 0
    ]


def middle(box: Row) -> tuple[float, float]:
    return box["x"] + box["w"] / 2, box["y"] + box["h"] / 2


def outline(box: Row) -> list[tuple[float, float]]:
    """Corners of a box turned clockwise about its center."""
    (x, y), angle = middle(box), (box["angle_deg"] or 0) * pi / 180
    found = []
    for along, across in ((-1, -1), (1, -1), (1, 1), (-1, 1)):
        dx, dy = along * box["w"] / 2, across * box["h"] / 2
        found.append((x + dx * cos(angle) - dy * sin(angle), y + dx * sin(angle) + dy * cos(angle)))
    return found


def sides_of(box: Row) -> tuple[float, float, float, float]:
    xs, ys = zip(*outline(box), strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def axis_deg(box: Row) -> float | None:
    """0..180 clockwise from the image's right; none where the box has no angle or is too square."""
    if box["angle_deg"] is None or max(box["w"], box["h"]) < 1.5 * min(box["w"], box["h"]):
        return None
    return (box["angle_deg"] + (90 if box["h"] > box["w"] else 0)) % 180


def turn_deg(a: float, b: float) -> float:
    """Between two axes, 0..90."""
    return min((a - b) % 180, (b - a) % 180)


def in_place(box: Row, place: str, row: Row) -> bool:
    x, y = middle(box)
    u, v = x / row["width_px"], y / row["height_px"]
    if "half" in place:
        return {"left": u <= 0.5, "right": u >= 0.5, "upper": v <= 0.5, "lower": v >= 0.5}[place.split()[0]]
    if "third" in place:
        return {"left": u <= 1 / 3, "right": u >= 2 / 3, "upper": v <= 1 / 3, "lower": v >= 2 / 3}[place.split()[0]]
    column, line = ["left", "center", "right"][min(int(3 * u), 2)], ["upper", "middle", "lower"][min(int(3 * v), 2)]
    return place == ("center" if (line, column) == ("middle", "center") else f"{line} {column}")


def limits(value: str) -> tuple[float, float]:
    if value in ("some", "any"):
        return (2 if value == "some" else 1), inf
    low, dots, high = value.partition("..")
    return float(low), float(high) if high else inf if dots else float(low)


def wrong_number(who: str, number: int, total: int) -> bool:
    if who == "all":
        return number < total
    if who == "most":
        return 2 * number <= total
    low, high = limits(who if who != "some" else "any")
    return not low <= number <= high


def false(claim: Claim, row: Row) -> bool:
    """Whether the annotation contradicts the claim or has nothing to support it."""
    name, value = claim.subject, claim.value
    boxes, areas = objects(name, row), covers(name, row)
    labelled = row["label"] is not None and name in words.kinds(row["label"])
    match claim.kind:
        case "count":
            if value == "0":
                return bool(boxes or areas or labelled)
            low, high = limits(value)
            if areas and not boxes:
                return value not in ("some", "any")
            return not low <= (len(boxes) or int(labelled)) <= high
        case "place" | "compass":
            who, _, place = value.partition("@")
            if claim.kind == "compass":
                if row["bounds"] is None:
                    return True
                place = words.lexicon().compass[place].place
            return not boxes or wrong_number(who, sum(in_place(box, place, row) for box in boxes), len(boxes))
        case "near" | "side_of":
            return not boxes or false_relation(claim, boxes, row)
        case "arrangement":
            return not boxes or not FORMS[value](boxes, row)
        case "density":
            gaps = gaps_px(boxes)
            diagonal = dist((0, 0), (row["width_px"], row["height_px"]))
            if value == "dense":
                return len(boxes) < 15 or median(gaps) > 0.05 * diagonal + SLACK
            return not 2 <= len(boxes) <= 6 or min(gaps) < 0.2 * diagonal - SLACK
        case "axis":
            wanted = {"horizontal": 0, "falling": 45, "vertical": 90, "rising": 135}[value]
            axes = [axis_deg(box) for box in boxes]
            return not boxes or any(axis is None or turn_deg(axis, wanted) > 22.5 + SLACK for axis in axes)
        case "aligned":
            return len(boxes) < 2 or not parallel(boxes)
        case "heading":
            if len(boxes) != 1 or boxes[0]["heading_deg"] is None:
                return True
            off = abs(float(value) - boxes[0]["heading_deg"]) % 360
            return min(off, 360 - off) > 10 + SLACK
        case "length" | "width" | "diameter":
            sizes = sizes_m(claim.kind, boxes, row)
            low, high = limits(value)
            return (
                not sizes
                or abs(low - min(sizes)) > 0.15 * min(sizes) + SLACK
                or abs(high - max(sizes)) > 0.15 * max(sizes) + SLACK
            )
        case "modality" | "sensor" | "band" | "polarization":
            return row[claim.kind] != value
        case "resolution":
            return row["resolution_m"] is None or abs(float(value) / row["resolution_m"] - 1) > 0.02
        case "only":
            return False  # a matter of the source, not of the annotation
        case _:
            return not row["regions"] or false_cover(claim, areas, row)


def false_relation(claim: Claim, boxes: list[Row], row: Row) -> bool:
    who, *side, landmark = claim.value.split(" ")
    marks = objects(landmark, row)
    if claim.kind == "side_of":
        if len(marks) != 1:
            return True
        left, top, right, bottom = sides_of(marks[0])
        beyond = {"left": lambda box: box[2] <= left, "right": lambda box: box[0] >= right,
                  "above": lambda box: box[3] <= top, "below": lambda box: box[1] >= bottom}[side[0]]  # fmt: skip
        return wrong_number(who, sum(beyond(sides_of(box)) for box in boxes), len(boxes))
    limit = 0.12 * dist((0, 0), (row["width_px"], row["height_px"]))
    number = 0
    for box in boxes:
        a = sides_of(box)
        for mark in marks:
            b = sides_of(mark)
            gap = dist((0, 0), (max(0, a[0] - b[2], b[0] - a[2]), max(0, a[1] - b[3], b[1] - a[3])))
            if mark is not box and gap <= limit:
                number += 1
                break
    return not marks or wrong_number(who, number, len(boxes))


def sizes_m(kind: str, boxes: list[Row], row: Row) -> list[float]:
    """As the source states them, else as boxes that lie wholly inside show them; empty where one shows none."""
    if boxes and kind != "diameter" and all(box[f"{kind}_m"] is not None for box in boxes):
        return [box[f"{kind}_m"] for box in boxes]
    if kind == "width" or not row["pixel_spacing_x_m"]:
        return []
    found = []
    for box in boxes:
        left, top, right, bottom = sides_of(box)
        if left < 0.5 or top < 0.5 or right > row["width_px"] - 0.5 or bottom > row["height_px"] - 0.5:
            return []
        scaled = [(x * row["pixel_spacing_x_m"], y * row["pixel_spacing_y_m"]) for x, y in outline(box)]
        one, two = dist(scaled[0], scaled[1]), dist(scaled[1], scaled[2])
        if kind == "diameter":
            if max(one, two) > 1.3 * min(one, two):
                return []
            found.append((one + two) / 2)
        else:
            if box["angle_deg"] is None and max(one, two) < 2 * min(one, two):
                return []
            found.append(max(one, two))
    return found


def false_cover(claim: Claim, areas: list[Row], row: Row) -> bool:
    name, value = claim.subject, claim.value
    every = row["regions"]
    share = sum(region["fraction"] for region in areas)
    match claim.kind:
        case "share":
            low, high = limits(value)
            return not areas or not low - SLACK <= share <= high + SLACK
        case "part":
            low, high = limits(value.split(" ")[0])
            whole = sum(region["fraction"] for region in covers(value.split(" ")[1], row))
            return not whole or not low - SLACK <= share / whole <= high + SLACK
        case "fills":
            place = words.lexicon().compass[value].place if value in words.lexicon().compass else value
            if (place != value and row["bounds"] is None) or "half" in place:
                return True
            lines = [line for line, word in enumerate(["upper", "", "lower"]) if word in place.split()]
            columns = [column for column, word in enumerate(["left", "", "right"]) if word in place.split()]
            if "third" in place:
                lines, columns = lines or [0, 1, 2], columns or [0, 1, 2]
            cells = [3 * line + column for line in lines or [1] for column in columns or [1]]
            return sum(region["grid"][cell] for region in areas for cell in cells) <= 0.5 * len(cells)
        case "dominant":
            top = max(region["fraction"] for region in every)
            return not any(region["fraction"] == top and top >= 0.4 for region in areas)
        case "adjacent":
            pairs = {(region["class"], other) for region in every for other in region["adjacent"]}
            return (name, value) not in pairs and (value, name) not in pairs
        case "patches":
            low, high = limits(value)
            return not areas or not low <= sum(region["components"] for region in areas) <= high
        case "crosses":
            return not any(value in region["crosses"] for region in areas)
        case "shore":
            water = covers("water", row)
            wet = sum(region["fraction"] for region in water)
            dry = sum(region["fraction"] for region in every) - wet
            largest = max((region["largest_fraction"] for region in water), default=0)
            meets = {other for region in water for other in region["adjacent"] if "water" not in words.kinds(other)}
            return min(wet, dry) < 0.1 - SLACK or largest < 0.8 * wet - SLACK or not meets
        case "patchwork":
            large = [region for region in every if region["fraction"] >= 0.05 - SLACK
                     and not words.noun(region["class"]).silent]  # fmt: skip
            largest = max(region["fraction"] for region in every)
            return len(large) < 4 or largest > 0.4 + SLACK or sum(region["components"] for region in large) < 8
    raise AssertionError(f"the oracle does not know {claim}")


def gaps_px(boxes: list[Row]) -> list[float]:
    """Of each center the distance to its nearest neighbour."""
    centers = [middle(box) for box in boxes]
    return [min((dist(a, b) for j, b in enumerate(centers) if j != i), default=inf) for i, a in enumerate(centers)]


def median(values: list[float]) -> float:
    ordered = sorted(values)
    return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2


def parallel(boxes: list[Row]) -> bool:
    axes = [axis_deg(box) for box in boxes]
    return all(a is not None and b is not None and turn_deg(a, b) <= 20 + SLACK for a, b in combinations(axes, 2))


def row_lines_deg(boxes: list[Row]) -> list[float]:
    """Directions of the lines through two centers along which the boxes form a row."""
    if len(boxes) < 3:
        return []
    centers = [middle(box) for box in boxes]
    largest = max(max(box[2] - box[0], box[3] - box[1]) for box in map(sides_of, boxes))
    found = []
    for (ax, ay), (bx, by) in sorted(combinations(centers, 2), key=lambda pair: -dist(*pair))[:LINES]:
        direction = atan2(by - ay, bx - ax)
        along = sorted((x - ax) * cos(direction) + (y - ay) * sin(direction) for x, y in centers)
        off = max(abs((y - ay) * cos(direction) - (x - ax) * sin(direction)) for x, y in centers)
        length = along[-1] - along[0]
        widest = max(after - before for before, after in pairwise(along))
        if (
            length > 0
            and length >= 2 * largest - SLACK
            and off <= 0.12 * length + SLACK
            and widest <= 1.6 * length / (len(boxes) - 1) + SLACK
        ):
            found.append(degrees(direction) % 180)
    return found


def is_cluster(boxes: list[Row], row: Row) -> bool:
    limit = dist((0, 0), (row["width_px"], row["height_px"])) / 3 + SLACK
    return len(boxes) > 1 and all(dist(middle(a), middle(b)) <= limit for a, b in combinations(boxes, 2))


def is_scattered(boxes: list[Row], row: Row) -> bool:
    xs, ys = zip(*map(middle, boxes), strict=True)
    return len(boxes) >= 4 and max(xs) - min(xs) > row["width_px"] / 2 and max(ys) - min(ys) > row["height_px"] / 2


def is_side_by_side(boxes: list[Row], row: Row) -> bool:
    if not 2 <= len(boxes) <= 12 or not parallel(boxes):
        return False
    return all(any(a is not b and abreast(a, b) for b in boxes) for a in boxes)


def abreast(a: Row, b: Row) -> bool:
    (ax, ay), (bx, by) = middle(a), middle(b)
    wide = min(a["w"], a["h"]), min(b["w"], b["h"])
    for axis in (axis_deg(a), axis_deg(b)):
        assert axis is not None
        c, s = cos(axis * pi / 180), sin(axis * pi / 180)
        along, across = abs((bx - ax) * c + (by - ay) * s), abs((by - ay) * c - (bx - ax) * s)
        if across > along - SLACK and across - (wide[0] + wide[1]) / 2 <= 1.5 * max(wide) + SLACK:
            return True
    return False


def is_convoy(boxes: list[Row], row: Row) -> bool:
    axes = [axis_deg(box) for box in boxes]
    lines = row_lines_deg(boxes)
    return any(all(axis is not None and turn_deg(axis, line) <= 20 + SLACK for axis in axes) for line in lines)


def is_even(boxes: list[Row], row: Row) -> bool:
    if len(boxes) < 5:
        return False
    gaps = gaps_px(boxes)
    mean = sum(gaps) / len(gaps)
    spread = sqrt(sum((gap - mean) ** 2 for gap in gaps) / len(gaps))
    least = 1.2 * 0.5 * sqrt(row["width_px"] * row["height_px"] / len(boxes))
    return spread <= 0.35 * mean + SLACK and mean >= least - SLACK


FORMS = {
    "row": lambda boxes, row: bool(row_lines_deg(boxes)),
    "cluster": is_cluster,
    "scattered": is_scattered,
    "side_by_side": is_side_by_side,
    "convoy": is_convoy,
    "even": is_even,
}
