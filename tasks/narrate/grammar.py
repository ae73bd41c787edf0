"""Words in their right form: fragments with the claims they make, and templates that string them together."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import NamedTuple, TypeVar

from tasks import strict
from tasks.narrate import words
from tasks.narrate.words import Claim

T = TypeVar("T")
SLOT = re.compile(r"\{([A-Za-z_]+)(?:\.([a-z]+))?\}")


class Fragment(NamedTuple):
    """A piece of text, what it claims, and how a verb agrees with it."""

    text: str
    claims: tuple[Claim, ...] = ()
    plural: bool = False
    first_plural: bool = False  # of a list, its first item: "there are two ships and a harbor"
    start: str = ""  # the text at the start of a sentence, where that is more than a capital letter


class Message(NamedTuple):
    """Something to say: a key of the sentence table, and what fills its slots."""

    key: str
    slots: Mapping[str, Fragment]


class Piece(NamedTuple):
    """A stretch of a template: literal text, then a slot, or its verb."""

    literal: str
    slot: str
    verb: str
    capital: bool


class Part(NamedTuple):
    """One entry of a rule's `sentences`."""

    keys: tuple[str, ...]
    optional: bool
    at_most: int


@dataclass(frozen=True)
class Rule:
    """A kind of caption."""

    version: int
    sentences: str  # keys of the sentence table, with blanks between
    context: bool = False  # names sensor, band and polarization where known
    at_most: int = 3  # sentences


@dataclass(frozen=True)
class Phrasebook:
    """`phrases.yaml`"""

    version: int
    plans: dict[str, tuple[str, ...]]
    rules: dict[str, Rule]
    verbs: dict[str, tuple[str, ...]]
    sentences: dict[str, tuple[str, ...]]

    def __post_init__(self) -> None:
        for plan, rules in self.plans.items():
            for rule in rules:
                if rule not in self.rules:
                    raise ValueError(f"plan '{plan}' names the rule '{rule}', which does not exist")
        for name, how in self.rules.items():
            for key in (key for part in parts(how.sentences) for key in part.keys):
                if key not in self.sentences:
                    raise ValueError(f"rule '{name}' names the sentences '{key}', which do not exist")
        for key, templates in self.sentences.items():
            for template in templates:
                for _, verb in SLOT.findall(template):
                    if verb and len(self.verbs.get(verb, ())) != 2:
                        raise ValueError(f"'{template}' of '{key}' needs the verb '{verb}' with its two forms in verbs")


@cache
def parts(sentences: str) -> tuple[Part, ...]:
    """`a|b?` → either key, optional; `a*` → optional, up to two."""
    found = sentences.split()
    return tuple(Part(tuple(x.rstrip("?*").split("|")), x[-1] in "?*", 2 if x[-1] == "*" else 1) for x in found)


@cache
def phrasebook() -> Phrasebook:
    """Rules and templates. Raises `ValueError` naming the entry of `phrases.yaml` that does not fit."""
    return strict.load(Phrasebook, words.FOLDER / "phrases.yaml")


@cache
def _pieces(template: str) -> tuple[Piece, ...]:
    found, end = [], 0
    for match in SLOT.finditer(template):
        slot, verb = match.group(1), match.group(2) or ""
        found.append(Piece(template[end : match.start()], slot[0].lower() + slot[1:], verb, slot[0].isupper()))
        end = match.end()
    return (*found, Piece(template[end:], "", "", False))


def say(template: str, slots: Mapping[str, Fragment]) -> tuple[str, list[Claim]]:
    """Fill `template`; the text and all that its fragments claim. Raises `ValueError` for a slot that nothing fills."""
    text: list[str] = []
    claims: list[Claim] = []
    for literal, slot, verb, capital in _pieces(template):
        text.append(literal)
        if not slot:
            continue
        fragment = slots.get(slot)
        if fragment is None:
            raise ValueError(
                f"'{template}' in phrases.yaml: unknown slot '{slot}'; there are {', '.join(sorted(slots))}"
            )
        if verb:
            plural = fragment.first_plural if verb == "there" else fragment.plural
            word = phrasebook().verbs[verb][plural]
            text.append(word[0].upper() + word[1:] if capital else word)
        else:
            word = fragment.text
            text.append(fragment.start or word[:1].upper() + word[1:] if capital else word)
            claims += fragment.claims
    return "".join(text), claims


def pick(options: Sequence[T], rng: Random) -> T:
    return options[int(rng.random() * len(options))]


def number(count: int) -> str:
    """The number in words up to twelve, then in digits."""
    lexicon = words.lexicon()
    return lexicon.spelled[count] if count < lexicon.digits_from else str(count)


