"""Five sentences about an optical image, each true by its scene: templates whose fields the scene fills."""

import functools
import string
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tasks import strict
from tasks.download.simulate.scene import BARELAND, COVER, CROPLAND, GRASS, TREE, WATER, Scene, Thing

CAPTIONS_AN_IMAGE = 5
NUMBERS = ("no", "a", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
FIELDS = {"ship": "ship", "aircraft": "aircraft", "vehicle": "vehicle", "storage_tank": "tank", "bridge": "bridge"}
SEEN = 0.03  # share of the image from which a land cover is worth a word


@dataclass(frozen=True)
class Templates:
    """The table `captions.yaml`."""

    nouns: dict[str, tuple[tuple[str, ...], ...]]
    themes: dict[str, tuple[str, ...]]
    objects: tuple[str, ...]


@functools.cache
def templates() -> Templates:
    """The caption templates."""
    return strict.load(Templates, Path(__file__).with_name("captions.yaml"))


def write(scene: Scene) -> list[str]:
    """Five captions, two to four about the place, the others about its objects where it has some. They differ, unless a
    scene gives less to say: then one stands twice, as RSICD's do (Lu et al. 2017)."""
    rng, table = scene.random("captions"), templates()
    ground = _tell_ground(scene, rng)
    groups = [_usable(options, ground, scene, rng) for options in (table.themes[scene.theme], table.objects)]
    quota = CAPTIONS_AN_IMAGE - min(len(groups[1]), 1 + int(rng.integers(2)))
    chosen = groups[0][:quota] + groups[1]
    chosen = list(dict.fromkeys(chosen + groups[0]))[:CAPTIONS_AN_IMAGE]
    assert len(chosen) > CAPTIONS_AN_IMAGE // 2, f"scene {scene.number} ({scene.theme}) allows {len(chosen)} captions"
    chosen += chosen[: CAPTIONS_AN_IMAGE - len(chosen)]
    return [chosen[index] for index in rng.permutation(CAPTIONS_AN_IMAGE)]


def _usable(options: Sequence[str], ground: dict[str, str], scene: Scene, rng: np.random.Generator) -> list[str]:
    """The templates whose fields are all known, filled and in random order."""
    sentences = []
    for index in rng.permutation(len(options)):
        facts = _facts(ground, scene, rng)
        fields = {field for _, field, _, _ in string.Formatter().parse(options[index]) if field}
        if fields <= facts.keys():
            text = options[index].format_map(facts)
            sentences.append(text[0].upper() + text[1:])
    return sentences


def _facts(ground: dict[str, str], scene: Scene, rng: np.random.Generator) -> dict[str, str]:
    """What is true of `scene`, in words; nouns and ways to count are drawn anew for each caption."""
    facts = dict(ground)
    for kind, field in FIELDS.items():
        _tell(facts, field, [thing for thing in scene.things if thing.kind == kind], scene, rng)
    ships = [thing for thing in scene.things if thing.kind == "ship"]
    if ships and all(ship.moving for ship in ships):
        _tell(facts, "ship_moving", ships, scene, rng)
    if ships and all(ship.moored for ship in ships):
        _tell(facts, "ship_moored", ships, scene, rng)
    vehicles = [thing for thing in scene.things if thing.kind == "vehicle"]
    if vehicles and all(scene.cover[int(thing.y), int(thing.x)] == COVER["road"] for thing in vehicles):
        _tell(facts, "vehicle_driving", vehicles, scene, rng)
    return facts


def _tell(facts: dict[str, str], field: str, things: list[Thing], scene: Scene, rng: np.random.Generator) -> None:
    kind = {"tank": "storage_tank", "ship_moving": "ship", "ship_moored": "ship", "vehicle_driving": "vehicle"}.get(
        field, field
    )
    nouns = templates().nouns[kind]
    one, many = nouns[int(rng.integers(len(nouns)))]
    count = len(things)
    if not count:
        facts |= {f"no_{field}": f"no {many}", f"when_no_{field}": ""}
        return
    colours = {thing.colour for thing in things} - {""}
    coloured = len(colours) == 1 and (kind not in ("bridge",)) and rng.random() < 0.75
    adjective = f"{next(iter(colours))} " if coloured else ""
    facts[field] = counted(count, f"{adjective}{one}", f"{adjective}{many}", rng)
    facts |= {f"{field}_be": "is" if count == 1 else "are", f"{field}_s": "s" if count == 1 else "",
              f"{field}_es": "es" if count == 1 else "", "both_be": "are"}  # fmt: skip
    if count == 1:
        facts |= {f"one_{field}": facts[field], f"{field}_at": position(things[0], scene), f"when_one_{field}": ""}
    lengths = {round(thing.length) for thing in things}
    if kind == "aircraft" and len(lengths) == 1:
        facts[f"{field}_length"] = str(lengths.pop())


def _tell_ground(scene: Scene, rng: np.random.Generator) -> dict[str, str]:
    """What the land cover and the buildings make true, the same for all captions of a scene."""
    facts: dict[str, str] = {}
    cover = scene.crop(scene.cover)
    counts = np.bincount(cover.ravel(), minlength=9) / cover.size
    palette = scene.palette
    if counts[WATER] > 0.002:
        facts |= {"water": palette.water, "when_water": ""}
    if counts[TREE] > SEEN:
        facts["trees"] = f"{palette.tree} trees"
    if counts[GRASS] > SEEN:
        facts["grass"] = f"{palette.grass} grass"
    if counts[BARELAND] > SEEN:
        facts |= {"bare": f"{palette.bareland} bare land", "bare_colour": palette.bareland}
    greens = [facts[name] for name in ("trees", "grass") if name in facts]
    if greens:
        facts["green_cover"] = " and ".join(greens)
    if counts[COVER["road"]] > 0.01:
        facts["when_road"] = ""
    if counts[BARELAND] > 0.97:
        facts["when_only_bare"] = ""
    facts["when_island" if counts[WATER] < 0.995 and scene.theme == "sea" and _land(counts) > 0.02 else "_"] = ""
    if _land(counts) == 0:
        facts["when_no_island"] = ""
    if counts[CROPLAND] > 0.1 and scene.crops:
        tints = np.bincount(scene.crop(scene.tint)[cover == CROPLAND], minlength=len(scene.crops) + 1) / cover.size
        crops = sorted({scene.crops[tint - 1] for tint in range(1, len(tints)) if tints[tint] > SEEN})
        facts["fields"] = _listed(crops) + " fields"
    _tell_buildings(facts, scene, rng)
    return facts


def _land(counts: "np.typing.NDArray[np.float64]") -> float:
    return float(counts[BARELAND] + counts[GRASS] + counts[TREE])


def _tell_buildings(facts: dict[str, str], scene: Scene, rng: np.random.Generator) -> None:
    low, high = scene.margin_px, scene.margin_px + scene.size_px
    seen = [thing for thing in scene.things if thing.kind == "building" and low + 4 < thing.x < high - 4
            and low + 4 < thing.y < high - 4]  # fmt: skip
    partly = sum(thing.kind == "building" for thing in scene.things) - len(seen)
    if not seen or (partly and len(seen) < 3):
        return  # what is cut by the edge makes small counts doubtful
    one, many = templates().nouns["house" if scene.theme == "residential" else "building"][0]
    colours = Counter(thing.colour for thing in scene.things if thing.kind == "building")
    roof = f" with {{}}{next(iter(colours))} roof{{}}" if len(colours) == 1 else ""
    if len(seen) == 1:
        facts["buildings"] = f"a {one}" + roof.format("a ", "")
    elif partly:
        facts["buildings"] = ("several " if len(seen) < 10 else "many ") + many + roof.format("", "s")
    else:
        facts["buildings"] = counted(len(seen), one, many, rng) + roof.format("", "s")
    facts |= {"buildings_be": "is" if len(seen) == 1 else "are", "buildings_s": "s" if len(seen) == 1 else ""}


def counted(count: int, one: str, many: str, rng: np.random.Generator) -> str:
    """`count` things in words: "a ship", "an airplane", "three ships", "several ships", "many ships"."""
    if count == 1:
        return f"{'an' if one[0] in 'aeiou' else 'a'} {one}"
    if (count >= 3 and rng.random() < 0.25) or count >= len(NUMBERS):
        return f"{'several' if count < 10 else 'many'} {many}"
    return f"{NUMBERS[count]} {many}"


def position(thing: Thing, scene: Scene) -> str:
    """Where on a 3 × 3 grid the centre of `thing` lies."""
    column, row = (min(2, max(0, int(3 * (at - scene.margin_px) / scene.size_px))) for at in (thing.x, thing.y))
    rows, columns = ("upper", "", "lower"), ("left", "", "right")
    if row == 1 and column == 1:
        return "in the middle"
    if row == 1:
        return f"on the {columns[column]} side"
    if column == 1:
        return f"in the {rows[row]} part"
    return f"in the {rows[row]} {columns[column]}"


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]
