"""Is a claim true? Computed from the raw boxes, regions and label of a record; shares no geometry with facts.py.

docs/captions.md states the definitions. Shared with the writer are the vocabulary (which class is which, what a word
for a share or number means) and nothing else. Here: what is there and what image it is; truth_layout.py and
truth_size.py judge boxes, truth_cover.py maps.
"""

import math

from tasks.narrate import truth_cover, truth_layout, truth_size, words
from tasks.narrate.judging import (
    Judge,
    Problem,
    Record,
    boxes_of,
    contradicted,
    count_bounds,
    is_label,
    may_be_more,
    regions_of,
    undecided,
)
from tasks.narrate.words import Claim


def problem(claim: Claim, record: Record, exhaustive: frozenset[str]) -> Problem | None:
    """Why the annotation contradicts `claim` or cannot support it; `None` where it is true."""
    judge = _JUDGES.get(claim.kind)
    assert judge is not None, f"no judge for {claim}"
    return judge(claim, record, exhaustive)


def _count(claim: Claim, record: Record, exhaustive: frozenset[str]) -> Problem | None:
    name, value = claim.subject, claim.value
    boxes, regions = boxes_of(name, record), regions_of(name, record)
    labelled = is_label(name, record)
    if value == "0":
        if boxes or regions or labelled:
            return contradicted(f"the text denies {name}, which is annotated")
        if may_be_more(name, record, exhaustive):
            return undecided(f"the text denies {name}, but the source does not annotate every {name}")
        return None
    if regions and not boxes:
        if value in ("some", "any"):
            return None
        return undecided(f"the text counts {name} ({value}), but a land-cover map counts no objects")
    number = len(boxes) if boxes else int(labelled)
    low, high = count_bounds(value)
    if low <= number <= high:
        return None
    settled = number > high or not may_be_more(name, record, exhaustive)
    return Problem(f"the text says {value} of {name}, the annotation {number}", settled)


def _only(claim: Claim, record: Record, exhaustive: frozenset[str]) -> Problem | None:
    name = claim.subject
    if words.can_deny(name, exhaustive):
        return None
    return undecided(f"the text says that there is no other {name}, but the source does not annotate every {name}")


def _known(claim: Claim, record: Record, exhaustive: frozenset[str]) -> Problem | None:
    said = record[claim.kind]
    if said == claim.value:
        return None
    return Problem(f"the text says {claim.kind} {claim.value}, the record {said}", said is not None)


def _resolution(claim: Claim, record: Record, exhaustive: frozenset[str]) -> Problem | None:
    known_m = record["resolution_m"]
    if known_m is not None and math.isclose(float(claim.value), known_m, rel_tol=0.01):
        return None
    return Problem(f"the text says a resolution of {claim.value} m, the record {known_m}", known_m is not None)


_JUDGES: dict[str, Judge] = {
    "count": _count,
    "only": _only,
    "modality": _known,
    "sensor": _known,
    "band": _known,
    "polarization": _known,
    "resolution": _resolution,
    **truth_layout.JUDGES,
    **truth_size.JUDGES,
    **truth_cover.JUDGES,
}
KINDS = tuple(_JUDGES)
