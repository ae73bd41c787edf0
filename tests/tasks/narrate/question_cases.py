"""Sources for the tests of questions: many made-up images of one kind, seeded."""

from random import Random
from typing import Any

from narrate_cases import (
    AIRCRAFT,
    COVERS,
    THINGS,
    VEHICLES,
    box,
    random_exhaustive,
    random_record,
    random_regions,
    record,
)

EVERYTHING = frozenset(THINGS + AIRCRAFT + VEHICLES + COVERS) - {"background"}
FEW = frozenset({"ship", "aircraft", "vehicle", "harbor", "bridge", "water", "road", "tree", "destroyed_building"})


def any_annotation(number: int, rng: Random) -> tuple[dict[str, Any], frozenset[str]]:
    """A record of any kind with what its source annotates exhaustively: all, a few classes, or hardly any."""
    row = random_record(rng, number)
    if row["regions"] is not None:
        row["labelled_fraction"] = rng.choice([1.0, 1.0, 0.97, 0.92, 0.5])
    return row, (EVERYTHING, FEW, random_exhaustive(rng))[number % 3]


def ships(count: int, *, seed: int = 1, empty: float = 0.2, name: str = "ships") -> list[dict[str, Any]]:
    """Images of 0 to 5 ships, `empty` of them without one."""
    rng = Random(seed)
    rows = []
    for number in range(count):
        some = 0 if rng.random() < empty else min(1 + int(rng.expovariate(0.7)), 5)
        boxes = [
            box("ship", rng.uniform(5, 210), rng.uniform(5, 210), rng.uniform(25, 40), rng.uniform(5, 9))
            for _ in range(some)
        ]
        spacing = {"pixel_spacing_x_m": 3.0, "pixel_spacing_y_m": 3.0}
        rows.append(record(record_id=f"{name}/{number}.png", source=name, boxes=boxes, **spacing))
    return rows


def maps(count: int, *, seed: int = 2, name: str = "maps") -> list[dict[str, Any]]:
    """Images with land-cover maps, all labelled."""
    rng = Random(seed)
    rows = [record(record_id=f"{name}/{n}.png", source=name, regions=random_regions(rng)) for n in range(count)]
    return [row | {"labelled_fraction": 1.0} for row in rows]
