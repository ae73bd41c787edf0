"""Items → claims: one pass from left to right.

A quantity belongs to the class that follows it; a place, size or arrangement to the class named last; a share to the
class of its clause, else to the next. Words without a meaning are passed over, so that human captions are read as far
as the vocabulary reaches.
"""

from dataclasses import dataclass, field

from tasks.narrate import words
from tasks.narrate.reading import BREAKS, PARTITIVE, Item, items
from tasks.narrate.words import Claim

Range = tuple[float, float | None]


def read_claims(text: str) -> list[Claim]:
    """All claims that `text` makes in the words of the vocabulary, each once, in order."""
    found: list[Claim] = []
    sentence = _Sentence(found)
    for item in items(text):
        if item.kind == "stop":
            sentence.end()
            sentence = _Sentence(found)
        else:
            sentence.take(item)
    sentence.end()
    return list(dict.fromkeys(found))


def _written(quantity: Range) -> str:
    low, high = quantity
    return f"{low}" if low == high else f"{low}..{'' if high is None else high}"


def _bounds(share: Range) -> str:
    low, high = share
    assert high is not None
    return f"{max(low, 0):.3f}..{min(high, 1):.3f}"


@dataclass
class _Mention:
    """A class that the sentence has named."""

    name: str
    count: str  # the value of its count claim
    who: str  # of which of its objects a place or relation is said: all, most, some, 0, 1, 3..9 …
    indefinite: bool  # "two ships in the center": with a place, this says nothing of ships elsewhere
    clause: int
    located: bool = False


