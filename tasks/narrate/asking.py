"""What a question is before it has words, what it asserts with its answer, and how it comes back from its words.

A question is a key of `questions.yaml`, a subject (a class, or `image`) and what tells it from its like: places,
numbers, other classes. These and the answer decide what is claimed, so that claims are made here and nowhere else.
docs/questions.md lists the claims that captions do not make; one that starts with `not_` says that the rest is untrue.
"""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from tasks.narrate import words
from tasks.narrate.words import Claim

YES, NO = "yes", "no"
SHARE_STEP = 5  # percent
DAMAGE = ("damaged_building", "destroyed_building")
COMMON = 6  # classes of which absence is asked, and pairs that are compared: at most, an image


class Question(NamedTuple):
    """What is asked. Two images are asked the same where these are equal, however it is worded."""

    key: str
    subject: str  # our class name, or `image`
    slots: tuple[str, ...] = ()  # in the order that `questions.yaml` states


class Ask(NamedTuple):
    """A question with its true answer."""

    question: Question
    answer: str  # normalised


def claims_of(question: Question, answer: str) -> tuple[Claim, ...]:
    """What `question` and `answer` together assert. Raises `ValueError` where the answer is none to the question."""
    key, name, slots = question
    positive = _YES_CLAIMS.get(key)
    if positive is not None:
        claim = Claim(positive[0], name, positive[1].format(*slots))
        if answer == YES:
            return (claim,)
        if answer != NO:
            raise ValueError(f"'{answer}' is neither yes nor no")
        if key in _DENIALS:
            return (claim._replace(value=_DENIALS[key].format(*slots)),)
        return (claim._replace(kind=f"not_{claim.kind}"),)
    return _open_claims(key, name, slots, answer)


_YES_CLAIMS = {  # key → kind and value where the answer is yes
    "presence.objects": ("count", "any"),
    "presence.cover": ("count", "any"),
    "comparison.classes": ("more", "{}"),
    "comparison.halves": ("more_in", "{}>{}"),
    "comparison.number": ("more_than", "{}"),
    "position.objects": ("place", "any@{}"),
    "position.cover": ("fills", "{}"),
    "nearest.is": ("nearest", "{}"),
    "relative.one": ("side_of", "all {} {}"),
    "relative.all": ("side_of", "all {} {}"),
    "relative.ends": ("ends", "{}"),
    "size.longer": ("longer", "{}"),
    "size.wider": ("wider", "{}"),
    "arrangement.is": ("arrangement", "{}"),
    "share.more": ("more_share", "{}"),
    "dominant.is": ("dominant", "yes"),
    "dominant.most": ("most_numerous", "yes"),
    "scene.shore": ("shore", "yes"),
    "scene.patchwork": ("patchwork", "yes"),
    "scene.crosses": ("crosses", "{}"),
    "scene.target": ("target", "{}"),
    "damage.present": ("count", "any"),
    "damage.more": ("more_part", "{} building"),
}
_DENIALS = {"presence.objects": "0", "presence.cover": "0", "damage.present": "0", "position.objects": "0@{}"}


_NUMBER, _PERCENT = re.compile("0|[1-9][0-9]*"), re.compile("(?:0|[1-9][0-9]?|100)%")
_FORMS = {
    "count.objects": _NUMBER,
    "count.place": _NUMBER,
    "size.length": _NUMBER,
    "size.diameter": _NUMBER,
    "share.number": _PERCENT,
    "damage.number": _PERCENT,
    "position.where": re.compile("(?:upper|lower) (?:left|center|right)|middle (?:left|right)|center"),
}


def _open_claims(key: str, name: str, slots: tuple[str, ...], answer: str) -> tuple[Claim, ...]:
    form = _FORMS.get(key)
    if form is not None and not form.fullmatch(answer):
        raise ValueError(f"'{answer}' is no answer to {key}")
    if key == "count.objects":
        return (Claim("count", name, answer), *([Claim("only", name, "yes")] if answer != "0" else []))
    if key == "count.place":
        return (Claim("place", name, f"{answer}@{slots[0]}"), *([Claim("only", name, "yes")] if answer != "0" else []))
    if key == "position.where":
        return (Claim("count", name, "1"), Claim("place", name, f"all@{answer}"))
    if key in ("size.length", "size.diameter"):
        return (Claim("count", name, "1"), Claim(key.partition(".")[2], name, answer))
    if key == "share.number":
        return (Claim("share", name, around(answer)),)
    if key == "damage.number":
        return (Claim("part", name, f"{around(answer)} building"),)
    made = _class_of(answer)
    if key == "nearest.which":
        return (Claim("nearest", name, made),)
    if key == "dominant.which":
        return (Claim("dominant", made, "yes"),)
    if key == "dominant.numerous":
        return (Claim("most_numerous", made, "yes"),)
    assert key == "scene.which", key
    return (Claim("target", "image", made),)


def around(percent: str) -> str:
    """`40%` as the range of shares that it stands for."""
    share, tolerance = float(percent.removesuffix("%")) / 100, words.lexicon().percent_tolerance
    return f"{max(share - tolerance, 0):.3f}..{min(share + tolerance, 1):.3f}"


def class_answer(name: str) -> str:
    """The one form of a class as an answer: singular, lower-case, without article; land cover as it is called."""
    noun = words.noun(name)
    return (noun.cover or noun.singular).lower()


def _class_of(answer: str) -> str:
    for name in words.nouns():
        if class_answer(name) == answer:
            return name
    raise ValueError(f"'{answer}' is no class")


def are_apart(one: str, other: str) -> bool:
    """Whether neither class is the other or a wider one of it."""
    return one != other and one not in words.kinds(other) and other not in words.kinds(one)


def some(items: Sequence[Any], draw: int, most: int) -> Sequence[Any]:
    """At most `most` of the items, beginning anywhere."""
    if len(items) <= most:
        return items
    start = draw % len(items)
    return [items[(start + index) % len(items)] for index in range(most)]
