"""A class that a sentence has named, and how claims write numbers."""

from dataclasses import dataclass

Range = tuple[float, float | None]


def written(quantity: Range) -> str:
    low, high = quantity
    return f"{low}" if low == high else f"{low}..{'' if high is None else high}"


def written_share(share: Range) -> str:
    low, high = share
    assert high is not None
    return f"{max(low, 0):.3f}..{min(high, 1):.3f}"


@dataclass(slots=True)
class Mention:
    """A class that the sentence has named."""

    name: str
    count: str  # the value of its count claim
    who: str  # of which of its objects a place or relation is said: all, most, some, 0, 1, 3..9 …
    indefinite: bool  # "two ships in the center": with a place, this says nothing of ships elsewhere
    clause: int
    article: bool  # counted by "a" alone
    located: bool = False
