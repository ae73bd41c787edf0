"""SA2C: what a land-cover map gives to say. Facts → messages."""

from collections.abc import Sequence
from functools import partial

from tasks.narrate import words
from tasks.narrate.cover import Cover, Part
from tasks.narrate.facts import Facts
from tasks.narrate.grammar import Message, Slots, a, area, areas, listed, number, spells
from tasks.narrate.phrasebook import Dice, Fragment, draw
from tasks.narrate.traits import place_words
from tasks.narrate.words import Claim

LISTED = 0.03  # of the mapped area: smaller covers are left out of lists
MAX_PATCHES = 9
MOST = (0.6, 0.9)  # where "most of" is said
WHOLE = 0.995  # from here no number is said
ALL_OVER = 0.9  # of what covers so much, no place is named
LEAST_PART = 0.04


def messages(facts: Facts) -> list[Message]:
    """All that can be said of the land cover of an image."""
    if not facts.covers:
        return []
    listable = [cover for cover in facts.covers if cover.fraction >= LISTED] or [facts.covers[0]]
    found = [Message("cover_short", partial(_short, listable))]
    if facts.land.dominant:
        found.append(Message("cover_most", partial(_dominant, facts.land.dominant)))
        if words.noun(facts.land.dominant).scenes:
            found.append(Message("cover_scene", partial(_scene, facts.land.dominant)))
    if facts.land.patchwork:
        found.append(Message("patchwork", partial(_patchwork, listable)))
    for first in listable[:3]:
        found.append(Message("share", partial(_shares, first, listable[:4]), ("share",)))
    for cover in facts.covers:
        name = cover.name
        for place in cover.fills if cover.fraction <= ALL_OVER else ():
            build = partial(_fills, name, place, facts.georeferenced)
            found.append(Message("cover_place", build, (f"fills.{place}",)))
        for other in cover.adjacent:
            border = "/".join(sorted((name, other)))
            found.append(Message("border", partial(_border, name, other), (border,)))
        if cover.fraction >= LISTED and 1 < cover.patches <= MAX_PATCHES:
            found.append(Message("patches", partial(_patches, cover), (f"patches.{name}",)))
        for direction in cover.crosses:
            found.append(Message("crosses", partial(_crosses, name, direction), (f"crosses.{name}",)))
    if facts.land.shore:
        found.append(Message("shore", _shore, ("shore",)))
    for part in facts.land.parts:
        if part.fraction >= LEAST_PART:
            found.append(Message("part", partial(_part, part), ("part",)))
    return found


def _short(listable: Sequence[Cover], dice: Dice) -> Slots:
    named = [area(cover.name, dice) for cover in listable[: 2 + int(dice.random() * 3)]]
    return {"covers": listed(named, draw(words.lexicon().joints, dice))}


def _dominant(name: str, dice: Dice) -> Slots:
    plain = area(name, dice)
    return {"top": plain._replace(claims=(*plain.claims, Claim("dominant", name, "yes")))}


def _scene(name: str, dice: Dice) -> Slots:
    """ "a wooded landscape" """
    scene = draw(words.noun(name).scenes, dice)
    claims = (Claim("count", name, "any"), Claim("dominant", name, "yes"))
    return {"scene": Fragment(f"{a(scene)} {scene}", claims)}


def _patchwork(listable: Sequence[Cover], dice: Dice) -> Slots:
    covers = listed([area(cover.name, dice) for cover in listable[:5]])
    return {"covers": covers._replace(claims=(*covers.claims, Claim("patchwork", "image", "yes")))}


def _shares(first: Cover, listable: Sequence[Cover], dice: Dice) -> Slots:
    """ "about half", and ", trees about 30% and roads about 5%" for the rest."""
    rest = [cover for cover in listable if cover is not first][: int(dice.random() * 4)]
    listed_rest = []
    for cover in rest:
        share, plain = percent(cover.name, cover.fraction, dice), area(cover.name, dice)
        listed_rest.append(Fragment(f"{plain.text} {share.text}", (*plain.claims, *share.claims)))
    more = listed(listed_rest) if rest else Fragment("")
    joint = ", " if len(rest) > 1 else ", and "
    text = f"{joint}{more.text}" if rest else ""
    return {
        "cover": area(first.name, dice),
        "share": in_words(first.name, first.fraction, dice),
        "more": Fragment(text, more.claims),
    }


