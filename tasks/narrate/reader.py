"""Items → claims: one pass from left to right.

A quantity belongs to the class that follows it; a place, size, axis or arrangement to the class named last; a share to
the class of its clause, else to the next. Words without a meaning are passed over, so that human captions are read as
far as the vocabulary reaches.
"""

from dataclasses import dataclass, field
from functools import lru_cache

from tasks.narrate import words
from tasks.narrate.mention import Mention, Range, written, written_share
from tasks.narrate.reading import BREAKS, PARTITIVE, Item, items
from tasks.narrate.words import Claim

# After a number these words do not name what is counted: "two are in the center", "one lies …".
NOT_COUNTED = frozenset(
    ("can", "could", "is", "are", "was", "were", "be", "lie", "lies", "appear", "appears", "located", "more", "other",
     "others", "stand", "stands")
)  # fmt: skip
SHOWS = frozenset(("see", "sees", "show", "shows", "has", "have", "finds"))
HALVES = {"left": "left half", "right": "right half", "above": "upper half", "below": "lower half"}
# Said of the class named last, or without one of the next: item → the claim's kind; its value is the item's.
TIED = {
    "arrangement": "arrangement",
    "density": "density",
    "axis": "axis",
    "aligned": "aligned",
    "dominates": "dominant",
}
REMEMBERED = 1 << 16  # texts; many captions are the same


def read_claims(text: str) -> list[Claim]:
    """All claims that `text` makes in the words of the vocabulary, each once, in order."""
    return list(_claims_of(text))


@lru_cache(maxsize=REMEMBERED)
def _claims_of(text: str) -> tuple[Claim, ...]:
    found: list[Claim] = []
    sentence = _Sentence(found)
    for item in items(text):
        if item.kind == "stop":
            sentence.end()
            sentence = _Sentence(found)
        else:
            sentence.take(item)
    sentence.end()
    return tuple(dict.fromkeys(found))


