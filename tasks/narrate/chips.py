"""Class chips: what a label gives to say. Facts → messages."""

from functools import partial

from tasks.narrate import words
from tasks.narrate.facts import Facts
from tasks.narrate.grammar import Message, Slots, counted, form, forms, one
from tasks.narrate.phrasebook import Dice, Fragment
from tasks.narrate.words import Claim


def messages(facts: Facts) -> list[Message]:
    """All that can be said of a chip with one labelled object."""
    assert facts.label is not None
    if words.noun(facts.label).silent:
        return []
    name = facts.label
    if words.noun(name).remainder:  # "an aircraft of another type", alone: than which?
        name = words.kinds(name)[1]
    found = [Message("short", partial(_short, name)), Message("count", partial(_count, name))]
    if facts.modality == "sar":
        found.append(Message("chip_short", partial(_short, name)))
    last_word = words.noun(name).singular.split()[-1]
    for kind in words.kinds(name)[1:-1]:  # the widest is left out: "a T-72 tank, a vehicle" says too little
        if words.noun(kind).singular.split()[-1] != last_word:  # "a T-72 tank, a military tank" nothing new
            found.append(Message("chip_kind", partial(_kind, name, kind), (kind,)))
            found.append(Message("chip_is", partial(_is, name, kind), (kind,)))
    return found


def _short(name: str, dice: Dice) -> Slots:
    return {"objects": one(name, form(name, dice))}


def _count(name: str, dice: Dice) -> Slots:
    how = form(name, dice)
    return {"objects": counted(name, 1, dice, how) if dice.random() < 0.3 else one(name, how)}


def _kind(name: str, kind: str, dice: Dice) -> Slots:
    return {"objects": one(name, form(name, dice)), "kind": one(kind)}


def _is(name: str, kind: str, dice: Dice) -> Slots:
    singular, plural = forms(name)[form(name, dice)]
    value = "any" if singular == plural else "1"
    return {"target": Fragment(f"the {singular}", (Claim("count", name, value),)), "kind": one(kind)}
