"""Text → items: words and phrases with a meaning, by longest match.

Knows the words of lexicon.yaml and nouns.yaml, not the templates: it reads what any writer says with them. reader.py
ties the items together.
"""

import re
from functools import cache
from typing import Any, NamedTuple

from tasks.narrate import words

TOKEN = re.compile(r"\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?(?![a-z0-9])|[a-z0-9]+|[.,;:!?%()]")
STOPS = frozenset(".;!?")
BREAKS = frozenset(
    ("of", "with", "in", "on", "at", "by", "is", "are", "and", "that", "which", "from", "to", "for", "as")
)
ALL = frozenset(("all", "every", "each", "both"))
PARTITIVE = frozenset(("the", "them", "these", "those"))
UNITS = ("m", "meters", "metres", "meter", "metre")


class Item(NamedTuple):
    """A word or phrase with a meaning."""

    kind: str
    value: Any = None


def tokens(text: str) -> list[str]:
    """Lower-case words, numbers and punctuation; hyphens and slashes divide words."""
    return TOKEN.findall(text.lower())


@cache
def phrases() -> dict[str, tuple[tuple[tuple[str, ...], Item], ...]]:
    """First word → the phrases that start with it, longest first.

    Raises `ValueError` for a phrase with two meanings.
    """
    lexicon = words.lexicon()
    table: dict[tuple[str, ...], Item] = {}

    def add(text: str, item: Item) -> None:
        key = tuple(tokens(text))
        if table.setdefault(key, item) != item:
            raise ValueError(f"'{text}' means both {table[key]} and {item}: change one of them in tasks/narrate/*.yaml")

    for name, noun in words.nouns().items():
        pairs = [(noun.singular, noun.plural), *noun.also]
        for singular, plural in pairs:
            if tokens(singular) == tokens(plural):
                add(singular, Item("noun", (name, "either")))
            else:
                add(singular, Item("noun", (name, "one")))
                add(plural, Item("noun", (name, "many")))
        if noun.cover and tuple(tokens(noun.cover)) not in table:
            add(noun.cover, Item("noun", (name, "many" if noun.cover_plural else "either")))
    for number, text in lexicon.spelled.items():
        add(text, Item("quantity", (number, number)))
    for quantity in lexicon.quantities:
        add(quantity.words, Item("quantity", (quantity.low, quantity.high)))
    for share in lexicon.shares:
        add(share.words, Item("share", (share.low, share.high)))
    for name, place in lexicon.places.items():
        bare = [name, *(text.split(" ", 2)[2] for text in place.words)]  # without "in the"
        for text in dict.fromkeys([*bare, *place.also]):
            if text not in ("center", "middle"):  # alone these are no places: "a shopping center"
                add(text, Item("place", name))
            if not text.startswith("the "):
                add(f"the {text}", Item("place", name))
    for name, arrangement in lexicon.arrangements.items():
        for text in (*arrangement.words, *arrangement.also):
            add(text, Item("arrangement", name))
        for text in arrangement.before:
            add(text, Item("arrangement_of", name))
    for modality, texts in lexicon.images_read.items():
        for text in texts:
            add(text, Item("image", None if modality == "either" else modality))
    for sensor in lexicon.sensors:
        add(sensor, Item("known", ("sensor", sensor)))
    for band in lexicon.bands:
        add(f"{band} band", Item("known", ("band", band)))
    for polarization in lexicon.polarizations:
        add(polarization, Item("known", ("polarization", polarization)))
    for kind in (
        "near",
        "adjacent",
        "patches",
        "dominated_by",
        "dominates",
        "mainly",
        "only",
        "single",
        "cover_verbs",
        "not_places",
    ):
        for text in getattr(lexicon, kind):
            add(text, Item(kind))
    for text in (*lexicon.lengths, *lexicon.diameters):
        add(text, Item("unit", "length" if text in lexicon.lengths else "diameter"))
    for text in ("a", "an"):
        add(text, Item("article"))
    for text in ALL:
        add(text, Item("all"))
    add("the", Item("the"))
    add("most of", Item("most"))
    add("resolution", Item("resolution"))
    by_first: dict[str, list[tuple[tuple[str, ...], Item]]] = {}
    for key, item in table.items():
        by_first.setdefault(key[0], []).append((key, item))
    return {first: tuple(sorted(entries, key=lambda entry: -len(entry[0]))) for first, entries in by_first.items()}


def items(text: str) -> list[Item]:
    """The items of `text` in order; words without a meaning are `word` items."""
    table, found, all_tokens, at = phrases(), [], tokens(text), 0
    while at < len(all_tokens):
        token = all_tokens[at]
        for key, item in table.get(token, ()):
            size = len(key)
            if size == 1 or tuple(all_tokens[at : at + size]) == key:
                found.append(item)
                at += size
                break
        else:
            if token[0].isdigit():
                at = _number(all_tokens, at, found)
            else:
                found.append(Item("stop") if token in STOPS else Item("word", token))
                at += 1
    return found


def _number(all_tokens: list[str], at: int, found: list[Item]) -> int:
    """A number is a share, a size, a resolution or a count; which one, its unit says. Returns where to read on."""
    lexicon = words.lexicon()
    text = all_tokens[at].replace(",", "")
    following = all_tokens[at + 1] if at + 1 < len(all_tokens) else ""
    try:
        value = float(text)
    except ValueError:  # such as "3d"
        found.append(Item("word", text))
        return at + 1
    if following in ("%", "percent"):
        share = value / 100
        tolerance = lexicon.percent_tolerance if value >= 10 else lexicon.small_percent_tolerance
        below = all_tokens[max(at - 2, 0) : at] == ["less", "than"]
        found.append(Item("share", (0.0, share) if below else (share - tolerance, share + tolerance)))
        return at + 2
    last, size = at, value
    if following in ("to", "and") and at + 2 < len(all_tokens) and all_tokens[at + 2].isdigit():
        last, size = at + 2, float(all_tokens[at + 2])
    unit = " ".join(all_tokens[last + 1 : last + 2])
    if unit in UNITS:
        for key, item in phrases().get(unit, ()):
            if item.kind == "unit" and tuple(all_tokens[last + 1 : last + 1 + len(key)]) == key:
                found.append(Item("size", (item.value, f"{value:g}" if last == at else f"{value:g}..{size:g}")))
                return last + 1 + len(key)
        found.append(Item("metres", f"{value:g}"))
        return last + 2
    found.append(Item("quantity", (int(value), int(value))) if value == int(value) else Item("word", text))
    return at + 1
