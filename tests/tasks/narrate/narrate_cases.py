"""Annotations for the narrate tests: rows of `records.parquet`, made up and seeded."""

from math import cos, pi, sin
from random import Random
from typing import Any

from tasks.narrate import compose, grammar, phrasebook, reader, reading, words

THINGS = ["ship", "aircraft", "vehicle", "storage_tank", "bridge", "harbor", "tennis_court", "building"]
AIRCRAFT = ["a220", "a320_a321", "a330", "arj21", "boeing737", "boeing787", "other_aircraft"]
VEHICLES = ["2s1", "bmp2", "brdm2", "btr60", "btr70", "d7", "t62", "t72", "zil131", "zsu234"]
COVERS = ["bareland", "grass", "pavement", "road", "tree", "water", "cropland", "building", "flood", "mountain",
          "urban", "vegetation", "bare_soil", "dry_land", "background", "intact_building", "damaged_building",
          "destroyed_building"]  # fmt: skip


def record(**changes: Any) -> dict[str, Any]:
    """A row without any annotation, but for `changes`."""
    row: dict[str, Any] = dict.fromkeys(
        ("sensor", "band", "polarization", "pixel_spacing_x_m", "pixel_spacing_y_m", "resolution_m", "split", "pair_id",
         "boxes", "regions", "label", "captions", "crs", "bounds")
    )  # fmt: skip
    row |= {"record_id": "made/a.png", "source": "made", "modality": "sar", "width_px": 256, "height_px": 256}
    assert not set(changes) - set(row), changes
    return row | changes


def box(
    name: str, x: float, y: float, w: float = 20, h: float = 6, angle_deg: float | None = None, **stated: float | None
) -> dict[str, Any]:
    """`stated`: heading_deg, length_m, width_m."""
    unknown = {"heading_deg": None, "length_m": None, "width_m": None}
    assert not set(stated) - set(unknown), stated
    return {"class": name, "x": x, "y": y, "w": w, "h": h, "angle_deg": angle_deg} | unknown | stated


def region(
    name: str,
    fraction: float,
    grid: list[float],
    components: int = 1,
    adjacent: tuple[str, ...] = (),
    *,
    largest: float = 1.0,
    crosses: tuple[str, ...] = (),
) -> dict[str, Any]:
    """`largest`: of the class's own area."""
    return {
        "class": name,
        "fraction": fraction,
        "grid": grid,
        "components": components,
        "largest_fraction": fraction * largest,
        "adjacent": sorted(adjacent),
        "crosses": sorted(crosses),
    }


def random_record(rng: Random, number: int) -> dict[str, Any]:
    """Any row that a source may give: boxes in rows, crowds and loosely, maps, both, chips, nothing."""
    width_px, height_px = rng.choice([(256, 256), (512, 300), (200, 600)])
    row = record(record_id=f"made/{number}", width_px=width_px, height_px=height_px)
    row["modality"] = rng.choice(["sar", "sar", "sar", "optical"])
    row["sensor"] = rng.choice([None, "simulated", "Sentinel-1", "Gaofen-3"])
    row["band"], row["polarization"] = rng.choice([None, "C", "X"]), rng.choice([None, "VV", "HH", "VV+VH"])
    row["resolution_m"] = rng.choice([None, 0.3, 1.3, 10.0])
    if rng.random() < 0.6:
        row["pixel_spacing_x_m"] = rng.choice([0.3, 3.0, 5.0, 10.0])
        row["pixel_spacing_y_m"] = row["pixel_spacing_x_m"] * rng.choice([1, 1, 1.4])
    if rng.random() < 0.3:
        row["crs"], row["bounds"] = "EPSG:32650", [0.0, 0.0, 2560.0, 2560.0]
    kind = rng.random()
    if kind < 0.75:
        row["boxes"] = random_boxes(rng, width_px, height_px)
    if kind > 0.6 and kind < 0.9:
        row["regions"] = random_regions(rng)
    if kind > 0.9:
        row["label"] = rng.choice(VEHICLES + AIRCRAFT + THINGS[:3])
    if row["boxes"] is not None and row["regions"] is not None and row["modality"] == "sar":
        row["pair_id"] = f"p{number}"
    return row


def random_exhaustive(rng: Random) -> frozenset[str]:
    return frozenset(rng.sample(THINGS + AIRCRAFT + COVERS[:8], rng.randrange(8)))


