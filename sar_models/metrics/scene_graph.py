"""An F-score of scene graphs that needs no Java: objects, their attributes and relations. It is not SPICE.

Like SPICE (Anderson et al., ECCV 2016) it compares the tuples of a caption with those of all its references together;
unlike it, the tuples come from a short list of words and rules instead of a parser, and synonyms do not match.
`docs/evaluation.md` says how often its tuples are those of SPICE's own parser.
"""

import functools
import re
from collections.abc import Sequence

from sar_models.metrics.bootstrap import Statistic, mean
from sar_models.metrics.ptb import tokenize_all
from sar_models.metrics.scene_words import noun, verb, words

Tuples = frozenset[tuple[str, ...]]  # (object,), (object, attribute), (subject, relation, object)

_SENTENCE_END = re.compile(r"[.;!?]+(?:\s|$)")


def statistic(said: Sequence[str], references: Sequence[Sequence[str]]) -> Statistic:
    """The mean F-score of one caption an image against the references of the image; 0 where they share no tuple."""
    return mean([_f_score(text, own) for text, own in zip(said, references, strict=True)])


def _f_score(text: str, references: Sequence[str]) -> float:
    found, true = graph(text), frozenset[tuple[str, ...]]().union(*map(graph, references))
    both = len(found & true)
    return 2 * both / (len(found) + len(true)) if both else 0.0


@functools.lru_cache(maxsize=1 << 16)  # many captions are the same
def graph(text: str) -> Tuples:
    """The tuples of a text."""
    found: set[tuple[str, ...]] = set()
    for sentence in tokenize_all(_SENTENCE_END.split(text)):
        reader = _Reader()
        for part in _prepositions().split(f" {sentence} "):
            for word in [part] if part in words().prepositions else part.split():
                reader.take(word)
        reader.close()
        reader.leave_verb()
        found |= reader.found
    return frozenset(found)


@functools.cache
def _prepositions() -> re.Pattern[str]:
    """Divides a sentence at its prepositions, and keeps them."""
    return re.compile(f"(?<= )({'|'.join(map(re.escape, words().prepositions))})(?= )")


class _Reader:
    """What is open while a sentence is read from left to right."""

    def __init__(self) -> None:
        self.found: set[tuple[str, ...]] = set()
        self.phrase: list[str] = []  # words of the noun phrase that is open
        self.first = ""  # the object that the sentence is about
        self.last = ""  # the object named last
        self.relation: tuple[str, str] | None = None  # its subject and name, before its object
        self.told: tuple[str, str] | None = None  # the relation that `last` was the object of
        self.verb = ""  # a verb whose object or preposition is to come
        self.is_said = False  # "is", before an attribute
        self.joined = False  # "and"

    def take(self, word: str) -> None:
        if word in words().prepositions:
            self.close()
            subject = self.relation[0] if self.relation else self.last
            self.relation = (subject, f"{self.verb} {word}".strip())
            self.verb, self.is_said = "", False
        elif word in words().be:
            self.close()
            self.is_said, self.last = True, self.first or self.last
        elif word in words().have:
            self.close()
            self.relation = (self.first or self.last, "have")
        elif word == "'s":
            self.close()
            self.relation, self.first = (self.last, "have"), ""  # of the man's shirt the shirt is spoken of
        elif word in words().articles:
            self.close()
            self.is_said = False
        elif word in words().and_:
            if not self.phrase or any(each not in words().adjectives for each in self.phrase):
                self.close()
                self.joined = True
        elif word not in words().adverbs:
            self.name(word)

    def name(self, word: str) -> None:
        """A word of a noun phrase, or a verb behind one."""
        lemma = verb(word)
        if lemma and (self.phrase or self.is_said or (self.last and not self.relation and not self.joined)):
            self.close()
            self.leave_verb()
            self.verb, self.is_said = lemma, False
            self.relation = (self.last, lemma)
        else:
            self.phrase.append(word)

    def close(self) -> None:
        """The noun phrase ends: its last word is an object, the others are attributes of it."""
        if not self.phrase:
            return
        *attributes, head = self.phrase
        self.phrase = []
        if self.is_said and self.last:  # "the sky is dark blue"
            self.is_said = False
            self.found.update((self.last, word) for word in (*attributes, head))
            return
        name = noun(head)
        self.found.add((name,))
        self.found.update((name, word) for word in attributes)
        relation = self.relation or (self.told if self.joined else None)
        if relation and relation[0]:
            self.found.add((relation[0], relation[1], name))
        self.told, self.relation, self.verb, self.joined = relation, None, "", False
        self.first, self.last = self.first or name, name

    def leave_verb(self) -> None:
        """A verb without object or preposition: what its subject does is an attribute."""
        if self.verb and self.last:
            self.found.add((self.last, self.verb))
        self.verb, self.relation = "", None
