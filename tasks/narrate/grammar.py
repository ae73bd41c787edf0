"""Words in their right form: noun phrases, lists and names of images, each with what it claims."""

from collections.abc import Callable, Sequence
from functools import cache
from itertools import product
from typing import NamedTuple

from tasks.narrate import words
from tasks.narrate.phrasebook import Dice, Fragment
from tasks.narrate.words import Claim

Slots = dict[str, Fragment]


class Message(NamedTuple):
    """Something to say: a key of the sentence table, what fills its slots, and what it is about.

    The slots are built only when the message is said, by the dice of the caption.
    """

    key: str
    build: Callable[[Dice], Slots]
    about: tuple[str, ...] = ()  # no caption says two things about the same


class Image(NamedTuple):
    """What the image is called: the slots image, an_image, the_image and this_image."""

    slots: Slots
    about: tuple[str, ...]  # what no later sentence need say


@cache
def forms(name: str) -> tuple[tuple[str, str], ...]:
    """Singular and plural of a class in every way that they are written, the main one first."""
    noun = words.noun(name)
    return ((noun.singular, noun.plural), *((one, many) for one, many in noun.also if one in noun.written))


def form(name: str, dice: Dice) -> int:
    """One of the forms of a class, the same all through a caption."""
    return dice.name(name, len(forms(name)))


def number(count: int, dice: Dice) -> str:
    """The number in words up to twelve; above, to 99, in digits or in words, the same all through a caption."""
    lexicon = words.lexicon()
    if count < lexicon.digits_from or (count < 100 and spells(dice)):
        return lexicon.spelled[count]
    return str(count)


def spells(dice: Dice) -> bool:
    """Whether the caption has its larger numbers in words."""
    return bool(dice.name("numerals", 2))


@cache
def article(name: str, form: int = 0) -> str:
    """`a` or `an` before the singular of a class."""
    singular = forms(name)[form][0]
    return words.noun(name).article if not form and words.noun(name).article else a(singular)  # type: ignore[return-value]


def a(word: str) -> str:
    """`a` or `an` before a word, by its first letter."""
    return "an" if word[0].lower() in "aeiou" else "a"


def counted(name: str, count: int, dice: Dice, form: int = 0) -> Fragment:
    """ "three ships", claiming just that; in words where a sentence begins with it."""
    singular, plural = forms(name)[form]
    noun = plural if count != 1 else singular
    start = f"{words.lexicon().spelled.get(count, str(count))} {noun}"
    claim = Claim("count", name, str(count))
    return Fragment(f"{number(count, dice)} {noun}", (claim,), count != 1, count != 1, start[0].upper() + start[1:])


@cache
def one(name: str, form: int = 0) -> Fragment:
    """ "a ship" """
    return Fragment(f"{article(name, form)} {forms(name)[form][0]}", (Claim("count", name, "1"),))


@cache
def single(name: str, form: int = 0) -> Fragment:
    """ "a single ship": there is no other."""
    return Fragment(f"a single {forms(name)[form][0]}", (Claim("count", name, "1"), Claim("only", name, "yes")))


@cache
def bare(name: str, form: int = 0) -> Fragment:
    """ "ships" """
    singular, plural = forms(name)[form]
    return Fragment(plural, (Claim("count", name, "any" if plural == singular else "some"),), True, True)


@cache
def vague(name: str, count: int, form: int = 0) -> tuple[Fragment, ...]:
    """Other true ways to say how many there are: "several ships", "a pair of ships"."""
    plural = forms(name)[form][1]
    found = []
    for quantity in words.lexicon().quantities:
        if quantity.say and quantity.say[0] <= count <= quantity.say[1]:
            value = str(quantity.low) if quantity.high == quantity.low else f"{quantity.low}..{quantity.high or ''}"
            found.append(Fragment(f"{quantity.words} {plural}", (Claim("count", name, value),), True, True))
    return tuple(found)


@cache
def denied(name: str, form: int = 0) -> Fragment:
    """ "no ships" """
    return Fragment(f"no {forms(name)[form][1]}", (Claim("count", name, "0"),), True, True)


def whole(name: str, count: int, dice: Dice) -> Fragment:
    """ "the ship", "the ships", "all three ships": every object of the class."""
    singular, plural = forms(name)[form(name, dice)]
    same = plural == singular
    if count == 1:
        return Fragment(f"the {singular}", (Claim("count", name, "any" if same else "1"),))
    claims = (Claim("count", name, str(count)),)
    style = int(dice.random() * 4)
    if style == 0 and count > 2:
        return Fragment(f"all {number(count, dice)} {plural}", claims, True, True)
    if style == 0:
        return Fragment(f"both {plural}", (Claim("count", name, "any" if same else "some"),), True, True)
    if style == 1:
        return Fragment(f"the {number(count, dice)} {plural}", claims, True, True)
    return Fragment(f"the {plural}", (Claim("count", name, "any" if same else "some"),), True, True)


