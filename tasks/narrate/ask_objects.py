"""What may be asked of the boxes of an image, with the true answers.

Every answer keeps a margin to where the checker would say otherwise (truth_questions.py, truth.py), so that no
borderline is asked. Of a class that the source does not annotate exhaustively nothing is asked here: another object of
it might change any answer. Which of many equal questions an image is asked is drawn from its own number.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import hypot, sqrt
from typing import Any, NamedTuple

from tasks.narrate import spots, words
from tasks.narrate.asking import NO, YES, Ask, Question, class_answer

CELLS = (
    "upper left", "upper center", "upper right",
    "middle left", "center", "middle right",
    "lower left", "lower center", "lower right",
)  # fmt: skip
THIRDS = ("right third", "left third", "lower third", "upper third")
HALVES = ("left half", "right half", "upper half", "lower half")
BORDER = 0.005  # of the image's side: an object nearer to a border of places is in none of them
WIDE = 0.6  # of the image's side: a wider object is in no place
CLEAR = 0.02  # of the image's side, between what is said to lie left and right
NEARER = 1.3, 0.02  # the next class is at least so many times, and this share of the diagonal, farther away
MAX_OBJECTS = 60  # of which distances are compared
CLUSTERED, NOT_CLUSTERED = 0.30, 0.40  # of the image diagonal
SCATTERED, NOT_SCATTERED = 0.55, 0.45  # of the image's sides
NO_ROW = 0.55  # spread across by spread along: no row is so wide
SIZE_STEPS_M = ((20, 1), (100, 5), (float("inf"), 10))  # below which size they are told to what
LENGTHS_M = (10, 15, 20, 30, 40, 50, 60, 80, 100, 120, 150, 200, 250, 300)
CLEARLY_LONGER = 1.2
COMMON = 6  # classes of which absence is asked, and pairs that are compared: at most, an image


class Place(NamedTuple):
    """A box: center, hull, and the box itself."""

    x: float
    y: float
    left: float
    top: float
    right: float
    bottom: float
    box: Mapping[str, Any]


class Scope(NamedTuple):
    """What the source's annotation allows to be asked."""

    exhaustive: frozenset[str]
    things: tuple[str, ...]  # classes marked by boxes of which absence may be told, widest ones too, sorted
    covers: tuple[str, ...]  # classes of a map, likewise


def scope(exhaustive: frozenset[str]) -> Scope:
    """Raises `ValueError` naming a class without an entry in `nouns.yaml`."""
    told = [name for name in exhaustive if not words.noun(name).silent and not words.noun(name).remainder]
    widest = {words.kinds(name)[-1] for name in exhaustive if not words.noun(name).silent}
    names = sorted({*told, *(name for name in widest if words.can_deny(name, exhaustive))})
    things = tuple(name for name in names if words.noun(name).cover is None)
    return Scope(exhaustive, things, tuple(name for name in names if words.noun(name).cover is not None))


def asks(record: Mapping[str, Any], source: Scope, *, draw: int) -> list[Ask]:
    """The questions that the boxes of `record` answer; `draw` is the image's own number, as large as you like."""
    boxes = record["boxes"]
    if boxes is None:
        return []
    width_px, height_px = record["width_px"], record["height_px"]
    found: dict[str, list[Place]] = {}
    for box in boxes:
        place = _place(box)
        for name in words.kinds(box["class"]):
            found.setdefault(name, []).append(place)
    present = {name: places for name, places in found.items() if _is_complete(name, boxes, source.exhaustive)}
    if record["regions"]:
        mapped = {kind for region in record["regions"] for kind in words.kinds(region["class"])}
    else:
        mapped = set()
    absent = [
        name for name in source.things
        if name not in found and name not in mapped and _is_complete(name, boxes, source.exhaustive)
    ]  # fmt: skip
    made: list[Ask] = []
    for name in some(absent, draw, 2):
        _positions(made, name, (), width_px, height_px, draw)
    _presence_and_counts(made, present, absent, len(boxes), draw)
    for number, (name, places) in enumerate(sorted(present.items())):
        turn = draw + 7 * number
        _positions(made, name, places, width_px, height_px, turn)
        _sizes(made, name, places, record, turn)
        if len(places) >= 2:
            _ends(made, name, places, width_px, height_px, turn)
        if len(places) >= 3:
            _arrangements(made, name, places, width_px, height_px)
    _between(made, present, width_px, height_px, draw)
    _nearest(made, present, found, width_px, height_px, draw)
    return made


