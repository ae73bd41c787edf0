"""What may be asked of the land-cover map of an image, of its damage classes, and of the label of a chip.

Shares are shares of the mapped area. A class is denied only where the source annotates it exhaustively and nearly all
of the image is labelled.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from tasks.narrate import words
from tasks.narrate.ask_objects import CELLS, Scope
from tasks.narrate.asking import COMMON, DAMAGE, NO, SHARE_STEP, YES, Ask, Question, class_answer, some

PRESENT = 0.005  # a smaller share is neither there nor absent
LABELLED = 0.95  # of the pixels, where something is denied
FILLS, NOT_FILLS = 0.6, 0.4
TOP, TOP_LEAD = 0.45, 0.10
MORE_THAN = (5, 10, 15, 20, 25, 30, 40, 50, 60, 70)  # percent
CLEARLY = 0.02  # of the mapped area, between a share and the bound that is asked
SMALLEST_TOLD = 0.10
SHORE = 0.15, 0.85  # share of water at least, and its largest region's share of it
PATCHWORK = (4, 0.07, 0.35, 10)  # classes, share of each at least and at most, connected regions
NO_PATCHWORK = (3, 0.04, 0.45, 6)
BANDS = ("road", "water")  # classes that may cross an image
_THIRDS = (("left third", (0, 3, 6)), ("right third", (2, 5, 8)), ("upper third", (0, 1, 2)),
           ("lower third", (6, 7, 8)))  # fmt: skip


def asks(record: Mapping[str, Any], source: Scope, *, draw: int) -> list[Ask]:
    """The questions that the map or the label of `record` answers."""
    if record["label"] is not None and not record["boxes"] and not record["regions"]:
        return _of_target(record["label"], source, draw)
    if not record["regions"]:
        return []
    boxed = {kind for box in record["boxes"] or () for kind in words.kinds(box["class"])}
    regions = {
        region["class"]: region for region in record["regions"]
        if region["fraction"] > 0 and not words.noun(region["class"]).silent and region["class"] not in boxed
    }  # fmt: skip
    labelled = record.get("labelled_fraction")
    whole = labelled is None or labelled >= LABELLED
    made: list[Ask] = []
    _structure(made, regions, record["regions"], source, whole)
    if any(name in DAMAGE for name in (*regions, *source.covers)):
        if "building" not in boxed:
            _damage(made, regions, source, whole, draw)
        regions = {name: region for name, region in regions.items() if "building" not in words.kinds(name)}
    wider = {kind for region in record["regions"] for kind in words.kinds(region["class"])[1:]}
    shares = {name: region["fraction"] for name, region in regions.items() if name not in wider}
    _presence(made, shares, record, source, whole, boxed, draw)
    told = [name for name in sorted(shares) if shares[name] >= PRESENT]
    mapped = [sum([region["grid"][cell] or 0.0 for region in record["regions"]]) > 0 for cell in range(9)]
    for number, name in enumerate(told):
        _shares(made, name, shares[name], draw + 7 * number)
        _fills(made, name, regions[name]["grid"], mapped, draw + 7 * number)
    _dominant(made, record["regions"], told, all(mapped), draw)
    return made


def _of_target(label: str, source: Scope, draw: int) -> list[Ask]:
    """Of a chip: which target it shows. Its class is one of those of the source."""
    if words.noun(label).silent or words.noun(label).remainder:
        return []
    made = [Ask(Question("scene.which", "image"), class_answer(label)), _target(label, YES)]
    others = [
        name for name in sorted(source.exhaustive)
        if name not in words.kinds(label) and label not in words.kinds(name) and not words.noun(name).remainder
    ]  # fmt: skip
    return [*made, *(_target(name, NO) for name in some(others, draw, 3))]


def _target(name: str, answer: str) -> Ask:
    return Ask(Question("scene.target", "image", (name,)), answer)


def _presence(
    made: list[Ask], shares: Mapping[str, float], record: Mapping[str, Any], source: Scope, whole: bool,
    boxed: set[str], draw: int,
) -> None:  # fmt: skip
    there = {kind for region in record["regions"] for kind in words.kinds(region["class"]) if region["fraction"] > 0}
    made += [Ask(Question("presence.cover", name), YES) for name, share in shares.items() if share >= PRESENT]
    if whole:
        absent = [
            name
            for name in source.covers
            if name not in there and name not in boxed and name not in DAMAGE and _may_deny(name, there | boxed, source)
        ]
        made += [Ask(Question("presence.cover", name), NO) for name in some(absent, draw, COMMON)]


def _may_deny(name: str, marked: Collection[str], source: Scope) -> bool:
    """Whether the class would be marked if it were there, and as nothing wider."""
    return words.can_deny(name, source.exhaustive) and not any(kind in marked for kind in words.kinds(name)[1:])


def _shares(made: list[Ask], name: str, share: float, draw: int) -> None:
    if share >= SMALLEST_TOLD:
        made.append(Ask(Question("share.number", name), f"{percent(share)}%"))
    bounds = [bound for bound in MORE_THAN if abs(share - bound / 100) >= CLEARLY]
    below = [bound for bound in bounds if bound / 100 < share][-2:]
    above = [bound for bound in bounds if bound / 100 > share][:2]
    for part, answer in ((below, YES), (above, NO)):
        if part:
            made.append(Ask(Question("share.more", name, (str(part[draw % len(part)]),)), answer))


def percent(share: float) -> int:
    """To the nearest step."""
    return round(share * 100 / SHARE_STEP) * SHARE_STEP


def _fills(made: list[Ask], name: str, grid: Sequence[float], mapped: Sequence[bool], draw: int) -> None:
    cells = [cell for cell in range(9) if mapped[cell] and not NOT_FILLS < grid[cell] < FILLS]
    filled = [cell for cell in cells if grid[cell] >= FILLS]
    partly = [cell for cell in cells if 0 < grid[cell] <= NOT_FILLS] or [cell for cell in cells if not grid[cell]]
    for part, answer in ((filled, YES), (partly, NO)):
        for cell in some(part, draw, 2):
            made.append(Ask(Question("position.cover", name, (CELLS[cell],)), answer))
    place, held = _THIRDS[draw // 3 % 4]
    mean = sum([grid[cell] for cell in held]) / 3
    if all(mapped[cell] for cell in held) and not NOT_FILLS < mean < FILLS:
        made.append(Ask(Question("position.cover", name, (place,)), YES if mean >= FILLS else NO))


def _dominant(made: list[Ask], regions: Sequence[Any], told: Sequence[str], whole: bool, draw: int) -> None:
    ranked = sorted(regions, key=lambda region: (-region["fraction"], region["class"]))
    first, second = ranked[0]["fraction"], ranked[1]["fraction"] if len(ranked) > 1 else 0.0
    top = ranked[0]["class"]
    if not whole or first < TOP or first - second < TOP_LEAD or top not in told:
        return
    made.append(Ask(Question("dominant.which", "image"), class_answer(top)))
    made.append(Ask(Question("dominant.is", top), YES))
    others = [name for name in told if name not in words.kinds(top) and top not in words.kinds(name)]
    made += [Ask(Question("dominant.is", name), NO) for name in some(others, draw, 2)]


def _structure(
    made: list[Ask],
    named: Mapping[str, Mapping[str, Any]],
    regions: Sequence[Mapping[str, Any]],
    source: Scope,
    whole: bool,
) -> None:
    for name in BANDS:
        if name not in named or named[name].get("crosses") is None:
            continue
        for way, first, step in (("left-right", 1, 3), ("top-bottom", 3, 1)):
            grid = named[name]["grid"]
            thirds = [sum([grid[first * third + step * cell] for cell in range(3)]) for third in range(3)]
            if way in named[name]["crosses"]:
                made.append(Ask(Question("scene.crosses", name, (way,)), YES))
            elif not min(thirds):  # what also lies in all three may cross the image in some other sense of the word
                made.append(Ask(Question("scene.crosses", name, (way,)), NO))
    if not whole:
        return
    water = named.get("water")
    if water is not None:
        share, largest = water["fraction"], water["largest_fraction"] / water["fraction"]
        meets_land = any("water" not in words.kinds(other) for other in water["adjacent"])
        if meets_land and SHORE[0] <= share <= 1 - SHORE[0] and largest >= SHORE[1]:
            made.append(Ask(Question("scene.shore", "image"), YES))
    elif not any(words.noun(region["class"]).wet for region in regions) and _may_deny("water", (), source):
        made.append(Ask(Question("scene.shore", "image"), NO))
    most = max(region["fraction"] for region in regions)
    for (classes, least, greatest, parts), answer in ((PATCHWORK, YES), (NO_PATCHWORK, NO)):
        large = [region for region in regions if region["fraction"] >= least and not words.noun(region["class"]).silent]
        pieces = sum([region["components"] for region in large])
        if answer == YES and len(large) >= classes and most <= greatest and pieces >= parts:
            made.append(Ask(Question("scene.patchwork", "image"), YES))
        if answer == NO and (len(large) <= classes or most >= greatest or pieces <= parts):
            made.append(Ask(Question("scene.patchwork", "image"), NO))


def _damage(made: list[Ask], regions: Mapping[str, Any], source: Scope, whole: bool, draw: int) -> None:
    """Shares of all buildings, where buildings are mapped by how damaged they are."""
    buildings = {name: region["fraction"] for name, region in regions.items() if "building" in words.kinds(name)}
    total = sum(buildings.values())
    if total < PRESENT:
        return
    for name in DAMAGE:
        share = buildings.get(name, 0.0) / total
        if share * total >= PRESENT:
            made.append(Ask(Question("damage.present", name), YES))
            if share >= SMALLEST_TOLD:
                made.append(Ask(Question("damage.number", name), f"{percent(share)}%"))
        elif not share and whole and _may_deny(name, regions, source):
            made.append(Ask(Question("damage.present", name), NO))
        if share:
            _damage_more(made, name, share, draw)


def _damage_more(made: list[Ask], name: str, share: float, draw: int) -> None:
    bounds = [bound for bound in MORE_THAN if abs(share - bound / 100) >= CLEARLY]
    for part, answer in (
        ([bound for bound in bounds if bound / 100 < share][-2:], YES),
        ([bound for bound in bounds if bound / 100 > share][:2], NO),
    ):
        if part:
            made.append(Ask(Question("damage.more", name, (str(part[draw % len(part)]),)), answer))