def some_of(name: str, count: int, dice: Dice) -> Fragment:
    """ "two of the ships" """
    return Fragment(f"{number(count, dice)} of the {forms(name)[form(name, dice)][1]}", (), count != 1, count != 1)


@cache
def areas(name: str) -> tuple[Fragment, ...]:
    """ "water", "open water": what an area of a land-cover map is called, claiming that there is some."""
    noun = words.noun(name)
    text, plural = (noun.cover, noun.cover_plural) if noun.cover else (noun.plural, True)
    plain = plural and noun.singular != noun.plural
    claims = (Claim("count", name, "any"),)
    some = (Claim("count", name, "some"),)
    main = Fragment(text, some if plain else claims, plural, plural)
    singulars = {one for one, _ in noun.also}
    others = [
        Fragment(other, claims) if other in singulars else Fragment(other, some, True, True) for other in noun.covers
    ]
    return (main, *others)


def area(name: str, dice: Dice) -> Fragment:
    """One of them, the same all through a caption."""
    return areas(name)[dice.name(name, len(areas(name)))]


def resolution(resolution_m: float) -> Fragment:
    """ "1.3 m", of the image."""
    return Fragment(f"{resolution_m:.3g} m", (Claim("resolution", "image", f"{resolution_m:.3g}"),))


def listed(fragments: Sequence[Fragment], joint: str = "and") -> Fragment:
    """ "two ships, a bridge and a harbor"; `joint` may stand for `and` between two"""
    if len(fragments) == 1:
        return fragments[0]
    texts = [fragment.text for fragment in fragments]
    joint = joint if len(texts) == 2 else "and"
    rest = (", ".join(("", *texts[1:-1])) if len(texts) > 2 else "") + f" {joint} {texts[-1]}"
    claims = tuple(claim for fragment in fragments for claim in fragment.claims)
    start = fragments[0].start + rest if fragments[0].start else ""
    plural = fragments[0].plural if joint != "and" and len(texts) == 2 else True  # "a ship as well as a harbor is …"
    return Fragment(texts[0] + rest, claims, plural, fragments[0].first_plural, start)


@cache
def images(
    modality: str, chip: bool, sensor: str | None, band: str | None, polarization: str | None
) -> tuple[tuple[Image, ...], ...]:
    """Every word for such an image: plain ones, then a row for each thing that is known of it, with that."""
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
    rows = []
    for its_article, before, claims in (plain, *known):
        found = []
        for word in (lexicon.images_of_chips if chip else lexicon.images)[modality]:
            # "radar image" says what kind of image it is, "overhead image" does not
            kind_of = (Claim("modality", "image", modality),) if word in lexicon.images_read[modality] else ()
            texts = {
                "": before + word,
                "an_": f"{its_article or a(word)} {before}{word}",
                "the_": f"the {before}{word}",
                "this_": f"this {before}{word}",
            }
            slots = {f"{slot}image": Fragment(text, claims + kind_of) for slot, text in texts.items()}
            found.append(Image(slots, tuple("sensor" if claim.kind == "sensor" else "sensing" for claim in claims)))
        rows.append(tuple(found))
    return tuple(rows)


def sensor(name: str | None) -> Fragment | None:
    """ "Sentinel-1", where the record says so."""
    return Fragment(name, (Claim("sensor", "image", name),)) if name in words.lexicon().sensors else None


@cache
def sensing(modality: str, band: str | None, polarization: str | None) -> tuple[Fragment, ...]:
    """ "in X band with VV polarization", in every wording; none where neither is known."""
    lexicon = words.lexicon()
    parts = []
    for kind, value, table, ways in (
        ("band", band, lexicon.bands, lexicon.band_details),
        ("polarization", polarization, lexicon.polarizations, lexicon.polarization_details),
    ):
        if modality == "sar" and value in table:
            parts.append([Fragment(way.format(value), (Claim(kind, "image", value),)) for way in ways])
    found = [
        Fragment(" ".join(part.text for part in chosen), tuple(claim for part in chosen for claim in part.claims))
        for chosen in product(*parts)
    ]
    return tuple(found) if parts else ()
