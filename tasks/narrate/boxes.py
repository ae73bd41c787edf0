"""A2C: what boxes give to say. Facts → messages, each a sentence with its slots filled."""

from random import Random

from tasks.narrate import words
from tasks.narrate.facts import Facts, Near, Objects
from tasks.narrate.grammar import (
    Fragment,
    Message,
    article,
    bare,
    counted,
    denied,
    listed,
    number,
    one,
    pick,
    single,
    vague,
)
from tasks.narrate.words import Claim

MAX_LISTED = 4  # classes in one list; beyond, only the widest classes are counted
MAX_DENIED = 3  # classes of which the captions of one image may say that there is none
LEAST_SIZE_M = 10  # below it whole metres are too coarse for "about"


def messages(facts: Facts, *, rng: Random) -> list[Message]:
    """All that can be said of the objects of an image."""
    if not facts.objects:
        return _absent("empty", facts, rng)
    all_typed = sum(group.number for group in facts.objects) == sum(group.number for group in facts.groups)
    listable = all_typed and len(facts.objects) <= MAX_LISTED
    shown = facts.objects if listable and rng.random() < 0.75 else facts.groups
    found = [
        Message("short", {"objects": listed([_loosely(group, facts, rng) for group in shown[:MAX_LISTED]])}),
        Message("count", {"objects": listed([_counted(group, facts, rng) for group in shown])}),
    ]
    totals = {group.name: group.number for group in facts.groups}
    types = [item for item in facts.objects if item.number < totals[words.kinds(item.name)[-1]]][:MAX_LISTED]
    if types and shown is facts.groups:
        found.append(Message("types", {"objects": listed([counted(item.name, item.number) for item in types])}))
    for group in dict.fromkeys((*facts.groups, *facts.objects)):
        # "The D7 bulldozer lies …" needs a sentence before it that has named one.
        named = group in shown or (group in facts.groups and not _has_one_type(group, facts))
        found += [message for message in _about(group, rng) if named or message.key in ("short", "lead")]
    found += [_near(near, rng) for near in facts.near]
    return found + _absent("absent", facts, rng)


def _has_one_type(group: Objects, facts: Facts) -> bool:
    return any(item.number == group.number and group.name in words.kinds(item.name) for item in facts.objects)


def _about(group: Objects, rng: Random) -> list[Message]:
    """Where the objects of a class are, how they are arranged, how large they are."""
    found = _places(group, rng)
    if group.arrangement:
        found += _arrangement(group, rng)
    if group.size_m:
        found += _size(group, rng)
    return found


def _counted(group: Objects, facts: Facts, rng: Random) -> Fragment:
    if group.number == 1 and rng.random() < 0.5:
        return single(group.name) if group.name in facts.complete and rng.random() < 0.5 else one(group.name)
    return counted(group.name, group.number)


def _loosely(group: Objects, facts: Facts, rng: Random) -> Fragment:
    if group.number == 1:
        return _counted(group, facts, rng)
    return pick((counted(group.name, group.number), bare(group.name), *vague(group.name, group.number)), rng)


def _absent(key: str, facts: Facts, rng: Random) -> list[Message]:
    names = list(facts.absent)
    drawn = [names.pop(int(rng.random() * len(names))) for _ in range(min(len(names), MAX_DENIED))]
    return [Message(key, {"absent": denied(name)}) for name in drawn]


def place_words(place: str, rng: Random) -> str:
    return pick(words.lexicon().places[place].words, rng)


def whole(group: Objects, rng: Random) -> Fragment:
    """ "the ship", "the ships", "all three ships": every object of the class."""
    noun = words.noun(group.name)
    same = noun.plural == noun.singular
    if group.number == 1:
        return Fragment(f"the {noun.singular}", (Claim("count", group.name, "any" if same else "1"),))
    claims = (Claim("count", group.name, str(group.number)),)
    style = int(rng.random() * 3)
    if style == 0 and group.number > 2:
        return Fragment(f"all {number(group.number)} {noun.plural}", claims, True, True)
    if style == 1:
        return Fragment(f"the {number(group.number)} {noun.plural}", claims, True, True)
    return Fragment(f"the {noun.plural}", (Claim("count", group.name, "any" if same else "some"),), True, True)


