"""The words that `scene_graph` knows, from `scene_words.json`, and how they are brought to their lemma."""

import importlib.resources
import json
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True)
class Words:
    """What stands between noun phrases, and what the lemma of a word cannot be told from."""

    be: frozenset[str]
    have: frozenset[str]
    articles: frozenset[str]
    adverbs: frozenset[str]  # passed over
    and_: frozenset[str]
    adjectives: frozenset[str]  # of which two may be joined by "and" before a noun
    prepositions: tuple[str, ...]  # the longest first
    no_verbs: frozenset[str]  # in -ing and -ed
    verbs_with_e: frozenset[str]  # stems of -ing and -ed that lose an e
    verb_forms: dict[str, str]  # irregular form, or third person that looks like a plural → infinitive
    plural_only: frozenset[str]
    nouns: dict[str, str]  # irregular plural → singular


@cache
def words() -> Words:
    """The one list."""
    text = importlib.resources.files(__package__).joinpath("scene_words.json").read_text(encoding="utf-8")
    lists = {name: " ".join(lines) for name, lines in json.loads(text).items() if name != "about"}

    def each(name: str) -> frozenset[str]:
        return frozenset(lists[name].split())

    def pairs(name: str) -> dict[str, str]:
        return dict(pair.split(":") for pair in lists[name].split())

    return Words(
        be=each("be"),
        have=each("have"),
        articles=each("articles"),
        adverbs=each("adverbs"),
        and_=each("and"),
        adjectives=each("adjectives"),
        prepositions=tuple(sorted(lists["prepositions"].split(", "), key=lambda text: (-len(text), text))),
        no_verbs=each("no_verbs"),
        verbs_with_e=each("verbs_with_e"),
        verb_forms=pairs("verb_forms"),
        plural_only=each("plural_only"),
        nouns=pairs("nouns"),
    )


def noun(word: str) -> str:
    """The singular."""
    known = words()
    if word in known.nouns:
        return known.nouns[word]
    if word in known.plural_only or not word.endswith("s") or word.endswith(("ss", "us", "is")) or len(word) < 4:
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("ches", "shes", "xes", "sses", "zes", "oes")):
        return word[:-2]
    return word[:-1]


def verb(word: str) -> str | None:
    """The infinitive of a verb form that stands behind a noun, `None` of a word that is no such form."""
    known = words()
    if word in known.verb_forms:
        return known.verb_forms[word]
    if word in known.no_verbs or len(word) < 5 or not word.endswith(("ing", "ed")):
        return None
    stem = word[:-3] if word.endswith("ing") else word[:-2]
    if word.endswith("ied"):
        return stem[:-1] + "y"
    if stem in known.verbs_with_e:
        return stem + "e"
    if len(stem) > 3 and stem[-1] == stem[-2] and stem[-1] not in "lsfz":
        return stem[:-1]
    return stem