@cache
def article(name: str) -> str:
    """`a` or `an` before the singular of a class."""
    noun = words.noun(name)
    return noun.article or ("an" if noun.singular[0].lower() in "aeiou" else "a")


@cache
def counted(name: str, count: int) -> Fragment:
    """ "three ships", claiming just that."""
    noun = words.noun(name)
    text = f"{number(count)} {noun.plural if count != 1 else noun.singular}"
    start = text
    if words.lexicon().digits_from <= count < 100:
        start = f"{words.lexicon().spelled[count]} {noun.plural}"
    claim = Claim("count", name, str(count))
    return Fragment(text, (claim,), count != 1, count != 1, start[0].upper() + start[1:])


@cache
def one(name: str) -> Fragment:
    """ "a ship" """
    text = f"{article(name)} {words.noun(name).singular}"
    return Fragment(text, (Claim("count", name, "1"),))


@cache
def single(name: str) -> Fragment:
    """ "a single ship": there is no other."""
    text = f"a single {words.noun(name).singular}"
    return Fragment(text, (Claim("count", name, "1"), Claim("only", name, "yes")))


@cache
def bare(name: str) -> Fragment:
    """ "ships" """
    noun = words.noun(name)
    value = "any" if noun.plural == noun.singular else "some"
    return Fragment(noun.plural, (Claim("count", name, value),), True, True)


@cache
def vague(name: str, count: int) -> tuple[Fragment, ...]:
    """Other true ways to say how many there are: "several ships", "a pair of ships"."""
    noun = words.noun(name)
    found = []
    for quantity in words.lexicon().quantities:
        if quantity.say and quantity.say[0] <= count <= quantity.say[1]:
            value = str(quantity.low) if quantity.high == quantity.low else f"{quantity.low}..{quantity.high or ''}"
            found.append(Fragment(f"{quantity.words} {noun.plural}", (Claim("count", name, value),), True, True))
    return tuple(found)


@cache
def denied(name: str) -> Fragment:
    """ "no ships" """
    return Fragment(f"no {words.noun(name).plural}", (Claim("count", name, "0"),), True, True)


@cache
def area(name: str) -> Fragment:
    """ "water", "trees": a class of a land-cover map, claiming that there is some."""
    noun = words.noun(name)
    text, plural = (noun.cover, noun.cover_plural) if noun.cover else (noun.plural, True)
    plain = plural and noun.singular != noun.plural
    return Fragment(text, (Claim("count", name, "some" if plain else "any"),), plural, plural)


def resolution(resolution_m: float) -> Fragment:
    """ "1.3 m", of the image."""
    return Fragment(f"{resolution_m:.3g} m", (Claim("resolution", "image", f"{resolution_m:.3g}"),))


def listed(fragments: Sequence[Fragment]) -> Fragment:
    """ "two ships, a bridge and a harbor" """
    if len(fragments) == 1:
        return fragments[0]
    texts = [fragment.text for fragment in fragments]
    rest = (", ".join(("", *texts[1:-1])) if len(texts) > 2 else "") + f" and {texts[-1]}"
    claims = tuple(claim for fragment in fragments for claim in fragment.claims)
    start = fragments[0].start + rest if fragments[0].start else ""
    return Fragment(texts[0] + rest, claims, True, fragments[0].first_plural, start)


@cache
def images(
    modality: str, chip: bool, sensor: str | None, band: str | None, polarization: str | None
) -> tuple[dict[str, Fragment], ...]:
    """The slots image, an_image, the_image and this_image: for every word for such an image, with each thing known."""
    lexicon = words.lexicon()
    said = [("sensor", sensor, "{} ", lexicon.sensors)]
    if modality == "sar":
        said += [
            ("band", band, "{}-band ", lexicon.bands),
            ("polarization", polarization, "{}-polarized ", lexicon.polarizations),
        ]
    plain: tuple[str, str, tuple[Claim, ...]] = ("", "", ())
    known = [
        (table[value], form.format(value), (Claim(kind, "image", value),))
        for kind, value, form, table in said
        if value in table
    ]
    found = []
    for its_article, before, claims in (plain, *known):
        for word in (lexicon.images_of_chips if chip else lexicon.images)[modality]:
            # "radar image" says what kind of image it is, "overhead image" does not
            kind_of = (Claim("modality", "image", modality),) if word in lexicon.images_read[modality] else ()
            letter = its_article or ("an" if word[0] in "aeiou" else "a")
            texts = {
                "": before + word,
                "an_": f"{letter} {before}{word}",
                "the_": f"the {before}{word}",
                "this_": f"this {before}{word}",
            }
            found.append({f"{slot}image": Fragment(text, claims + kind_of) for slot, text in texts.items()})
    return tuple(found)
