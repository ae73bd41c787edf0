"""Examples for the page: the best and worst captions, and a good, a middling and a bad search each way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sar_models.metrics.retrieval import text_key
from tasks import records
from tasks.report import items
from tasks.report.items import Item
from tasks.report.pictures import Pictures, Shown
from tasks.report.version import Version

CLAIMS = "data/predictions/claims.parquet"
RETRIEVAL = "data/predictions/retrieval.parquet"
EACH = 4  # captions of the best, and of the worst
VARIANT = "two_stage"
DIRECTIONS = {"i2t": "From an image to captions", "t2i": "From words to images"}


@dataclass(frozen=True)
class Captioned:
    """An image with what was said of it."""

    picture: Shown
    said: str
    true: str
    cider: float
    claims: tuple[tuple[str, str], ...]  # claim → true | false | unknown


@dataclass(frozen=True)
class Found:
    """One of the five that a search gave."""

    score: float
    right: bool
    text: str  # empty where images are searched
    picture: Shown | None


@dataclass(frozen=True)
class Search:
    """A query with the five best, and where the first right one stands."""

    rank: int
    query: str
    picture: Shown  # of the query, or of the image that the words belong to
    found: tuple[Found, ...]


def captions(
    version: Version, known: Mapping[str, Item], pictures: Pictures
) -> tuple[list[Captioned], list[Captioned]] | None:
    """The best and the worst captions (`best_first`), no sentence twice; null without captions."""
    said = items.said(version, variant=VARIANT)
    if said is None:
        return None
    scores = items.cider(known, said)
    claims = _claims(version)
    ranked = best_first(scores, claims)

    def shown(names: Sequence[str]) -> list[Captioned]:
        first = {said[name]: name for name in reversed(names)}  # of equal sentences the foremost
        chosen = [name for name in names if first[said[name]] == name][:EACH]
        return [
            Captioned(
                pictures.shown(known[name]), said[name], known[name].captions[0], scores[name], claims.get(name, ())
            )
            for name in chosen
        ]

    half = len(ranked) // 2  # so that no image is among both
    return shown(ranked[: len(ranked) - half]), shown(ranked[::-1][:half])


def best_first(scores: Mapping[str, float], claims: Mapping[str, Sequence[tuple[str, str]]]) -> list[str]:
    """The names by CIDEr; where it is equal, and it often is 0, by the number of claims that are false."""
    untrue = {name: sum(verdict == "false" for _, verdict in found) for name, found in claims.items()}
    return sorted(scores, key=lambda name: (-scores[name], untrue.get(name, 0), name))


def judged(version: Version) -> bool:
    """Whether the claims of the captions were judged."""
    return version.place(CLAIMS) is not None


def _claims(version: Version) -> dict[str, tuple[tuple[str, str], ...]]:
    path = version.place(CLAIMS)
    if path is None:
        return {}
    found: dict[str, list[tuple[str, str]]] = {}
    for row in records.read(path, columns=["record_id", "variant", "claim", "verdict"]):
        if row["variant"] == VARIANT:
            found.setdefault(row["record_id"], []).append((row["claim"], row["verdict"]))
    return {name: tuple(claims) for name, claims in found.items()}


def searches(version: Version, known: Mapping[str, Item], pictures: Pictures) -> dict[str, list[Search]] | None:
    """Direction → the best, the middle and the worst search by the rank of the first right answer; null without."""
    path = version.place(RETRIEVAL)
    if path is None:
        return None
    rows = [row for row in records.read(path) if row["variant"] == VARIANT and row["record_id"] in known]
    found = {}
    for direction, title in DIRECTIONS.items():
        ranked = sorted(
            (row for row in rows if row["direction"] == direction), key=lambda row: (row["rank"], row["record_id"])
        )
        places = sorted({0, len(ranked) // 2, len(ranked) - 1}) if ranked else []
        found[title] = [_search(ranked[place], known, pictures) for place in places]
    return found


def _search(row: Mapping[str, Any], known: Mapping[str, Item], pictures: Pictures) -> Search:
    own = known[row["record_id"]]
    pairs = list(zip(row["found"], row["scores"], strict=True))
    if row["direction"] == "i2t":
        found = [Found(score, _true(text, own), text, None) for text, score in pairs]
    else:
        found = [
            Found(score, _true(row["query"], known[name]), "", pictures.shown(known[name])) for name, score in pairs
        ]
    return Search(row["rank"], row["query"], pictures.shown(own), tuple(found))


def _true(text: str, item: Item) -> bool:
    """Whether the text is among the true captions, as the metric compares them."""
    return text_key(text) in map(text_key, item.captions)
