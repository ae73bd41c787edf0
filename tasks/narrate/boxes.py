"""A2C: what boxes give to say: what is there, how it lies to landmarks, what is not. Facts → messages."""

from collections.abc import Sequence
from functools import partial

from tasks.narrate import traits, words
from tasks.narrate.facts import Facts, Objects
from tasks.narrate.grammar import (
    Message,
    Slots,
    article,
    bare,
    counted,
    denied,
    form,
    forms,
    listed,
    one,
    single,
    some_of,
    vague,
    whole,
)
from tasks.narrate.phrasebook import Dice, Fragment, draw
from tasks.narrate.relations import Near, Side
from tasks.narrate.words import Claim

MAX_LISTED = 4  # classes in one list; beyond, only the widest classes are counted
FIRST = ("short", "lead", "lead_how")  # keys of sentences that may begin a caption
MAX_DENIED = 3  # classes of which the captions of one image may say that there is none


def messages(facts: Facts, *, dice: Dice) -> list[Message]:
    """All that can be said of the objects of an image."""
    if not facts.objects:
        return _absent("empty", facts, dice)
    all_typed = sum(group.number for group in facts.objects) == sum(group.number for group in facts.groups)
    listable = all_typed and len(facts.objects) <= MAX_LISTED
    shown = _by_type(facts) if listable and dice.random() < 0.75 else facts.groups
    found = [
        Message("short", partial(_short, shown[:MAX_LISTED], facts)),
        Message("count", partial(_count, shown, facts)),
    ]
    totals = {group.name: group.number for group in facts.groups}
    types = [item for item in facts.objects if item.number < totals[words.kinds(item.name)[-1]]][:MAX_LISTED]
    if types and shown is facts.groups:
        found.append(Message("types", partial(_types, types), ("types",)))
    for group in dict.fromkeys((*facts.groups, *facts.objects)):
        # "The D7 bulldozer lies …" needs a sentence before it that has named one.
        named = group in shown or (group in facts.groups and not _has_one_type(group, facts))
        said = traits.messages(group, georeferenced=facts.georeferenced, named=named)
        found += [one for one in said if one.key not in FIRST] if words.noun(group.name).remainder else said
    for near in facts.near:
        found += _nearness(near, facts)
    found += [Message("side", partial(_side, side), (f"{side.subject}.{side.landmark}",)) for side in facts.sides]
    return found + _absent("absent", facts, dice)


def _by_type(facts: Facts) -> Sequence[Objects]:
    """Every class by its narrowest name, "aircraft of other types" last, and only beside types that they are not."""
    rest = [item for item in facts.objects if words.noun(item.name).remainder]
    named = [item for item in facts.objects if item not in rest]
    kinds = {words.noun(item.name).parent for item in named}
    if any(words.noun(item.name).parent not in kinds for item in rest):
        return facts.groups
    return [*named, *rest]


def _has_one_type(group: Objects, facts: Facts) -> bool:
    return any(item.number == group.number and group.name in words.kinds(item.name) for item in facts.objects)


def _short(shown: Sequence[Objects], facts: Facts, dice: Dice) -> Slots:
    return {"objects": listed([_loosely(group, facts, dice) for group in shown], draw(words.lexicon().joints, dice))}


def _count(shown: Sequence[Objects], facts: Facts, dice: Dice) -> Slots:
    return {"objects": listed([_counted(group, facts, dice) for group in shown], draw(words.lexicon().joints, dice))}


def _types(types: Sequence[Objects], dice: Dice) -> Slots:
    return {"objects": listed([counted(item.name, item.number, dice) for item in types])}


def _counted(group: Objects, facts: Facts, dice: Dice) -> Fragment:
    name, how = group.name, form(group.name, dice)
    if group.number == 1 and dice.random() < 0.5:
        return single(name, how) if name in facts.complete and dice.random() < 0.5 else one(name, how)
    return counted(name, group.number, dice, how)


def _loosely(group: Objects, facts: Facts, dice: Dice) -> Fragment:
    if group.number == 1:
        return _counted(group, facts, dice)
    name, how = group.name, form(group.name, dice)
    return draw((counted(name, group.number, dice, how), bare(name, how), *vague(name, group.number, how)), dice)


def _absent(key: str, facts: Facts, dice: Dice) -> list[Message]:
    names = list(facts.absent)
    drawn = [names.pop(int(dice.random() * len(names))) for _ in range(min(len(names), MAX_DENIED))]
    return [Message(key, partial(_denied, name)) for name in drawn]


def _denied(name: str, dice: Dice) -> Slots:
    return {"absent": denied(name, form(name, dice))}


def _nearness(near: Near, facts: Facts) -> list[Message]:
    about = (f"{near.subject}.{near.landmark}",)
    found = [Message("near", partial(_near, near), about)]
    group = next(group for group in facts.groups if group.name == near.subject)
    edge = words.noun(near.landmark).edge
    if near.number == near.total:
        found.append(Message("near_lead", partial(_near_lead, near), about))
        if edge and near.landmarks == 1 and "row" in group.arrangements:
            found.append(Message("along", partial(_along, near, edge), (*about, f"{near.subject}.arrangement")))
    return found


def _near(near: Near, dice: Dice) -> Slots:
    everyone = near.number == near.total
    group = whole(near.subject, near.total, dice) if everyone else some_of(near.subject, near.number, dice)
    claim = Claim("near", near.subject, f"{'all' if everyone else near.number} {near.landmark}")
    return {
        "group": group,
        "near": Fragment(draw(words.lexicon().near, dice), (claim,)),
        "landmark": _landmark(near.landmark, near.landmarks, dice, one_of_many=near.number == 1),
    }


def _near_lead(near: Near, dice: Dice) -> Slots:
    """ "two ships", "near", "a harbor" """
    objects = counted(near.subject, near.total, dice, form(near.subject, dice))
    claim = Claim("near", near.subject, f"{near.total} {near.landmark}")
    how = form(near.landmark, dice)
    singular, plural = forms(near.landmark)[how]
    landmark = f"{article(near.landmark, how)} {singular}" if near.landmarks == 1 else plural
    return {
        "objects": objects._replace(claims=()),
        "near": Fragment(draw(words.lexicon().near, dice), (claim,)),
        "landmark": Fragment(landmark),
    }


def _along(near: Near, edge: str, dice: Dice) -> Slots:
    """ "six ships", "lined up in a row", "quay" """
    row = Claim("arrangement", near.subject, "row")
    beside = Claim("near", near.subject, f"all {near.landmark}")
    arrangement = Fragment(draw(words.lexicon().arrangements["row"].words, dice), (row,))
    group = whole(near.subject, near.total, dice)
    return {"group": group, "arrangement": arrangement, "edge": Fragment(edge, (beside,))}


def _side(side: Side, dice: Dice) -> Slots:
    claim = Claim("side_of", side.subject, f"all {side.side} {side.landmark}")
    return {
        "group": whole(side.subject, side.total, dice),
        "side": Fragment(draw(words.lexicon().sides[side.side].words, dice), (claim,)),
        "landmark": _landmark(side.landmark, 1, dice),
    }


def _landmark(name: str, number: int, dice: Dice, *, one_of_many: bool = False) -> Fragment:
    """ "the harbor", "the harbors", "a harbor" """
    how = form(name, dice)
    singular, plural = forms(name)[how]
    if number == 1:
        return Fragment(f"the {singular}")
    return Fragment(f"{article(name, how)} {singular}" if one_of_many else f"the {plural}")