def _is_complete(name: str, boxes: Sequence[Mapping[str, Any]], exhaustive: frozenset[str]) -> bool:
    """Whether every object of the class is marked as such: none as something of a wider class only."""
    if not words.can_deny(name, exhaustive) or words.noun(name).silent or words.noun(name).remainder:
        return False
    wider = words.kinds(name)[1:]
    return not wider or not any(box["class"] in wider for box in boxes)


def _place(box: Mapping[str, Any]) -> Place:
    w, h = box["w"], box["h"]
    x, y = box["x"] + w / 2, box["y"] + h / 2
    if not box["angle_deg"]:
        return Place(x, y, box["x"], box["y"], box["x"] + w, box["y"] + h, box)
    spot = spots.spot({**_BARE, **box}, _NO_SPACING, measure=None)
    return Place(x, y, spot.left, spot.top, spot.right, spot.bottom, box)


_BARE = {"heading_deg": None, "length_m": None, "width_m": None}
_NO_SPACING = {"pixel_spacing_x_m": None, "pixel_spacing_y_m": None}


def _presence_and_counts(
    made: list[Ask], present: Mapping[str, list[Place]], absent: Sequence[str], total: int, draw: int
) -> None:
    for name, places in present.items():
        number = len(places)
        made.append(Ask(Question("presence.objects", name), YES))
        made.append(Ask(Question("count.objects", name), str(number)))
        for bound in dict.fromkeys((number + (-1, 0, 1)[draw % 3], number + (-2, 0, 2)[draw // 3 % 3])):
            if bound >= 1:
                answer = YES if number > bound else NO
                made.append(Ask(Question("comparison.number", name, (str(bound),)), answer))
    for name in some(absent, draw, COMMON):
        made.append(Ask(Question("presence.objects", name), NO))
        made.append(Ask(Question("count.objects", name), "0"))
        made.append(Ask(Question("comparison.number", name, (str(1 + draw // 7 % 3),)), NO))
    names = sorted(present)
    related = [(one, other) for one in names for other in (*names, *absent) if _are_apart(one, other)]
    for one, other in some(related, draw, COMMON):
        if draw % 2:
            one, other = other, one
        answer = YES if len(present.get(one, ())) > len(present.get(other, ())) else NO
        made.append(Ask(Question("comparison.classes", one, (other,)), answer))
    narrow = {
        name: len(places) for name, places in present.items()
        if all(place.box["class"] == name for place in places)
    }  # fmt: skip
    if len(narrow) >= 2 and sum(narrow.values()) == total:
        ranked = sorted(narrow, key=lambda name: (-narrow[name], name))
        if narrow[ranked[0]] > narrow[ranked[1]]:
            made.append(Ask(Question("dominant.numerous", "image"), class_answer(ranked[0])))
            for name in (ranked[0], ranked[1 + draw % (len(ranked) - 1)]):
                made.append(Ask(Question("dominant.most", name), YES if name == ranked[0] else NO))


def _are_apart(one: str, other: str) -> bool:
    return one != other and one not in words.kinds(other) and other not in words.kinds(one)


def some(items: Sequence[Any], draw: int, most: int) -> Sequence[Any]:
    """At most `most` of the items, beginning anywhere."""
    if len(items) <= most:
        return items
    start = draw % len(items)
    return [items[(start + index) % len(items)] for index in range(most)]


def _positions(made: list[Ask], name: str, places: Sequence[Place], width_px: int, height_px: int, draw: int) -> None:
    """Where objects of the class are, and where not; with no `places` they are nowhere."""
    us, vs = [], []
    for place in places:
        u, v = place.x / width_px, place.y / height_px
        if (
            not (0 <= u < 1 and 0 <= v < 1)
            or place.right - place.left > WIDE * width_px
            or place.bottom - place.top > WIDE * height_px
        ):
            return
        us.append(u)
        vs.append(v)
    is_clear = {
        border: min([abs(part - border) for part in us + vs], default=1.0) >= BORDER for border in (1 / 3, 0.5, 2 / 3)
    }
    counts: list[tuple[str, int]] = []
    if is_clear[1 / 3] and is_clear[2 / 3]:
        cells = [0] * 9
        for u, v in zip(us, vs, strict=True):
            cells[3 * int(v * 3) + int(u * 3)] += 1
        if len(places) == 1:
            made.append(Ask(Question("position.where", name), CELLS[cells.index(1)]))
        # A cell that holds some, and two that anybody is asked of: yes and no come about as often as they can.
        held = [cell for cell in range(9) if cells[cell]] or [0]
        asked = dict.fromkeys((held[draw % len(held)], draw // 11 % 9, draw // 101 % 9))
        counts += [(CELLS[cell], cells[cell]) for cell in asked]
        third = draw // 23 % 4
        inside = [part < 1 / 3 if third % 2 else part >= 2 / 3 for part in (us if third < 2 else vs)]
        counts.append((THIRDS[third], sum(inside)))
    if is_clear[0.5]:
        for turn, halves, parts in ((draw // 13, HALVES[:2], us), (draw // 17, HALVES[2:], vs)):
            before = sum([part < 0.5 for part in parts])
            here, there = (before, len(parts) - before) if turn % 2 else (len(parts) - before, before)
            half, other = halves if turn % 2 else halves[::-1]
            counts.append((half, here))
            if len(parts) >= 2:
                made.append(Ask(Question("comparison.halves", name, (half, other)), YES if here > there else NO))
    for where, number in counts:
        made.append(Ask(Question("position.objects", name, (where,)), YES if number else NO))
    for where, number in counts[-3:]:
        made.append(Ask(Question("count.place", name, (where,)), str(number)))


def _sizes(made: list[Ask], name: str, places: Sequence[Place], record: Mapping[str, Any], draw: int) -> None:
    measure = words.noun(name).measure
    if measure is None or len(places) != 1:
        return
    box = places[0].box
    stated_m = box.get("length_m") if measure == "length" else None
    size_m = stated_m or spots.spot({**_BARE, **box}, record, measure=measure).size_m
    if not size_m or size_m < 1:
        return
    step = next(step for below, step in SIZE_STEPS_M if size_m < below)
    made.append(Ask(Question(f"size.{measure}", name), str(max(round(size_m / step), 1) * step)))
    bounds = [bound for bound in LENGTHS_M if not 1 / CLEARLY_LONGER < size_m / bound < CLEARLY_LONGER]
    longer = [bound for bound in bounds if size_m > bound][-2:]
    shorter = [bound for bound in bounds if size_m < bound][:2]
    key = "size.longer" if measure == "length" else "size.wider"
    for part, answer in ((longer, YES), (shorter, NO)):
        if part:
            made.append(Ask(Question(key, name, (str(part[draw % len(part)]),)), answer))


_ENDS = (
    "leftmost above rightmost", "rightmost above leftmost",
    "topmost left lowest", "lowest left topmost",
)  # fmt: skip


def _ends(made: list[Ask], name: str, places: Sequence[Place], width_px: int, height_px: int, draw: int) -> None:
    across = sorted((place.x, place.y) for place in places)
    down = sorted((place.y, place.x) for place in places)
    for ends, along_px, beside_px, turn in ((across, width_px, height_px, 0), (down, height_px, width_px, 2)):
        first, last = ends[0], ends[-1]
        least_px = CLEAR / 2 * along_px
        if ends[1][0] - first[0] < least_px or last[0] - ends[-2][0] < least_px:
            continue
        if abs(first[1] - last[1]) < CLEAR * beside_px:
            continue
        question = _ENDS[turn + draw % 2]
        is_first = first[1] < last[1]
        made.append(Ask(Question("relative.ends", name, (question,)), YES if is_first != bool(draw % 2) else NO))


def _arrangements(made: list[Ask], name: str, places: Sequence[Place], width_px: int, height_px: int) -> None:
    count = len(places)
    xs, ys = [place.x for place in places], [place.y for place in places]
    span_x, span_y = max(xs) - min(xs), max(ys) - min(ys)
    diagonal = hypot(width_px, height_px)
    # The hull of the centers is at most this wide, and no less than the greater of its two spans.
    if hypot(span_x, span_y) <= CLUSTERED * diagonal:
        made.append(Ask(Question("arrangement.is", name, ("cluster",)), YES))
    elif max(span_x, span_y) >= NOT_CLUSTERED * diagonal:
        made.append(Ask(Question("arrangement.is", name, ("cluster",)), NO))
    if count >= 4:
        if span_x > SCATTERED * width_px and span_y > SCATTERED * height_px:
            made.append(Ask(Question("arrangement.is", name, ("scattered",)), YES))
        elif span_x < NOT_SCATTERED * width_px or span_y < NOT_SCATTERED * height_px:
            made.append(Ask(Question("arrangement.is", name, ("scattered",)), NO))
    is_row = _is_row(places, xs, ys)
    if is_row is not None:
        made.append(Ask(Question("arrangement.is", name, ("row",)), YES if is_row else NO))


def _is_row(places: Sequence[Place], xs: Sequence[float], ys: Sequence[float]) -> bool | None:
    """Whether the centers form a row; `None` where they nearly do."""
    count = len(places)
    mean_x, mean_y = sum(xs) / count, sum(ys) / count
    sxx = sum([(x - mean_x) ** 2 for x in xs])
    syy = sum([(y - mean_y) ** 2 for y in ys])
    sxy = sum([(x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True)])
    middle, root = (sxx + syy) / 2, hypot((sxx - syy) / 2, sxy)
    if middle + root <= 0:
        return None
    wide = sqrt(max(middle - root, 0.0) / (middle + root))
    if wide > NO_ROW:
        return False
    if wide > 0.2:
        return None
    axis = complex((sxx - syy) / 2 + root, sxy) if sxx >= syy else complex(sxy, root - (sxx - syy) / 2)
    axis /= abs(axis)
    turned = [(complex(x - mean_x, y - mean_y) * axis.conjugate()) for x, y in zip(xs, ys, strict=True)]
    along = sorted([point.real for point in turned])
    length = along[-1] - along[0]
    off_line = max([abs(point.imag) for point in turned])
    largest = max([max(place.right - place.left, place.bottom - place.top) for place in places])
    gap = max([after - before for before, after in pairwise(along)])
    is_even = gap <= 1.5 * length / (count - 1)
    return True if off_line <= 0.05 * length and length >= 2.5 * largest and is_even else None


def _between(
    made: list[Ask], present: Mapping[str, list[Place]],
    width_px: int, height_px: int, draw: int,
) -> None:  # fmt: skip
    """On which side of the only object of another class all objects of a class lie."""
    alone = [name for name in sorted(present) if len(present[name]) == 1]
    related = [(name, mark) for mark in alone for name in sorted(present) if _are_apart(name, mark)]
    for name, mark in some(related, draw, COMMON):
        places, of = present[name], present[mark][0]
        gaps = {
            "left": (of.left - max([place.right for place in places])) / width_px,
            "right": (min([place.left for place in places]) - of.right) / width_px,
            "above": (of.top - max([place.bottom for place in places])) / height_px,
            "below": (min([place.top for place in places]) - of.bottom) / height_px,
        }
        true = [side for side, gap in gaps.items() if gap >= CLEAR]
        untrue = [side for side, gap in gaps.items() if gap <= -CLEAR]
        key = "relative.one" if len(places) == 1 else "relative.all"
        for sides, answer in ((true, YES), (untrue, NO)):
            if sides:
                made.append(Ask(Question(key, name, (sides[draw // 5 % len(sides)], mark)), answer))


def _nearest(
    made: list[Ask], present: Mapping[str, list[Place]], found: Mapping[str, list[Place]],
    width_px: int, height_px: int, draw: int,
) -> None:  # fmt: skip
    """The class of the object nearest to the only one of a class, where every object around is marked."""
    narrow = {}
    for name, places in found.items():
        own = [place for place in places if place.box["class"] == name]
        if own:
            narrow[name] = own
    if len(narrow) < 2 or sum(map(len, narrow.values())) > MAX_OBJECTS or not narrow.keys() <= present.keys():
        return
    diagonal = hypot(width_px, height_px)
    for mark, places in sorted(present.items()):
        if len(places) != 1 or mark not in narrow:
            continue
        of = places[0]
        others = [name for name in sorted(narrow) if name != mark]
        gaps = {name: min([_gap(of, place) for place in narrow[name]]) for name in others}
        ranked = sorted(others, key=lambda name: (gaps[name], name))
        nearest = ranked[0]
        if len(ranked) > 1:
            next_gap = gaps[ranked[1]]
            if next_gap < NEARER[0] * gaps[nearest] or next_gap < gaps[nearest] + NEARER[1] * diagonal:
                continue
            made.append(Ask(Question("nearest.which", mark), class_answer(nearest)))
            other = ranked[1 + draw % (len(ranked) - 1)]
            made.append(Ask(Question("nearest.is", mark, (other,)), NO))
        made.append(Ask(Question("nearest.is", mark, (nearest,)), YES))


def _gap(a: Place, b: Place) -> float:
    return hypot(max(a.left - b.right, b.left - a.right, 0.0), max(a.top - b.bottom, b.top - a.bottom, 0.0))
