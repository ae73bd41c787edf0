"""The rules rewriter: a caption of an optical image becomes one that holds of a SAR image of the same place.

Left out is what radar does not see: colours and words of light, shadow, cloud, and talk of the photograph. Objects,
counts and layout stay word for word. A predicate that falls away becomes "visible", so that its object is still named
("the roofs are red" → "The roofs are visible"); a sentence that cannot be mended is left out whole.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from tasks import strict
from tasks.narrate import claims, words

GROUND = "ground"  # of a colour used as a noun: "a piece of green"


@dataclass(frozen=True)
class Vocabulary:
    """`rewrite.yaml`, which says what each list means."""

    version: int
    optical: tuple[str, ...]
    images: tuple[str, ...]
    photos: tuple[str, ...]
    appearance: tuple[str, ...]
    shades: tuple[str, ...]
    unseen: tuple[str, ...]
    unseen_sentences: tuple[str, ...]
    breaks: tuple[str, ...]
    verbs: tuple[str, ...]
    states: tuple[str, ...]
    before: tuple[str, ...]
    pieces: tuple[str, ...]
    determiners: tuple[str, ...]
    adjectives: tuple[str, ...]
    adverbs: tuple[str, ...]
    an: tuple[str, ...]
    a: tuple[str, ...]


class Rules:
    """See the module. The same text in gives the same text out, whatever stands beside it."""

    def __init__(self) -> None:
        self.rule = f"pair.rules@{vocabulary().version}"
        self.model: dict[str, str] | None = None

    def rewrite(self, captions: Sequence[str]) -> list[str]:
        """One caption of a SAR image each; empty where nothing is left to say."""
        return [sar_caption(caption) for caption in captions]


def sar_caption(caption: str) -> str:
    """`caption` as it may be said of a SAR image, or an empty text."""
    text = re.sub(r"\s+([.,;:!?])", r"\1", " ".join(caption.split()))
    parts = (_sentence(part) for part in re.split(r"(?<=[.!?;])\s+|(?<=[a-z])[.;](?=[A-Z])", text) if part)
    return " ".join(part for part in parts if part)


def without_colours(caption: str) -> str:
    """`caption` without the adjectives that are left out, otherwise as it stands, so that "a red and white ship" reads
    as one ship."""
    return _patterns()["attributive"].sub("", caption)


@cache
def vocabulary() -> Vocabulary:
    return strict.load(Vocabulary, words.FOLDER / "rewrite.yaml")


def any_of(texts: Iterable[str]) -> str:
    """A pattern of any of `texts` as whole words, the longest first."""
    return rf"\b(?:{'|'.join(map(re.escape, sorted(set(texts), key=lambda text: (-len(text), text))))})\b"


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    vocab = vocabulary()
    listed = strict.load(claims.Colours, words.FOLDER / "colours.yaml")
    colours, names = listed.colours, listed.not_colours
    shade = any_of((*vocab.shades, *colours))
    colour = rf"(?:{shade}[ -])*{any_of((*colours, *vocab.appearance))}(?:[ -]?colou?r(?:ed)?\b)?"
    group = rf"(?>{colour}(?:(?: ?, ?and | ?, ?| and | or | ?/ ?|-| ){colour})*)"
    stop = rf"(?=\s*(?:$|[.,;:!?)]|{any_of(vocab.breaks)}))"
    verb, state, before = any_of(vocab.verbs), any_of(vocab.states), any_of(vocab.before)
    determiner, unseen = any_of(vocab.determiners), any_of(vocab.unseen)
    kinds = any_of((*vocab.images, *(f"{each}s" for each in vocab.images)))
    raw = {
        "names": any_of(names),
        "images": rf"(?:{any_of(vocab.optical)} (?:(?:and|,) )?)+({kinds})",
        "photos": rf"\b({'|'.join(vocab.photos)})(s?)\b",
        "compound": rf"{group}[ -](?:roofed|topped|walled|tiled|leaved|painted)\b|{group}-[a-z]+ed\b",
        "colours_of": r"\b(?:(?:the|a|all|different|various|many|several|same) )*(?:variety of )?colou?rs of "
        r"(?=\w+\b(?! is| are))",
        "colour_of": r"\bthe (?:\w+ )?(?:colou?rs?|hues?|shades?) of ((?:the |its )?[\w ]+?) (?:is|are) .*$",
        "in_colours": r" ?\b(?:in|of|with) (?:(?:the|a|all|an) )?(?:\w+ ){0,2}colou?rs?\b(?! of)",
        "weather": rf"^(?:on|in|during) (?:a |the )?{any_of((*vocab.appearance, *vocab.unseen_sentences))} \w+"
        rf"(?:, ?| (?=there))",
        "unseen": rf"(?:,? ?\b(?:some|all|most|many) of (?:them|which))?,? ?"
        rf"\b(?:and|with|without|under|casting|(?:partly |partially )?(?:covered|hidden) by|in)(?: {determiner})?"
        rf"(?: \w+){{0,2}} {unseen}(?: (?:in|on|at|over|onto) (?:the|its|a|it)(?: \w+){{0,2}})?(?=\s*(?:$|[.,;]))",
        "unseen_left": rf"{unseen}|{any_of(vocab.unseen_sentences)}",
        "piece": rf"({any_of(vocab.pieces)} of) {group}{stop}",
        "adverbial": rf"({verb} )?(?:{state} )?{before} (?:(?:the|a) )?{group}{stop}",
        "painted": rf"({verb} )?(?:painted|dyed) {group}{stop}",
        "predicate": rf"({verb})(?: {any_of(vocab.adverbs)})* {group}{stop}",
        "last_of_two": rf"(?:,? and|,) {group}{stop}",
        "first_of_two": rf"({determiner}) {group},? and (?!{determiner}|{any_of(vocab.breaks)}|{kinds})",
        "second_of_two": rf"({any_of(vocab.adjectives)})(?: and|,) {group}(?= \w)(?!{stop})",
        "attributive": rf"{group}(?!{stop})[ -]?",
    }
    return {name: re.compile(text, re.IGNORECASE) for name, text in raw.items()}


def _sentence(sentence: str) -> str:
    patterns = _patterns()
    body, end = re.fullmatch(r"(.*?)([.!?;,:]*)", sentence, re.DOTALL).groups()  # type: ignore[union-attr]
    kept: list[str] = []

    def keep(match: re.Match[str]) -> str:
        kept.append(match.group())
        return f"\x00{len(kept) - 1}\x00"

    text = patterns["names"].sub(keep, body)
    text = patterns["images"].sub(lambda match: f"SAR {_image(match.group(1))}", text)
    text = patterns["photos"].sub(lambda match: f"SAR image{match.group(2)}", text)
    before = text
    text = patterns["compound"].sub("", text)
    text = patterns["colours_of"].sub("", text)
    text = patterns["colour_of"].sub(lambda match: f"{match.group(1)} {_be(match.group(1))} visible", text)
    text = patterns["in_colours"].sub("", text)
    text = patterns["weather"].sub("", text)
    text = patterns["unseen"].sub("", text)
    if patterns["unseen_left"].search(text):
        return ""
    text = patterns["piece"].sub(rf"\1 {GROUND}", text)
    text = patterns["last_of_two"].sub("", text)
    for name in ("painted", "adverbial", "predicate"):
        text = patterns[name].sub(lambda match: f"{match.group(1).strip()} visible" if match.group(1) else "", text)
    text = patterns["first_of_two"].sub(r"\1 ", text)
    text = patterns["second_of_two"].sub(r"\1", text)
    text = patterns["attributive"].sub("", text)
    text = _tidy(text)
    if claims.colour_words(text) or (text != _tidy(before) and _broken(text) and not _broken(_tidy(before))):
        return ""
    text = re.sub(r"\x00(\d+)\x00", lambda match: kept[int(match.group(1))], text)
    if len(text.split()) < 2 or _CUT.search(text):
        return ""
    text = _articles(text)
    return text[0].upper() + text[1:] + (end if end and end[0] in "!?" else ".")


def _image(noun: str) -> str:
    if noun.lower() == "imagery":
        return "imagery"
    return "images" if noun.lower().endswith("s") else "image"


def _be(subject: str) -> str:
    return "are" if subject.endswith("s") and not subject.endswith("ss") else "is"


def _tidy(text: str) -> str:
    text = re.sub(r"\s+", " ", text)
    text = re.sub(r" ?,(?: ?,)+", ",", text)
    text = re.sub(r"\s+([.,;:])", r"\1", text)
    text = re.sub(r"\b(\w+ visible)(?:,? and (?:is |are )?visible)+\b", r"\1", text)
    text = re.sub(r"\b(SAR images?) (?:of )?(?:the )?SAR images?\b", r"\1", text)
    text = re.sub(r"^(?:[ ,;:]|(?:and|or|but)\b)+", "", text)
    return re.sub(r"(?:[ ,;:]|\b(?:and|or|but|with))+$", "", text)


_BROKEN = re.compile(
    r"\b(?:a|an|the|its|their)(?=,|$| (?:and|or|of|with|in|on|at|is|are|by|near|has|have|which|that|a|an|the)\b)"
    r"|\b(?:with|by|of|in|near|beside|between|like)(?=,|$| (?:and|or|is|are|with|of)\b)"
    r"|\b(?:and|or)(?=,|$| (?:and|or|of)\b)"
    r"|\b(?:is|are|has|have|many|some|several|two|three|few)(?=,|$| (?:and|or)\b)"
    r"|\bthere (?:is|are) (?:visible|and|with|in|on|near)\b"
    r"|^(?:it|they|this|that|these|those|there|here|all|some|one) (?:is|are) visible$",
    re.IGNORECASE,
)


_CUT = re.compile(r"\b(?:a|an|the|of|is|are|past|near|has|have)$", re.IGNORECASE)


def _broken(text: str) -> bool:
    """Whether a word is missing that its neighbours need."""
    return _BROKEN.search(text) is not None


def _articles(text: str) -> str:
    vocab = vocabulary()

    def fitting(match: re.Match[str]) -> str:
        article, word = match.group(1), match.group(2)
        vowel = _starts(word, vocab.an) or (word[0].lower() in "aeiou" and not _starts(word, vocab.a))
        right = "an" if vowel else "a"
        return f"{right.capitalize() if article[0] == 'A' else right} {word}"

    return re.sub(r"\b([Aa]n?) (\w+)", fitting, text)


def _starts(word: str, prefixes: Collection[str]) -> bool:
    return word.lower().startswith(tuple(prefixes))
