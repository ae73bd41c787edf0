"""SA2C: what a land-cover map gives to say. Facts → messages, each a sentence with its slots filled."""

from collections.abc import Sequence
from random import Random

from tasks.narrate import words
from tasks.narrate.boxes import place_words
from tasks.narrate.cover import Cover
from tasks.narrate.facts import Facts
from tasks.narrate.grammar import Fragment, Message, area, listed, number, pick
from tasks.narrate.words import Claim

LISTED = 0.03  # of the mapped area: smaller covers are left out of lists
MAX_PATCHES = 9


def messages(facts: Facts, *, rng: Random) -> list[Message]:
    """All that can be said of the land cover of an image."""
    if not facts.covers:
        return []
    found = []
    listable = [cover for cover in facts.covers if cover.fraction >= LISTED] or [facts.covers[0]]
    found.append(
        Message(
            "cover_short", {"covers": listed([area(cover.name) for cover in listable[: 2 + int(rng.random() * 3)]])}
        )
    )
    if facts.dominant:
        plain = area(facts.dominant)
        top = plain._replace(claims=(*plain.claims, Claim("dominant", facts.dominant, "yes")))
        found.append(Message("cover_most", {"top": top}))
    for first in listable[:2]:
        found.append(_shares([first, *(cover for cover in listable[:3] if cover is not first)], rng))
    for cover in facts.covers:
        for place in cover.fills:
            noun = place_words(place, rng).split(" ", 1)[1]  # without the preposition
            claim = Claim("fills", cover.name, place)
            found.append(Message("cover_place", {"cover": area(cover.name), "place": Fragment(noun, (claim,))}))
        found += _borders(cover)
        if cover.fraction >= LISTED and 1 < cover.patches <= MAX_PATCHES:
            claim = Claim("patches", cover.name, str(cover.patches))
            patches = Fragment(f"{number(cover.patches)} separate {pick(('patches', 'areas'), rng)}", (claim,))
            found.append(Message("patches", {"cover": area(cover.name), "patches": patches}))
    return found


def _borders(cover: Cover) -> list[Message]:
    found = []
    for other in cover.adjacent:
        bordered = area(other)
        claim = Claim("adjacent", *sorted((cover.name, other)))
        found.append(Message("border", {"cover": area(cover.name), "other": bordered._replace(claims=(claim,))}))
    return found


def _shares(covers: Sequence[Cover], rng: Random) -> Message:
    """ "about half", and ", trees about 30% and roads about 5%" for the rest."""
    first, *rest = covers
    rest = rest[: int(rng.random() * 3)]
    listed_rest = []
    for cover in rest:
        share = percent(cover)
        plain = area(cover.name)
        listed_rest.append(Fragment(f"{plain.text} {share.text}", (*plain.claims, *share.claims)))
    more = listed(listed_rest) if rest else Fragment("")
    joint = ", " if len(rest) > 1 else ", and "
    text = f"{joint}{more.text}" if rest else ""
    share = in_words(first, rng)
    return Message("share", {"cover": area(first.name), "share": share, "more": Fragment(text, more.claims)})


def percent(cover: Cover) -> Fragment:
    """ "about 40%": to the next 5 above 10 %, to the next 1 below."""
    lexicon = words.lexicon()
    value = cover.fraction * 100
    rounded = round(value / 5) * 5 if value >= 9.5 else round(value)
    if rounded == 100 and cover.fraction < 1:
        rounded = 99
    if rounded == 0:
        return Fragment("less than 1%", (Claim("share", cover.name, "0.000..0.010"),))
    tolerance = lexicon.percent_tolerance if rounded >= 10 else lexicon.small_percent_tolerance
    claim = Claim("share", cover.name, bounds(rounded / 100 - tolerance, rounded / 100 + tolerance))
    return Fragment(f"about {rounded}%", (claim,))


def in_words(cover: Cover, rng: Random) -> Fragment:
    """ "about half", "most", or the percentage."""
    options = [percent(cover)]
    lexicon = words.lexicon()
    if cover.fraction >= 0.6:
        options.append(Fragment("most", (Claim("share", cover.name, bounds(lexicon.most[0], lexicon.most[1])),)))
    for share in lexicon.shares:
        if share.say and share.say[0] <= cover.fraction <= share.say[1]:
            options.append(Fragment(share.words, (Claim("share", cover.name, bounds(share.low, share.high)),)))
    return pick(options, rng)


def bounds(low: float, high: float) -> str:
    """The value of a share claim."""
    return f"{max(low, 0):.3f}..{min(high, 1):.3f}"