def part(name: str, count: int) -> Fragment:
    """ "two of the ships" """
    return Fragment(f"{number(count)} of the {words.noun(name).plural}", (), count != 1, count != 1)


def _places(group: Objects, rng: Random) -> list[Message]:
    found, name = [], group.name
    if group.within:
        place = pick(group.within, rng)
        at = Fragment(place_words(place, rng))
        lead = one(name) if group.number == 1 and rng.random() < 0.6 else counted(name, group.number)
        lead = lead._replace(claims=(Claim("place", name, f"{group.number}@{place}"),))
        found.append(Message("lead", {"objects": lead, "place": at}))
        group_at = at._replace(claims=(Claim("place", name, f"all@{place}"),))
        found.append(Message("place", {"group": whole(group, rng), "place": group_at}))
    elif group.cells:
        (first, count), *rest = group.cells
        parts = [place_words(first, rng), *(f"{number(inside)} {place_words(cell, rng)}" for cell, inside in rest)]
        claims = tuple(Claim("place", name, f"{inside}@{cell}") for cell, inside in group.cells)
        at = Fragment(listed([Fragment(text) for text in parts]).text, claims)
        found.append(Message("place", {"group": part(name, count), "place": at}))
    if group.mostly:
        place = pick(group.mostly, rng)
        most = Fragment(f"most of the {words.noun(name).plural}", (), True, True)
        at = Fragment(place_words(place, rng), (Claim("place", name, f"most@{place}"),))
        found.append(Message("place", {"group": most, "place": at}))
    return found


def _arrangement(group: Objects, rng: Random) -> list[Message]:
    assert group.arrangement is not None
    phrases = words.lexicon().arrangements[group.arrangement]
    claim = Claim("arrangement", group.name, group.arrangement)
    slots = {"group": whole(group, rng), "arrangement": Fragment(pick(phrases.words, rng), (claim,))}
    found = [Message("arrangement", slots)]
    if phrases.before and group.number > 2:
        how_many = pick((counted(group.name, group.number), bare(group.name)), rng)
        text = f"{phrases.before[0]} {how_many.text}"
        found.append(Message("short", {"objects": Fragment(text, (*how_many.claims, claim))}))
    return found


def _size(group: Objects, rng: Random) -> list[Message]:
    assert group.size_m is not None
    if group.size_m[0] < LEAST_SIZE_M:
        return []
    least_m, most_m = (_two_figures(size_m) for size_m in group.size_m)
    measure = words.noun(group.name).measure
    lexicon = words.lexicon()
    unit = pick(lexicon.lengths if measure == "length" else lexicon.diameters, rng)
    alike = group.size_m[1] <= 1.08 * group.size_m[0]
    value = least_m if alike else f"{least_m}..{most_m}"
    text = f"about {least_m}" if alike else f"about {least_m} to {most_m}"
    size = Fragment(f"{text} {unit}", (Claim(str(measure), group.name, str(value)),))
    return [Message("size", {"group": whole(group, rng), "size": size})]


def _two_figures(size_m: float) -> int:
    """Rounded to two figures, so that "about" is never off by more than 5 %."""
    step = 10 if size_m >= 100 else 1
    while size_m >= 100 * step:
        step *= 10
    return round(size_m / step) * step


def _near(near: Near, rng: Random) -> Message:
    group = Objects(near.subject, near.total, (), (), (), None, None)
    everyone = near.number == near.total
    value = f"{'all' if everyone else near.number} {near.landmark}"
    noun = words.noun(near.landmark)
    landmark = f"the {noun.singular}" if near.landmarks == 1 else f"the {noun.plural}"
    if near.landmarks > 1 and near.number == 1:
        landmark = f"{article(near.landmark)} {noun.singular}"
    return Message(
        "near",
        {
            "group": whole(group, rng) if everyone else part(near.subject, near.number),
            "near": Fragment(pick(words.lexicon().near, rng), (Claim("near", near.subject, value),)),
            "landmark": Fragment(landmark),
        },
    )
