"""Questions into words and back: `questions.yaml` as a table of strings.

Reading is exact: a string is taken apart into the words that fill slots and the rest, and the rest must be that of one
of the wordings. So a question can be checked by what it says, whatever was stored with it.
"""

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import product
from typing import Literal, NamedTuple

from tasks import strict
from tasks.narrate import words
from tasks.narrate.asking import Question

_SLOT = re.compile(r"\{(\w+)\}")
_CHOICE = re.compile(r"\(([^()]*)\)")
_NO_SLOTS = ("land cover", "all buildings")  # they hold a noun, and stay as they are
_MARK = "\x00"  # in the rest of a string, where a slot was
_SUBJECT = ("object", "objects", "an_object", "cover")
_OTHER = ("other", "others", "an_other")


@dataclass(frozen=True)
class Key:
    """A way to ask."""

    version: int
    answer: Literal["yes/no", "number", "place", "class", "other"]
    wordings: tuple[str, ...]


@dataclass(frozen=True)
class Questions:
    """`questions.yaml`"""

    version: int
    images: dict[str, tuple[str, ...]]
    arrangements: dict[str, str]
    sides: dict[str, str]
    ways: dict[str, str]
    ends: dict[str, str]
    keys: dict[str, Key]

    def __post_init__(self) -> None:
        if len({len(shown) for shown in self.images.values()}) != 1:
            raise ValueError("`images` must hold as many words for each modality")

    def table(self, slot: str) -> dict[str, str]:
        """The words of a slot that holds one of a few values."""
        return {"arrangement": self.arrangements, "side": self.sides, "way": self.ways, "ends": self.ends}[slot]


class Frame(NamedTuple):
    """A wording without alternatives."""

    text: str
    slots: tuple[str, ...]  # in the order in which they stand there


@cache
def questions() -> Questions:
    """Raises `ValueError` naming the key of `questions.yaml` that does not fit."""
    return strict.load(Questions, words.FOLDER / "questions.yaml")


@cache
def frames(key: str) -> tuple[Frame, ...]:
    """The wordings of a key, alternatives spelled out, sorted. Raises `ValueError` naming an unknown slot."""
    texts = sorted({text for wording in questions().keys[key].wordings for text in _spelled_out(wording)})
    found = tuple(Frame(text, tuple(_SLOT.findall(text))) for text in texts)
    for frame in found:
        for slot in frame.slots:
            if slot not in (*_SUBJECT, *_OTHER, "image", "place", "other_place", "number") and slot not in _TABLES:
                raise ValueError(f"{key}: no slot {{{slot}}} in '{frame.text}'")
    return found


_TABLES = ("arrangement", "side", "way", "ends")


def _spelled_out(wording: str) -> list[str]:
    pieces = _CHOICE.split(wording)
    options = [piece.split("|") if index % 2 else [piece] for index, piece in enumerate(pieces)]
    return [re.sub(r" {2,}", " ", "".join(chosen)).strip() for chosen in product(*options)]


def family(key: str) -> str:
    """The family of a key."""
    return _FAMILIES[key.partition(".")[0]]


_FAMILIES = {
    "presence": "presence", "count": "count", "comparison": "comparison", "position": "position",
    "nearest": "nearest", "relative": "relative_position", "size": "size", "arrangement": "arrangement",
    "share": "area_share", "dominant": "dominant", "scene": "scene", "damage": "damage",
}  # fmt: skip


@cache
def number_of_wordings(key: str) -> int:
    """How many strings one question may become for one modality."""
    return len(frames(key)) * len(questions().images["sar"])


@cache
def wordings(question: Question, modality: str) -> tuple[str, ...]:
    """All strings of a question; those of another modality stand in the same order."""
    filled = _values(question)
    return tuple(
        frame.text.format(image=shown, **filled)
        for shown in questions().images[modality]
        for frame in frames(question.key)
    )


def slots_of(key: str) -> tuple[str, ...]:
    """The slots that tell questions of one key and subject apart, in the order of `Question.slots`."""
    ordered = ("place", "other_place", "number", "arrangement", "side", "way", "ends", "other")
    present = {"other" if slot in _OTHER else slot for slot in frames(key)[0].slots}
    return tuple(slot for slot in ordered if slot in present)


