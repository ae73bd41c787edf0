"""One row of `records.parquet` → what can be said of it, free of language.

What the words mean in numbers stands in docs/captions.md. truth.py holds the same definitions, computed another way;
the thresholds in spots.py, layout.py, relations.py and cover.py keep inside them, so that no borderline is stated.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from tasks.narrate import layout, words
from tasks.narrate.cover import Cover, Land, land
from tasks.narrate.relations import Near, Side, relations
from tasks.narrate.spots import Spot, spot


class Objects(NamedTuple):
    """All objects of one class."""

    name: str
    number: int
    within: tuple[str, ...]  # places that hold all of them
    mostly: tuple[str, ...]  # places that hold most of them
    cells: tuple[tuple[str, int], ...]  # cell → objects in it, all of them, where few
    arrangements: tuple[str, ...]
    density: str | None
    axis: str | None
    aligned: bool
    size_m: tuple[float, float] | None  # least and greatest length or diameter
    width_m: tuple[float, float] | None  # as stated by the source
    heading_deg: float | None  # of a single object, by AIS


class Facts(NamedTuple):
    """What can be said of an image."""

    modality: str
    sensor: str | None
    band: str | None
    polarization: str | None
    resolution_m: float | None
    georeferenced: bool  # the top of the image is north
    objects: tuple[Objects, ...]  # by class, most numerous first, without classes that are wider than another one here
    groups: tuple[Objects, ...]  # by widest class, most numerous first: types of aircraft become aircraft
    near: tuple[Near, ...]
    sides: tuple[Side, ...]
    covers: tuple[Cover, ...]  # largest first
    land: Land
    absent: tuple[str, ...]  # classes of which it may be said that there is none
    complete: frozenset[str]  # classes present of which every instance is annotated
    label: str | None


def facts(record: Mapping[str, Any], *, exhaustive: Collection[str]) -> Facts:
    """The facts of a row of `records.parquet`; `exhaustive` as its source states it.

    Raises `ValueError` naming the class that has no entry in `nouns.yaml`.
    """
    width_px, height_px = record["width_px"], record["height_px"]
    by_class: dict[str, list[Spot]] = {}
    for box in record["boxes"] or ():
        name = box["class"]
        if not words.noun(name).silent:
            by_class.setdefault(name, []).append(spot(box, record, measure=words.noun(name).measure))
    by_group: dict[str, list[Spot]] = {}
    for name, spots in by_class.items():
        by_group.setdefault(words.kinds(name)[-1], []).extend(spots)
    wider = {kind for name in by_class for kind in words.kinds(name)[1:]}  # counted with the classes below them
    by_name = {
        name: _objects(name, spots, width_px, height_px) for name, spots in by_class.items() if name not in wider
    }
    groups = [by_name.get(name) or _objects(name, spots, width_px, height_px) for name, spots in by_group.items()]
    covers, structure = land(record["regions"] or (), boxed=wider | by_class.keys())
    annotated = frozenset(exhaustive)
    near, sides = relations(by_group, width_px, height_px) if len(by_group) > 1 else ((), ())
    return Facts(
        modality=record["modality"],
        sensor=record["sensor"],
        band=record["band"],
        polarization=record["polarization"],
        resolution_m=record["resolution_m"],
        georeferenced=record["bounds"] is not None,
        objects=tuple(sorted(by_name.values(), key=_salience)),
        groups=tuple(sorted(groups, key=_salience)),
        near=near,
        sides=sides,
        covers=covers,
        land=structure,
        absent=_absent(record, annotated),
        complete=frozenset(name for name in (*by_class, *by_group) if words.can_deny(name, annotated)),
        label=record["label"],
    )


def _salience(group: Objects) -> tuple[int, str]:
    return (-group.number, group.name)


def _absent(record: Mapping[str, Any], exhaustive: frozenset[str]) -> tuple[str, ...]:
    """Widest classes that may be denied. Never land cover: part of a map may be unlabelled."""
    if record["boxes"] is None:
        return ()
    found = {kind for box in record["boxes"] for kind in words.kinds(box["class"])}
    mapped = (region["class"] for region in record["regions"] or () if region["fraction"] > 0)
    found.update(kind for name in mapped for kind in words.kinds(name))
    if record["label"] is not None:
        found.update(words.kinds(record["label"]))
    things = (name for name in exhaustive if not words.noun(name).silent and not words.noun(name).cover)
    denied = {words.kinds(name)[-1] for name in things}
    return tuple(sorted(name for name in denied if name not in found and words.can_deny(name, exhaustive)))


def _objects(name: str, spots: Sequence[Spot], width_px: int, height_px: int) -> Objects:
    within, mostly, cells = layout.places(spots, width_px, height_px)
    axis, aligned = layout.axes(spots)
    many = len(spots) > 1
    density = layout.density(spots, width_px, height_px) if many else None
    arranged = layout.arrangements(spots, width_px, height_px, aligned=aligned, dense=density == "dense")
    return Objects(
        name=name,
        number=len(spots),
        within=within,
        mostly=mostly,
        cells=cells,
        arrangements=tuple(arranged) if many else (),
        density=density,
        axis=axis,
        aligned=aligned,
        size_m=_size_m(name, spots),
        width_m=_between([one.width_m for one in spots]) if _all_lengths_stated(spots) else None,
        heading_deg=None if many else spots[0].heading_deg,
    )


def _all_lengths_stated(spots: Sequence[Spot]) -> bool:
    return all(one.length_m is not None for one in spots)


def _size_m(name: str, spots: Sequence[Spot]) -> tuple[float, float] | None:
    if words.noun(words.kinds(name)[-1]).measure != "diameter" and _all_lengths_stated(spots):
        return _between([one.length_m for one in spots])
    return _between([one.size_m for one in spots])


def _between(sizes_m: Sequence[float | None]) -> tuple[float, float] | None:
    """Least and greatest, where all are known."""
    known = [size_m for size_m in sizes_m if size_m is not None]
    return (min(known), max(known)) if len(known) == len(sizes_m) else None