@dataclass(slots=True)
class _Sentence:
    """What is open while a sentence is read."""

    found: list[Claim]
    mention: Mention | None = None
    quantity: Range | None = None
    from_article: bool = False  # the quantity is only "a"
    previous: str = ""  # kind of the item before
    after_of: bool = False  # "two of …"
    unknown: bool = False  # the quantity counts something that has no class here
    begun: bool = False  # words that may be a subject have passed
    of_place: bool = False  # "in the middle of", before the image or a class
    undo: tuple[bool, bool] = (False, False)  # of the last place: whether it is pending, whether the class was located
    partial: bool = False
    definite: bool = False
    everyone: bool = False
    most: bool = False
    mainly: bool = False
    only: bool = False
    resolution: bool = False  # "a resolution of", before its metres
    metres: str = ""  # the last that were no size of an object
    heading: bool = False  # "a heading of", before its degrees
    verb: bool = False  # "covers", since the class named last
    crossing: str | None = None  # the class before "runs through", "" where none was named
    clause: int = 0
    share: Range | None = None
    share_owner: str | None = None
    relation: tuple[str, str, str] | None = None  # kind, subject, what stands before the landmark in the value
    before: tuple[str, str] | None = None  # "near the bridge, two ships": kind and value of a relation without subject
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
            self.quantity, self.from_article, self.unknown = value, False, False
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
            if self.from_article:  # "at a glance, both ships": the article is of another word
                self.quantity, self.from_article = None, False
        elif kind == "image":
            self.image(value)
        elif kind in ("place", "compass"):
            self.place(value, kind)
        elif kind == "share":
            self.flush_share()
            self.share = value
            owner = self.mention if self.mention and (self.verb or self.mention.clause == self.clause) else None
            self.share_owner = owner.name if owner else None
        elif kind == "resolution" and self.previous == "metres":  # "1.3 m resolution"
            self.say("resolution", "image", self.metres)
        elif kind in ("most", "mainly", "only", "resolution", "heading"):
            setattr(self, kind, True)
        elif kind in TIED:
            self.tie(TIED[kind], value or "yes")
        elif kind == "size":
            self.tie(*value)
        elif kind == "cover_verbs":
            self.verb = True
        elif kind == "known":
            self.say(value[0], "image", value[1])
        elif kind in ("near", "adjacent", "side"):
            self.relate(kind, value)
        else:
            self.rarer(kind, value)
        self.after_of = kind == "word" and value == "of"
        self.previous = kind

    def rarer(self, kind: str, value: str) -> None:
        if kind == "metres":
            self.metres = value
            if self.resolution:
                self.say("resolution", "image", value)
        elif kind == "degrees" and self.heading:
            self.tie("heading", f"{round(float(value)) % 360:03}")
            self.heading, self.quantity = False, None
        elif kind in ("arrangement_of", "density_of", "dominated_by"):
            self.pending.append(("dominant", "yes") if kind == "dominated_by" else (kind.removesuffix("_of"), value))
            self.quantity = None
        elif kind == "patches" and self.mention and self.quantity:
            self.say("patches", self.mention.name, written(self.quantity))
            self.quantity = None
        elif kind == "crossing_verbs":
            self.crossing = self.mention.name if self.mention else ""
        elif kind == "crossing" and self.crossing is not None:
            if self.crossing:
                self.say("crosses", self.crossing, value)
                if self.mention and self.mention.article:
                    self.mention.count = "any"  # "a river": there may be others that cross nothing
            else:
                self.pending.append(("crosses", value))
        elif kind == "scene":  # "a wooded landscape"
            self.say("count", value, "any")
            self.say("dominant", value, "yes")
            self.reset()
        elif kind in ("shore", "patchwork"):
            if self.quantity != (0, 0):
                self.say(kind, "image", "yes")
            self.reset()
        elif kind == "part_of":
            if self.share and self.share_owner:
                self.relation = ("part", self.share_owner, written_share(self.share))
            self.share = None  # of another area than the image's

    def word(self, token: str) -> None:
        if token == "of" and self.previous in ("place", "compass"):
            self.of_place = True
        if token in BREAKS or (token in SHOWS and self.from_article):  # "a viewer sees …"
            if self.from_article or self.unknown:
                self.quantity, self.from_article = None, False  # "a piece of …", "two sides of …"
        elif token not in NOT_COUNTED:
            self.unknown, self.begun = self.quantity is not None, self.begun or token != ","
        if token in PARTITIVE and self.after_of and self.quantity:
            self.partial = True
        if token in (",", "and"):
            self.clause += 1
        elif token == "which":
            self.relation = None

    def image(self, modality: str | None) -> None:
        side = self.relation[2].split(" ")[-1] if self.relation and self.relation[0] == "side_of" else None
        if self.before and self.before[0] == "side_of":
            side = self.before[1]
        self.of_place = False
        if side:  # "on the left of the image"
            self.relation = self.before = self.quantity = None
            self.place(HALVES[side], "place")
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

    def relate(self, kind: str, side: str | None) -> None:
        """ "near", "borders", "to the left of": the class that follows is the landmark."""
        subject = self.mention
        if kind == "adjacent":
            if subject:
                self.relation = (kind, subject.name, "")
            return
        kind = "side_of" if side else kind
        if subject:
            self.relation = (kind, subject.name, f"{subject.who} {side}" if side else subject.who)
        elif not self.begun:
            self.before = (kind, side or "")
            self.reset()

    def noun(self, name: str, number: str) -> None:
        if self.of_place:  # "in the middle of the harbor" is no place of the image
            pending, located = self.undo
            (self.pending if pending else self.found).pop()
            if self.mention:
                self.mention.located = located
            self.of_place = False
        if self.relation:
            kind, subject, start = self.relation
            if kind == "adjacent":
                self.say("adjacent", *sorted((subject, name)))
            else:
                self.say(kind, subject, f"{start} {name}")
            if self.mention and kind in ("near", "side_of"):
                self.mention.located = True
            self.relation = None
            self.landmark(name, number)
            return
        if self.before:
            kind, side = self.before
            self.pending.append((kind, f"{side} {name}".strip()))
            self.before = None
            self.landmark(name, number)
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
            self.say("share", name, written_share((most[0], most[1])))
        self.only = self.mainly = self.verb = False
        self.reset()

    def landmark(self, name: str, number: str) -> None:
        counts = self.quantity and not self.from_article and not self.partial and number != "area"
        self.say("count", name, written(self.quantity) if self.quantity and counts else self.plain(number))
        self.reset()

    def plain(self, number: str) -> str:
        """The count that a class without a quantity claims: "ships" at least two, "the ship" one, "aircraft" some."""
        return {"many": "some", "one": "1" if self.definite else "any", "either": "any", "area": "any"}[number]

    def _mention(self, name: str, number: str) -> Mention:
        definite = self.definite or self.everyone
        if (number == "area" and self.quantity != (0, 0)) or (number == "many" and self.from_article):
            self.quantity = None  # "three lakes" are no three objects, "an old town with buildings" is no one building
        if self.quantity and not self.partial:
            who = count = written(self.quantity)
        else:
            count = self.plain(number)
            who = written(self.quantity) if self.quantity else "some"
        if self.most:
            who = "most"
        elif definite and not self.partial:
            who = "all"
        indefinite = not definite and not self.most
        return Mention(name, count, who, indefinite, self.clause, self.from_article)

    def place(self, place: str, kind: str) -> None:
        if self.relation and self.relation[0] in ("near", "side_of"):  # "near the center"
            self.relation = None
        self.before = None
        said = len(self.found)
        located = self.mention is not None and self.mention.located
        if self.most:  # "most of the left third"
            self.most, self.share = False, None
            if self.mention and self.verb:
                self.say("fills", self.mention.name, place)
            else:
                self.pending.append(("fills", place))
        elif self.mention and self.quantity:  # "two in the center": the class named last is meant
            self.say(kind, self.mention.name, f"{written(self.quantity)}@{place}")
        elif self.mention:
            self.mention.located = True
            self.say(kind, self.mention.name, f"{'most' if self.mainly else self.mention.who}@{place}")
            self.mainly = False
        else:
            self.pending.append((kind, place))
        self.undo = len(self.found) == said, located
        self.reset()

    def tie(self, kind: str, value: str) -> None:
        """Say it of the class named last; without one, of the next."""
        if not self.mention:
            self.pending.append((kind, value))
        elif kind in ("place", "compass", "near", "side_of"):
            self.mention.located = True
            self.say(
                kind, self.mention.name, f"{self.mention.who}{'@' if kind in ('place', 'compass') else ' '}{value}"
            )
        else:
            self.say(kind, self.mention.name, value)

    def flush_share(self) -> None:
        if self.share and self.share_owner:
            self.say("share", self.share_owner, written_share(self.share))
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