def _values(question: Question) -> dict[str, str]:
    filled: dict[str, str] = {}
    if question.subject != "image":
        noun = words.noun(question.subject)
        filled |= {"object": noun.singular, "objects": noun.plural, "an_object": with_article(question.subject),
                   "cover": noun.cover or noun.plural}  # fmt: skip
    for slot, value in zip(slots_of(question.key), question.slots, strict=True):
        if slot == "other":
            other = words.noun(value)
            filled |= {"other": other.singular, "others": other.plural, "an_other": with_article(value)}
        else:
            filled[slot] = questions().table(slot)[value] if slot in _TABLES else value
    return filled


def with_article(name: str) -> str:
    """One of the class: "a ship"."""
    noun = words.noun(name)
    return f"{noun.article or ('an' if noun.singular[0].lower() in 'aeiou' else 'a')} {noun.singular}"


@lru_cache(maxsize=2**16)
def read(text: str) -> Question:
    """The question that `text` asks. Raises `ValueError` where it is none of the wordings."""
    pattern, values = _vocabulary()
    found: list[str] = []

    def taken(match: re.Match[str]) -> str:
        if match["kept"]:
            return match[0]
        found.append(match["noun"] or match["plain"] or match["number"])
        return _MARK

    rest = pattern.sub(taken, text)
    for key, slots in _rests().get(rest, ()):
        question = _question(key, slots, found, values)
        if question is not None:
            return question
    raise ValueError(f"no question of ours reads '{text}'")


def _question(key: str, slots: tuple[str, ...], found: list[str], values: dict[str, dict[str, str]]) -> Question | None:
    filled = {}
    for slot, said in zip(slots, found, strict=True):
        if slot == "number":
            value = said if said.isdigit() else None
        else:
            kind = "noun" if slot in (*_SUBJECT, *_OTHER) else "place" if slot == "other_place" else slot
            value = values[kind].get(said)
        if value is None:
            return None
        filled["subject" if slot in _SUBJECT else "other" if slot in _OTHER else slot] = value
    return Question(key, filled.get("subject", "image"), tuple(filled[slot] for slot in slots_of(key)))


@cache
def _rests() -> dict[str, list[tuple[str, tuple[str, ...]]]]:
    """What is left of each wording without its slots → the keys that leave it, with their slots in order."""
    rests: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
    meanings: dict[tuple[str, tuple[str, ...]], str] = {}
    for key in questions().keys:
        for frame in frames(key):
            rest = _SLOT.sub(_MARK, frame.text)
            kinds = tuple("noun" if slot in (*_SUBJECT, *_OTHER) else slot for slot in frame.slots)
            taken = meanings.setdefault((rest, kinds), key)
            if taken != key:
                raise ValueError(f"{taken} and {key} both say '{frame.text}'")
            rests.setdefault(rest, []).append((key, frame.slots))
    return rests


@cache
def _vocabulary() -> tuple[re.Pattern[str], dict[str, dict[str, str]]]:
    """All words that fill slots, and what they stand for."""
    nouns: dict[str, str] = {}
    for name, noun in words.nouns().items():
        if not noun.silent:
            nouns |= dict.fromkeys((noun.singular, noun.plural, noun.cover or noun.plural), name)
    table = questions()
    values = {slot: {said: value for value, said in table.table(slot).items()} for slot in _TABLES}
    values["place"] = {place: place for place in words.lexicon().places}
    values["image"] = {said: "image" for shown in table.images.values() for said in shown}
    plain, named = (
        "|".join(re.escape(word) for word in sorted(said, key=lambda word: (-len(word), word)))
        for said in ({word for table_of in values.values() for word in table_of}, nouns)
    )
    kept = "|".join(_NO_SLOTS)
    pattern = re.compile(rf"\b(?:(?P<kept>{kept})|(?:an? )?(?P<noun>{named})|(?P<plain>{plain})|(?P<number>\d+))(?!\w)")
    return pattern, values | {"noun": nouns}
