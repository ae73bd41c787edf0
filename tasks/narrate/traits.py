"""A2C: what can be said of the objects of one class: where, how arranged, which way, how large. Facts → messages."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import permutations

from tasks.narrate import words
from tasks.narrate.facts import Objects
from tasks.narrate.grammar import Message, Slots, bare, counted, form, forms, number, one, some_of, vague, whole
from tasks.narrate.phrasebook import Dice, Fragment, draw, pick
from tasks.narrate.words import Claim

Trait = Callable[[Dice], Fragment]  # what may stand behind "the ships are"

LEAST_SIZE_M = 10  # below it whole metres are too coarse for "about"
LEAST_WIDTH_M = 5
LOOSELY = 0.75  # how often "on the left side" is said of what lies in the left third
ALIKE = 1.08  # greatest size over least, of which one number is true


def messages(group: Objects, *, georeferenced: bool, named: bool) -> list[Message]:
    """All that can be said of `group`; of one that no sentence has `named` yet, only what names it itself."""
    name = group.name
    place, manner, which_way, large = (f"{name}.{topic}" for topic in ("place", "arrangement", "axis", "size"))
    traits: dict[str, Trait] = {}
    found = []
    if group.within:
        traits[place] = partial(_place, group, georeferenced)
        found.append(Message("lead", partial(_lead, group, georeferenced), (place, "types")))
    if group.arrangements or group.density:
        traits[manner] = partial(_manner, group)
        found.append(Message("lead_how", partial(_lead_manner, group, georeferenced), (place, manner, "types")))
        if _formations(group):
            found.append(Message("short", partial(_formation, group), (manner,)))
    if not named:
        return found
    if group.axis or group.aligned:
        traits[which_way] = partial(_axis, group)
    sized = group.size_m is not None and group.size_m[0] >= LEAST_SIZE_M
    if sized and not group.width_m:
        traits[large] = partial(_size, group)
    elif sized:  # "about 120 m long and about 20 m wide" is enough for a sentence
        found.append(Message("size", partial(_said_of_all, group, (partial(_size, group),)), (large,)))
    for topic, trait in traits.items():
        found.append(Message(topic.split(".")[-1], partial(_said_of_all, group, (trait,)), (topic,)))
    for first, second in permutations(traits, 2):
        both = traits[first], traits[second]
        joint = " " if (first, second) == (manner, place) else " and "
        found.append(Message("traits", partial(_said_of_all, group, both, joint=joint), (first, second)))
    if group.cells and not group.within:
        found.append(Message("place", partial(_in_cells, group), (place,)))
    if group.mostly:
        found.append(Message("place", partial(_mostly_in_place, group), (place,)))
    if group.heading_deg is not None:
        found.append(Message("heading", partial(_heading, group, group.heading_deg), (f"{name}.heading",)))
    return found


def _said_of_all(group: Objects, traits: Sequence[Trait], dice: Dice, *, joint: str = "") -> Slots:
    """ "the six ships", "lined up in a row in the upper left" """
    said = [trait(dice) for trait in traits]
    claims = tuple(claim for trait in said for claim in trait.claims)
    text = joint.join(trait.text for trait in said)
    return {"group": whole(group.name, group.number, dice), "trait": Fragment(text, claims)}


def place_words(place: str, dice: Dice, *, georeferenced: bool = False) -> tuple[str, str]:
    """How a place is said, with its preposition, and its name: by compass where the image allows it, at times."""
    if georeferenced and dice.random() < 0.6:
        for name, compass in words.lexicon().compass.items():
            if compass.place == place:
                return draw(compass.words, dice), name
    return draw(words.lexicon().places[place].words, dice), place


def _place(group: Objects, georeferenced: bool, dice: Dice, *, who: str = "all") -> Fragment:
    """ "in the upper left", of all objects of the class"""
    place = pick(group.within, dice)
    if place.endswith("third") and dice.random() < LOOSELY:
        name = place.replace("third", "half")
        text = draw(words.lexicon().places[name].loosely, dice)
    else:
        text, name = place_words(place, dice, georeferenced=georeferenced)
    return Fragment(
        text, (Claim("compass" if name in words.lexicon().compass else "place", group.name, f"{who}@{name}"),)
    )


def _loosely(group: Objects, dice: Dice) -> Fragment:
    name, how = group.name, form(group.name, dice)
    if group.number == 1:
        return one(name, how) if dice.random() < 0.6 else counted(name, 1, dice, how)
    exact = counted(name, group.number, dice, how)
    return draw((exact, *vague(name, group.number, how)), dice)


def _who(objects: Fragment) -> str:
    """Of how many of the class a place is said, where they are named like this."""
    value = objects.claims[0].value
    return "some" if value in ("some", "any") else value


def _lead(group: Objects, georeferenced: bool, dice: Dice) -> Slots:
    """ "six ships", "in the upper left" """
    objects = _loosely(group, dice)
    place = _place(group, georeferenced, dice, who=_who(objects))
    return {"objects": objects._replace(claims=()), "place": place}


def _lead_manner(group: Objects, georeferenced: bool, dice: Dice) -> Slots:
    """ "six ships", "lined up in a row in the upper left" """
    objects, manner = _loosely(group, dice), _manner(group, dice)
    if not group.within or dice.random() < 0.3:
        return {"objects": objects, "how": manner}
    place = _place(group, georeferenced, dice, who=_who(objects))
    both = Fragment(f"{manner.text} {place.text}", (*manner.claims, *place.claims))
    return {"objects": objects._replace(claims=()), "how": both}


def _manner(group: Objects, dice: Dice) -> Fragment:
    """ "lined up in a row", "densely packed" """
    lexicon = words.lexicon()
    ways = [*group.arrangements, *([group.density] if group.density else [])]
    way = pick(ways, dice)
    kind, table = ("density", lexicon.densities) if way in lexicon.densities else ("arrangement", lexicon.arrangements)
    phrases = table[way].two if group.number == 2 and table[way].two else table[way].words
    return Fragment(draw(phrases, dice), (Claim(kind, group.name, way),))


def _formations(group: Objects) -> list[str]:
    """Arrangements that may stand in front of the class: "a row of"."""
    lexicon = words.lexicon()
    travels = words.noun(words.kinds(group.name)[-1]).travels
    return [
        way
        for way in group.arrangements
        if group.number > 2 and lexicon.arrangements[way].before and (way != "convoy" or travels)
    ]


def _formation(group: Objects, dice: Dice) -> Slots:
    """ "a row of six ships" """
    way, how = pick(_formations(group), dice), form(group.name, dice)
    how_many = draw((counted(group.name, group.number, dice, how), bare(group.name, how)), dice)
    text = f"{draw(words.lexicon().arrangements[way].before, dice)} {how_many.text}"
    return {"objects": Fragment(text, (*how_many.claims, Claim("arrangement", group.name, way)))}


def _in_cells(group: Objects, dice: Dice) -> Slots:
    """ "two of the ships": "in the upper left, one in the center and one in the lower right" """
    (first, count), *rest = group.cells
    texts = [
        place_words(first, dice)[0],
        *(f"{number(inside, dice)} {place_words(cell, dice)[0]}" for cell, inside in rest),
    ]
    text = texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"
    claims = tuple(Claim("place", group.name, f"{inside}@{cell}") for cell, inside in group.cells)
    return {"group": some_of(group.name, count, dice), "trait": Fragment(text, claims)}


def _mostly_in_place(group: Objects, dice: Dice) -> Slots:
    place = pick(group.mostly, dice)
    most = Fragment(f"most of the {forms(group.name)[form(group.name, dice)][1]}", (), True, True)
    at = Fragment(place_words(place, dice)[0], (Claim("place", group.name, f"most@{place}"),))
    return {"group": most, "trait": at}


def _size(group: Objects, dice: Dice) -> Fragment:
    """ "about 120 m long and about 20 m wide" """
    assert group.size_m is not None
    lexicon = words.lexicon()
    measure = words.noun(group.name).measure or words.noun(words.kinds(group.name)[-1]).measure or "length"
    unit = draw(lexicon.lengths if measure == "length" else lexicon.diameters, dice)
    about = draw(lexicon.abouts, dice)
    length = _about(group.size_m, about, unit, Claim(measure, group.name, ""))
    if group.width_m is None or group.width_m[0] < LEAST_WIDTH_M:
        return length
    alike = [width for width in lexicon.widths if width.split()[0] == unit.split()[0]]  # both in "m" or in "meters"
    width = _about(group.width_m, about, draw(alike, dice), Claim("width", group.name, ""))
    return Fragment(f"{length.text} and {width.text}", (*length.claims, *width.claims))


def _about(size_m: tuple[float, float], about: str, unit: str, claim: Claim) -> Fragment:
    least_m, most_m = _two_figures(size_m[0]), _two_figures(size_m[1])
    if size_m[1] <= ALIKE * size_m[0]:
        return Fragment(f"{about} {least_m} {unit}", (claim._replace(value=str(least_m)),))
    return Fragment(f"{about} {least_m} to {most_m} {unit}", (claim._replace(value=f"{least_m}..{most_m}"),))


def _two_figures(size_m: float) -> int:
    """Rounded to two figures, so that "about" is never off by more than 5 % (of widths below 10 m, 10 %)."""
    step = 10 if size_m >= 100 else 1
    while size_m >= 100 * step:
        step *= 10
    return round(size_m / step) * step


def _axis(group: Objects, dice: Dice) -> Fragment:
    """ "oriented horizontally", "parallel to one another" """
    lexicon = words.lexicon()
    if group.axis is None or (group.aligned and dice.random() < 0.4):
        return Fragment(draw(lexicon.aligned, dice), (Claim("aligned", group.name, "yes"),))
    return Fragment(draw(lexicon.axes[group.axis].words, dice), (Claim("axis", group.name, group.axis),))


def _heading(group: Objects, heading_deg: float, dice: Dice) -> Slots:
    heading = round(heading_deg / 5) * 5 % 360
    claim = Claim("heading", group.name, f"{heading:03}")
    return {
        "group": whole(group.name, 1, dice),
        "heading": Fragment(f"{heading} {words.lexicon().degrees[0]}", (claim,)),
    }
