"""What may be asked of the boxes of an image, with the true answers.

Every answer keeps a margin to where the checker would say otherwise (truth_questions.py, truth.py), so that no
borderline is asked. Of a class that the source does not annotate exhaustively nothing is asked here: another object of
it might change any answer. Which of many equal questions an image is asked is drawn from its own number.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tasks.narrate import ask_layout, spots, words
from tasks.narrate.ask_layout import Place
from tasks.narrate.asking import COMMON, NO, YES, Ask, Question, are_apart, class_answer, some

CELLS = (
    "upper left", "upper center", "upper right",
    "middle left", "center", "middle right",
    "lower left", "lower center", "lower right",
)  # fmt: skip
THIRDS = ("right third", "left third", "lower third", "upper third")
HALVES = ("left half", "right half", "upper half", "lower half")
BORDER = 0.005  # of the image's side: an object nearer to a border of places is in none of them
WIDE = 0.6  # of the image's side: a wider object is in no place
SIZE_STEPS_M = ((20, 1), (100, 5), (float("inf"), 10))  # below which size they are told to what
LENGTHS_M = (10, 15, 20, 30, 40, 50, 60, 80, 100, 120, 150, 200, 250, 300)
CLEARLY_LONGER = 1.2


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
            ask_layout.ends(made, name, places, width_px, height_px, turn)
        if len(places) >= 3:
            ask_layout.arrangements(made, name, places, width_px, height_px)
    ask_layout.between(made, present, width_px, height_px, draw)
    ask_layout.nearest(made, present, found, width_px, height_px, draw)
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
    related = [(one, other) for one in names for other in (*names, *absent) if are_apart(one, other)]
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
