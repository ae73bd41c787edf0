"""Text → items: words and phrases with a meaning, by longest match.

Knows the words of lexicon.yaml and nouns.yaml, not the templates: it reads what any writer says with them. reader.py
ties the items together.
"""

import re
from functools import cache, lru_cache
from typing import Any, NamedTuple

from tasks.narrate import words

TOKEN = re.compile(r"\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?(?![a-z0-9])|[a-z0-9]+|[.,;:!?%()°]")
NUMBER = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")  # without commas; no exponents, and none too long to mean anything
WHOLE = re.compile(r"[0-9]{1,9}")
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


class Node:
    """Where the words read so far may lead: to a phrase that ends here, and to longer ones."""

    __slots__ = ("item", "next")

    def __init__(self) -> None:
        self.item: Item | None = None
        self.next: dict[str, Node] = {}


@cache
def phrases() -> Node:
    """All phrases as a tree, one word a step.

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
        for text in sorted({text for pair in noun.areas for text in pair}):
            add(text, Item("noun", (name, "area")))
        for text in noun.scenes:
            add(text, Item("scene", name))
        if noun.edge:
            add(noun.edge, Item("noun", (name, "either")))
    for number, text in lexicon.spelled.items():
        add(text, Item("quantity", (number, number)))
        add(f"{text} percent", Item("share", percents(number)))
        add(f"less than {text} percent", Item("share", (0.0, number / 100)))
    for quantity in lexicon.quantities:
        add(quantity.words, Item("quantity", (quantity.low, quantity.high)))
    for share in lexicon.shares:
        add(share.words, Item("share", (share.low, share.high)))
    for name, place in lexicon.places.items():
        bare = [name, *(text.split(" ", 2)[2] for text in (*place.words, *place.loosely))]  # without "in the"
        for text in dict.fromkeys([*bare, *place.also]):
            if text not in ("center", "middle"):  # alone these are no places: "a shopping center"
                add(text, Item("place", name))
            if not text.startswith("the "):
                add(f"the {text}", Item("place", name))
    for name, direction in lexicon.compass.items():
        bare = [name, *(text.split(" ", 2)[2] for text in direction.words)]
        for text in dict.fromkeys([*bare, *direction.also]):
            add(text, Item("compass", name))
            if not text.startswith("the "):
                add(f"the {text}", Item("compass", name))
    for kind, table_of in (
        ("arrangement", lexicon.arrangements),
        ("density", lexicon.densities),
        ("axis", lexicon.axes),
        ("side", lexicon.sides),
        ("crossing", lexicon.crossings),
    ):
        for name, how in table_of.items():
            for text in (*how.words, *how.also):
                add(text, Item(kind, name))
            for text in how.before:
                add(text, Item(f"{kind}_of", name))
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
        "aligned",
        "crossing_verbs",
        "shore",
        "patchwork",
        "part_of",
    ):
        for text in getattr(lexicon, kind):
            add(text, Item(kind))
    for kind in ("near", "shore", "patches"):
        for text in getattr(lexicon, f"{kind}_read"):
            add(text, Item(kind))
    for text in lexicon.most_of:
        add(text, Item("most"))
    for text in lexicon.openers:
        add(text.rstrip(","), Item("opener"))
    for text in lexicon.headings:
        add(text, Item("heading"))
    for kind, units in (("length", lexicon.lengths), ("width", lexicon.widths), ("diameter", lexicon.diameters)):
        for text in units:
            add(text, Item("unit", kind))
    for text in ("a", "an"):
        add(text, Item("article"))
    for text in ALL:
        add(text, Item("all"))
    add("the", Item("the"))
    add("resolution", Item("resolution"))
    root = Node()
    for key, item in table.items():
        node = root
        for token in key:
            node = node.next.setdefault(token, Node())
        node.item = item
    return root


def items(text: str) -> list[Item]:
    """The items of `text` in order; words without a meaning are `word` items."""
    root, all_tokens, at = phrases().next, tokens(text), 0
    found: list[Item] = []
    end = len(all_tokens)
    while at < end:
        token = all_tokens[at]
        node, ahead, item = root.get(token), at + 1, None
        while node is not None:
            if node.item is not None:
                item, after = node.item, ahead
            if ahead == end:
                break
            node, ahead = node.next.get(all_tokens[ahead]), ahead + 1
        if item is not None:
            found.append(item)
            at = after
        elif token[0].isdigit():
            at = _number(all_tokens, at, found)
        else:
            found.append(_meaningless(token))
            at += 1
    return found


@lru_cache(maxsize=1 << 14)
def _meaningless(token: str) -> Item:
    """Kept, as few words stand in most captions."""
    return Item("stop") if token in STOPS else Item("word", token)


def percents(value: float) -> tuple[float, float]:
    """The least and the greatest share that "about `value` percent" means."""
    lexicon = words.lexicon()
    tolerance = lexicon.percent_tolerance if value >= 10 else lexicon.small_percent_tolerance
    return value / 100 - tolerance, value / 100 + tolerance


def _number(all_tokens: list[str], at: int, found: list[Item]) -> int:
    """A number is a share, a size, a resolution or a count; which one, its unit says. Returns where to read on."""
    lexicon = words.lexicon()
    text = all_tokens[at].replace(",", "")
    following = all_tokens[at + 1] if at + 1 < len(all_tokens) else ""
    if not NUMBER.fullmatch(text):  # such as "3d"
        found.append(Item("word", text))
        return at + 1
    value = float(text)
    if following in ("%", "percent"):
        below = all_tokens[max(at - 2, 0) : at] == ["less", "than"]
        found.append(Item("share", (0.0, value / 100) if below else percents(value)))
        return at + 2
    if following in lexicon.degrees:
        found.append(Item("degrees", f"{value:g}"))
        return at + 2
    last, size = at, value
    if following in ("to", "and") and at + 2 < len(all_tokens) and WHOLE.fullmatch(all_tokens[at + 2]):
        last, size = at + 2, float(all_tokens[at + 2])
    if all_tokens[last + 1 : last + 2] and all_tokens[last + 1] in UNITS:
        node, after = phrases().next.get(all_tokens[last + 1]), last + 2
        while node is not None and (node.item is None or node.item.kind != "unit") and after < len(all_tokens):
            node, after = node.next.get(all_tokens[after]), after + 1
        if node is not None and node.item is not None and node.item.kind == "unit":
            found.append(Item("size", (node.item.value, f"{value:g}" if last == at else f"{value:g}..{size:g}")))
            return after
        found.append(Item("metres", f"{value:g}"))
        return last + 2
    found.append(Item("quantity", (int(value), int(value))) if value == int(value) else Item("word", text))
    return at + 1