@dataclass
class _Sentence:
    """What is open while a sentence is read."""

    found: list[Claim]
    mention: _Mention | None = None
    quantity: Range | None = None
    from_article: bool = False  # the quantity is only "a"
    after_of: bool = False  # "two of …"
    partial: bool = False
    definite: bool = False
    everyone: bool = False
    most: bool = False
    mainly: bool = False
    only: bool = False
    resolution: bool = False  # "a resolution of", before its metres
    verb: bool = False  # "covers", since the class named last
    clause: int = 0
    share: Range | None = None
    share_owner: str | None = None
    relation: tuple[str, ...] | None = None
    pending: list[tuple[str, str]] = field(default_factory=list)  # claims for the class named next: kind, value

    def say(self, kind: str, subject: str, value: str) -> None:
        self.found.append(Claim(kind, subject, value))

    def take(self, item: Item) -> None:
        kind, value = item
        if kind == "word":
            self.word(value)
        elif kind == "noun":
            self.noun(*value)
        elif kind == "quantity":
            self.quantity, self.from_article = value, False
        elif kind == "article":
            if self.quantity != (0, 0):
                self.quantity, self.from_article = (1, 1), True
        elif kind == "the":
            self.partial = self.partial or (self.after_of and self.quantity is not None)
            if not self.after_of:
                self.quantity = None
            self.definite = True
        elif kind == "single":
            self.quantity, self.from_article, self.only = (1, 1), False, True
        elif kind == "all":
            self.everyone = True
        elif kind == "image":
            self.image(value)
        elif kind == "place":
            self.place(value)
        elif kind == "share":
            self.flush_share()
            self.share = value
            owner = self.mention if self.mention and (self.verb or self.mention.clause == self.clause) else None
            self.share_owner = owner.name if owner else None
        elif kind in ("most", "mainly", "only", "resolution"):
            setattr(self, kind, True)
        elif kind == "metres" and self.resolution:
            self.say("resolution", "image", value)
        elif kind == "cover_verbs":
            self.verb = True
        elif kind == "known":
            self.say(value[0], "image", value[1])
        elif kind in ("arrangement_of", "dominated_by"):
            self.pending.append(("arrangement", value) if kind == "arrangement_of" else ("dominant", "yes"))
            self.quantity = None
        elif kind in ("arrangement", "size", "dominates"):
            self.tie(*{"arrangement": ("arrangement", value), "size": value, "dominates": ("dominant", "yes")}[kind])
        elif kind in ("near", "adjacent") and self.mention:
            self.relation = (kind, self.mention.name, self.mention.who)
        elif kind == "patches" and self.mention and self.quantity:
            self.say("patches", self.mention.name, _written(self.quantity))
            self.quantity = None
        self.after_of = kind == "word" and value == "of"

    def word(self, token: str) -> None:
        if token in BREAKS and self.from_article:
            self.quantity, self.from_article = None, False
        if token in PARTITIVE and self.after_of and self.quantity:
            self.partial = True
        if token in (",", "and"):
            self.clause += 1

    def image(self, modality: str | None) -> None:
        if modality:
            self.say("modality", "image", modality)
        if self.most:  # "most of the mapped area"
            most = words.lexicon().most
            self.take(Item("share", (most[0], most[1])))
        self.reset()

    def reset(self) -> None:
        """Forget what belonged to the class that has now been named, or to the image."""
        self.quantity, self.from_article, self.partial, self.definite = None, False, False, False
        self.everyone, self.most = False, False

    def noun(self, name: str, number: str) -> None:
        if self.relation:
            kind, subject, who = self.relation
            if kind == "near":
                self.say("near", subject, f"{who} {name}")
                assert self.mention is not None
                self.mention.located = True
            else:
                self.say("adjacent", *sorted((subject, name)))
            if self.quantity is None or self.from_article:
                self.say("count", name, self.plain(number))
            self.relation = None
            self.reset()
            return
        if self.share and self.share_owner is None:
            self.share_owner = name
        self.flush_share()
        self.close()
        self.mention = self._mention(name, number)
        for kind, value in self.pending:
            self.tie(kind, value)
        self.pending = []
        if self.only:
            self.say("only", name, "yes")
        if self.mainly:
            most = words.lexicon().most
            self.say("share", name, _bounds((most[0], most[1])))
        self.only = self.mainly = self.verb = False
        self.reset()

    def plain(self, number: str) -> str:
        """The count that a class without a quantity claims: "ships" at least two, "the ship" one, "aircraft" some."""
        return {"many": "some", "one": "1" if self.definite else "any", "either": "any"}[number]

    def _mention(self, name: str, number: str) -> _Mention:
        definite = self.definite or self.everyone
        if self.quantity and not self.partial:
            who = count = _written(self.quantity)
        else:
            count = self.plain(number)
            who = _written(self.quantity) if self.quantity else "some"
        if self.most:
            who = "most"
        elif definite and not self.partial:
            who = "all"
        indefinite = not definite and not self.most
        return _Mention(name, count, who, indefinite, self.clause)

    def place(self, place: str) -> None:
        if self.relation and self.relation[0] == "near":  # "near the center"
            self.relation = None
        if self.most:  # "most of the left third"
            self.most, self.share = False, None
            if self.mention and self.verb:
                self.say("fills", self.mention.name, place)
            else:
                self.pending.append(("fills", place))
        elif self.mention and self.quantity:  # "two in the center": the class named last is meant
            self.say("place", self.mention.name, f"{_written(self.quantity)}@{place}")
        elif self.mention:
            self.mention.located = True
            self.say("place", self.mention.name, f"{'most' if self.mainly else self.mention.who}@{place}")
            self.mainly = False
        else:
            self.pending.append(("place", place))
        self.reset()

    def tie(self, kind: str, value: str) -> None:
        """Say it of the class named last; without one, of the next."""
        if not self.mention:
            self.pending.append((kind, value))
        elif kind == "place":
            self.mention.located = True
            self.say(kind, self.mention.name, f"{self.mention.who}@{value}")
        else:
            self.say(kind, self.mention.name, value)

    def flush_share(self) -> None:
        if self.share and self.share_owner:
            self.say("share", self.share_owner, _bounds(self.share))
            self.share = None

    def close(self) -> None:
        """The count of the class named last, unless it only counted the objects in one place."""
        if self.mention and not (self.mention.located and self.mention.indefinite):
            self.say("count", self.mention.name, self.mention.count)

    def end(self) -> None:
        if self.mention and self.share and self.share_owner is None:
            self.share_owner = self.mention.name
        self.flush_share()
        if self.mention and self.only:
            self.say("only", self.mention.name, "yes")
        self.close()
