"""How far a text agrees with the annotation of its image: claims counted, and three numbers over many texts.

claim precision           supported claims / (supported + contradicted). Claims that the annotation cannot settle are
                          counted apart, as `undecidable`; claims on the kind of image are left out, since every
                          writer knows it before it looks.
claim recall              of the widest classes that the annotation holds (objects, chips, land cover of at least 5 %
                          of the map), the share that the text claims present, by naming them or a narrower class.
unsupported-object rate   of the classes that the text claims present, the share that the annotation does not hold. A
                          class that the source does not annotate exhaustively may be there all the same: it is counted
                          as undecidable and enters neither numerator nor denominator. (After the object hallucination
                          of CHAIR, Rohrbach et al., EMNLP 2018, here with the vocabulary of nouns.yaml.)
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from tasks.narrate import truth, words
from tasks.narrate.judging import boxes_of, is_label, may_be_more, regions_of
from tasks.narrate.reader import read_claims
from tasks.narrate.words import Claim

LEAST_COVER = 0.05  # of the map; land cover below it need not be told
LEAST_CLAIMS = 30  # that the annotation settles; of fewer, a claim precision says nothing
RELATED = {"near", "side_of", "part"}  # their values end in a further class
DENIED = re.compile(r"0($|[@ ])")


@dataclass(frozen=True)
class ClaimScore:
    """Counts of one text, or of many added up."""

    supported: int = 0
    contradicted: int = 0
    undecidable: int = 0
    recalled: int = 0  # classes
    recallable: int = 0
    unsupported_objects: int = 0  # classes claimed present
    undecidable_objects: int = 0
    objects: int = 0  # all of them

    def __add__(self, other: "ClaimScore") -> "ClaimScore":
        return ClaimScore(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))


@dataclass(frozen=True)
class Totals:
    """The three numbers, each 0..1, and `None` where there is nothing to divide by."""

    claim_precision: float | None
    claim_recall: float | None
    unsupported_object_rate: float | None
    counts: ClaimScore


def score(text: str, record: Mapping[str, Any], *, exhaustive: Collection[str]) -> ClaimScore:
    """Count the claims of `text` by what the annotation in `record` says of them.

    `record` is a row of `records.parquet`, `exhaustive` as its source states it. Captions that the source gives are no
    annotation here: they are scored like any other text.
    """
    annotated = frozenset(exhaustive)
    claims = [claim for claim in read_claims(text) if claim.kind != "modality"]
    problems = [truth.problem(claim, record, annotated) for claim in claims]
    contradicted = sum(problem is not None and problem.settled for problem in problems)
    undecidable = sum(problem is not None and not problem.settled for problem in problems)
    named = objects(claims)
    absent = [name for name in named if not _holds(name, record)]
    open_ended = sum(may_be_more(name, record, annotated) for name in absent)
    holds = recallable(record)
    return ClaimScore(
        supported=len(claims) - contradicted - undecidable,
        contradicted=contradicted,
        undecidable=undecidable,
        recalled=len(holds & {words.kinds(name)[-1] for name in named}),
        recallable=len(holds),
        unsupported_objects=len(absent) - open_ended,
        undecidable_objects=open_ended,
        objects=len(named),
    )


def total(scores: Iterable[ClaimScore]) -> Totals:
    """The three numbers over all claims and classes of `scores` (not means over texts)."""
    counts = sum(scores, start=ClaimScore())
    return Totals(
        claim_precision=_ratio(counts.supported, counts.supported + counts.contradicted),
        claim_recall=_ratio(counts.recalled, counts.recallable),
        unsupported_object_rate=_ratio(counts.unsupported_objects, counts.objects - counts.undecidable_objects),
        counts=counts,
    )


def objects(claims: Iterable[Claim]) -> set[str]:
    """The classes that the claims say are there."""
    found = set()
    for claim in claims:
        if claim.subject != "image" and not DENIED.match(claim.value):
            found.add(claim.subject)
        if claim.kind == "adjacent":
            found.add(claim.value)
        elif claim.kind in RELATED:
            found.add(claim.value.rsplit(" ", 1)[1])
    return found


def recallable(record: Mapping[str, Any]) -> set[str]:
    """The widest classes of which a text could tell."""
    shares: dict[str, float] = {}
    for region in record["regions"] or ():
        widest = words.kinds(region["class"])[-1]
        shares[widest] = shares.get(widest, 0.0) + region["fraction"]
    found = {words.kinds(box["class"])[-1] for box in record["boxes"] or ()}
    found |= {name for name, share in shares.items() if share >= LEAST_COVER}
    if record["label"] is not None:
        found.add(words.kinds(record["label"])[-1])
    return {name for name in found if not words.noun(name).silent}


def _holds(name: str, record: Mapping[str, Any]) -> bool:
    return bool(boxes_of(name, record) or regions_of(name, record) or is_label(name, record))


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