def _fills(name: str, place: str, georeferenced: bool, dice: Dice) -> Slots:
    text, said = place_words(place, dice, georeferenced=georeferenced)
    noun = text.split(" ", 1)[1]  # without the preposition
    return {"cover": area(name, dice), "place": Fragment(noun, (Claim("fills", name, said),))}


def _border(name: str, other: str, dice: Dice) -> Slots:
    claim = Claim("adjacent", *sorted((name, other)))
    return {"cover": area(name, dice), "other": area(other, dice)._replace(claims=(claim,))}


def _patches(cover: Cover, dice: Dice) -> Slots:
    claim = Claim("patches", cover.name, str(cover.patches))
    patches = Fragment(f"{number(cover.patches, dice)} {draw(words.lexicon().patches, dice)}", (claim,))
    return {"cover": area(cover.name, dice), "patches": patches}


def _crosses(name: str, direction: str, dice: Dice) -> Slots:
    """ "a river", "from left to right" """
    line = draw(words.noun(name).lines, dice)
    claim = Claim("crosses", name, direction)
    return {
        "line": Fragment(f"{a(line)} {line}"),
        "direction": Fragment(draw(words.lexicon().crossings[direction].words, dice), (claim,)),
    }


def _shore(dice: Dice) -> Slots:
    return {"shore": Fragment(draw(words.lexicon().shore, dice), (Claim("shore", "image", "yes"),))}


def _part(part: Part, dice: Dice) -> Slots:
    """ "destroyed buildings", "about 30%", "buildings" """
    share = in_words(part.name, part.fraction, dice, most=False)
    claims = tuple(Claim("part", part.name, f"{claim.value} {part.whole}") for claim in share.claims)
    return {
        "cover": areas(part.name)[0],
        "share": Fragment(share.text, claims),
        "whole": Fragment(areas(part.whole)[0].text),
    }


def percent(name: str, fraction: float, dice: Dice) -> Fragment:
    """ "about 40%", "about 37%": to the next 1, or above 10 % at times to the next 5."""
    lexicon = words.lexicon()
    value = fraction * 100
    rounded = round(value / 5) * 5 if value >= 9.5 and dice.random() < 0.6 else round(value)
    if rounded == 100 and fraction < 1:
        rounded = 99
    if rounded == 0:
        return Fragment("less than 1%", (Claim("share", name, "0.000..0.010"),))
    tolerance = lexicon.percent_tolerance if rounded >= 10 else lexicon.small_percent_tolerance
    sign = lexicon.percents[dice.name("percent", len(lexicon.percents))]  # the same all through a caption
    claim = Claim("share", name, bounds(rounded / 100 - tolerance, rounded / 100 + tolerance))
    in_full = sign != "%" and spells(dice) and rounded in lexicon.spelled
    text = lexicon.spelled[rounded] if in_full else str(rounded)
    return Fragment(f"{draw(lexicon.abouts, dice)} {text}{sign}", (claim,))


def in_words(name: str, fraction: float, dice: Dice, *, most: bool = True) -> Fragment:
    """ "about half", "most", or the percentage."""
    exact = percent(name, fraction, dice)
    options = [exact] if fraction < WHOLE else []
    lexicon = words.lexicon()
    if most and MOST[0] <= fraction <= MOST[1]:
        options.append(Fragment("most", (Claim("share", name, bounds(lexicon.most[0], lexicon.most[1])),)))
    for share in lexicon.shares:
        if share.say and share.say[0] <= fraction <= share.say[1]:
            options.append(Fragment(share.words, (Claim("share", name, bounds(share.low, share.high)),)))
    return draw(options, dice)


def bounds(low: float, high: float) -> str:
    """The value of a share claim."""
    return f"{max(low, 0):.3f}..{min(high, 1):.3f}"
