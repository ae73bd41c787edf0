"""Class chips: what a label gives to say. Facts → messages, each a sentence with its slots filled."""

from random import Random

from tasks.narrate import words
from tasks.narrate.facts import Facts
from tasks.narrate.grammar import Message, counted, one, pick


def messages(facts: Facts, *, rng: Random) -> list[Message]:
    """All that can be said of a chip with one labelled object."""
    assert facts.label is not None
    if words.noun(facts.label).silent:
        return []
    target = one(facts.label)
    found = [
        Message("short", {"objects": target}),
        Message("chip", {"objects": pick((target, counted(facts.label, 1)), rng)}),
    ]
    last_word = words.noun(facts.label).singular.split()[-1]
    for kind in words.kinds(facts.label)[1:-1]:  # the widest is left out: "a T-72 tank, a vehicle" says too little
        if words.noun(kind).singular.split()[-1] != last_word:  # "a T-72 tank, a military tank" nothing new
            found.append(Message("chip_kind", {"objects": target, "kind": one(kind)}))
    return found