def random_boxes(rng: Random, width_px: int, height_px: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for _ in range(rng.choice([0, 1, 1, 1, 2, 2, 3])):
        names = rng.choice(
            [["ship"]] * 3 + [[rng.choice(THINGS)]] * 4 + [rng.sample(AIRCRAFT, 3), rng.sample(VEHICLES, 4)]
        )
        count = rng.choice([1, 1, 1, 2, 3, 4, 5, 7, 12, 13, 25, 110])
        shape = rng.choice(["row", "crowd", "loose", "loose", "grid", "side"])
        x0, y0 = rng.uniform(0, width_px), rng.uniform(0, height_px)
        angle, step = rng.uniform(0, pi), rng.uniform(4, 60)
        rotated, slender = rng.random() < 0.5, rng.random() < 0.6
        common_deg = rng.choice([None, 0.0, 45.0, 90.0, 135.0, angle * 180 / pi, rng.uniform(0, 180)])
        if shape in ("row", "side") and rng.random() < 0.5:
            common_deg = angle * 180 / pi
        spread_deg = rng.choice([1, 4])
        by_ais = rng.random() < 0.2
        for index in range(count):
            if shape == "row":
                x = x0 + index * step * cos(angle) + rng.gauss(0, step / 12)
                y = y0 + index * step * sin(angle) + rng.gauss(0, step / 12)
            elif shape == "crowd":
                x, y = x0 + rng.gauss(0, width_px / 20), y0 + rng.gauss(0, height_px / 20)
            elif shape == "grid":
                x = width_px * (0.5 + index % 4 + rng.uniform(-0.15, 0.15)) / 4
                y = height_px * (0.5 + index // 4 % 4 + rng.uniform(-0.15, 0.15)) / 4
            elif shape == "side":
                x, y = x0 - index * 9 * sin(angle), y0 + index * 9 * cos(angle)
            else:
                x, y = rng.uniform(0, width_px), rng.uniform(0, height_px)
            w, h = (rng.uniform(20, 60), rng.uniform(3, 7)) if slender else (rng.uniform(2, 60), rng.uniform(2, 30))
            if rng.random() < 0.2:
                w, h, x, y = round(w), round(w), round(x), round(y)  # borderlines are hit by round numbers
            x, y = min(max(x, 1), width_px - 1), min(max(y, 1), height_px - 1)
            turned = common_deg if common_deg is not None else rng.choice([0.0, 30.0, 117.5])
            angle_deg = (turned + rng.gauss(0, spread_deg)) % 180 if rotated else None
            stated = {}
            if by_ais and rng.random() < 0.95:
                stated = {"heading_deg": rng.uniform(0, 360), "length_m": rng.uniform(12, 380),
                          "width_m": rng.choice([None, rng.uniform(3, 60)])}  # fmt: skip
            found.append(box(rng.choice(names), x - w / 2, y - h / 2, w, h, angle_deg, **stated))
    return found


def random_regions(rng: Random) -> list[dict[str, Any]]:
    names = rng.sample(COVERS, rng.randint(1, 6))
    power = rng.choice([3, 3, 0.3])
    weights = [rng.random() ** power for _ in names]
    cells = []
    for _ in range(9):
        shares = [weight * rng.random() for weight in weights]
        total = sum(shares)
        mapped = total > 0 and rng.random() > 0.03
        cells.append([share / total if mapped else 0.0 for share in shares])
    fractions = [sum(cell[index] for cell in cells) for index in range(len(names))]
    total = sum(fractions)
    return [
        region(name, fraction / total, [cell[index] for cell in cells], rng.randint(0, 12),
               tuple(other for other in names if other != name and rng.random() < 0.3),
               largest=rng.choice([1.0, 0.9, 0.82, 0.5]),
               crosses=rng.choice([(), (), ("left-right",), ("top-bottom",), ("left-right", "top-bottom")]))
        for index, (name, fraction) in enumerate(zip(names, fractions, strict=True)) if total
    ]  # fmt: skip


def golden_records() -> dict[str, dict[str, Any]]:
    """Records of every kind, whose captions stand in golden.json and were read by eye."""
    spacing = {"pixel_spacing_x_m": 3.0, "pixel_spacing_y_m": 3.0}
    jets = [box("boeing737", 30 + 25 * n, 40, 18, 16) for n in range(3)]
    lake = region("water", 0.62, [1.0, 1.0, 0.3] * 3, components=2, adjacent=("tree",))
    wood = region("tree", 0.30, [0.0, 0.0, 0.6] * 3, components=3, adjacent=("road", "water"))
    street = region("road", 0.08, [0.0, 0.0, 0.1] * 3, adjacent=("tree",))
    fields = [region(name, 0.2 + 0.05 * n, [0.2 + 0.05 * n] * 9, 4, ("road",)) for n, name in enumerate(COVERS[:3])]
    quay = [
        box("harbor", 60, 70, 60, 40),
        box("ship", 30, 75, 26, 7),
        box("ship", 66, 115, 24, 6),
        box("ship", 200, 210),
    ]
    north = {"crs": "EPSG:32650", "bounds": [0.0, 0.0, 768.0, 768.0]}
    rng = Random(2)
    tanks = [box("storage_tank", rng.uniform(5, 240), rng.uniform(5, 240), 10, 10.5) for _ in range(14)]
    return {
        "one ship": record(
            boxes=[box("ship", 20, 30, 40, 9)], sensor="Sentinel-1", band="C", polarization="VV", **spacing
        ),
        "harbor": record(boxes=quay, **spacing),
        "row of ships": record(boxes=[box("ship", 30 + 34 * n, 60 + 22 * n, 22, 6) for n in range(6)]),
        "jets": record(boxes=[*jets, box("a220", 180, 200, 18, 16), box("other_aircraft", 150, 90, 20, 20)]),
        "tanks from above": record(boxes=tanks, modality="optical", **spacing),
        "vehicles": record(boxes=[box(name, 20 + 20 * n, 200, 9, 9) for n, name in enumerate(VEHICLES[:6])]),
        "chip": record(label="t72", band="X", polarization="HH", resolution_m=0.3),
        "jet chip": record(label="a320_a321", sensor="Gaofen-3"),
        "nothing there": record(boxes=[]),
        "lake": record(regions=[lake, wood, street]),
        "fields": record(regions=[*fields, region("road", 0.25, [0.25] * 9, 1)]),
        "reported by AIS": record(
            boxes=[box("cargo_ship", 90, 90, 62, 14, 40.0, heading_deg=131.0, length_m=187.0, width_m=28.4)],
            sensor="Sentinel-1",
            polarization="VH",
        ),
        "convoy": record(boxes=[box("vehicle", 40 + 30 * n, 160, 16, 7, 2.0) for n in range(5)], **spacing),
        "side by side": record(
            boxes=[box("ship", 100, 20 + 9 * n, 50, 7, 178.0) for n in range(4)], **north, **spacing
        ),
        "along the quay": record(
            boxes=[box("harbor", 20, 180, 220, 60), *(box("ship", 30 + 50 * n, 160, 30, 8, 1.0) for n in range(4))]
        ),
        "packed": record(boxes=[box("vehicle", 60 + 8 * (n % 6), 70 + 8 * (n // 6), 6, 5) for n in range(24)]),
        "evenly spread": record(
            boxes=[box("storage_tank", 25 + 56 * (n % 4), 25 + 56 * (n // 4), 20, 20) for n in range(16)],
            modality="optical",
            **spacing,
        ),
        "apart": record(
            boxes=[
                box("ship", 20, 20, 30, 8, 45.0),
                box("ship", 200, 210, 30, 8, 45.0),
                box("bridge", 120, 20, 12, 80, 0.0),
            ],
            **spacing,
        ),
        "river": record(
            regions=[
                region(
                    "water",
                    0.18,
                    [0.1, 0.0, 0.0, 0.7, 0.6, 0.4, 0.0, 0.0, 0.0],
                    adjacent=("cropland", "tree"),
                    crosses=("left-right",),
                ),
                region("cropland", 0.60, [0.8, 0.9, 0.9, 0.2, 0.3, 0.4, 0.6, 0.7, 0.6], 5, ("road", "tree", "water")),
                region("tree", 0.16, [0.1, 0.1, 0.1, 0.1, 0.1, 0.2, 0.3, 0.2, 0.3], 9, ("cropland", "water")),
                region(
                    "road",
                    0.06,
                    [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.1, 0.1, 0.1],
                    crosses=("top-bottom",),
                    adjacent=("cropland",),
                ),
            ]
        ),
        "coast": record(
            **north,
            regions=[
                region("water", 0.52, [1.0, 0.9, 0.1, 1.0, 0.5, 0.0, 0.9, 0.3, 0.0], adjacent=("bareland",)),
                region("bareland", 0.30, [0.0, 0.1, 0.6, 0.0, 0.3, 0.7, 0.1, 0.4, 0.5], 2, ("building", "water")),
                region("building", 0.18, [0.0, 0.0, 0.3, 0.0, 0.2, 0.3, 0.0, 0.3, 0.5], 8, ("bareland",)),
            ],
        ),
        "patchwork": record(
            regions=[
                region(name, share, [share] * 9, 4, ())
                for name, share in (("cropland", 0.31), ("tree", 0.27), ("grass", 0.24), ("building", 0.18))
            ],
            band="C",
            polarization="VV+VH",
        ),
        "damage": record(
            regions=[
                region("background", 0.55, [0.55] * 9, 3),
                region("intact_building", 0.22, [0.22] * 9, 20),
                region("damaged_building", 0.08, [0.08] * 9, 7),
                region("destroyed_building", 0.15, [0.15] * 9, 9),
            ],
            resolution_m=0.5,
        ),
        "pair": record(pair_id="1", boxes=quay[:3], regions=[lake, wood, street], band="X"),
    }


def clear_caches() -> None:
    """Forget the data files, so that changed ones are read."""
    for module in (words, phrasebook, grammar, compose, reading, reader):
        for value in vars(module).values():
            if hasattr(value, "cache_clear"):
                value.cache_clear()
