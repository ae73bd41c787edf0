"""Images of different splits that share a part of their pixels: crops, resized, turned, mirrored and stored again.

`matching` proposes pairs from the landmarks of the whole collection, `registration` lays the pictures over each other
and decides. The image nearer to test stays. An image of the same place on another date is no copy: it is named apart.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import groupby, islice
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.validate.matching import THREADS, Candidate, Collection, Placement, candidates
from tasks.validate.registration import Registration, register
from tasks.validate.split import RANK

MAX_TRIED = 8  # candidates of an image that are registered, those with the most places first
SAME_PLACE = 5  # places of a candidate that may be called the same place: streets in a grid agree in three by chance
_PICTURES = 64  # held decoded at a time
TURNS = (
    "", "mirrored left to right", "mirrored top to bottom", "turned by 180°", "mirrored along the diagonal",
    "turned by 90° anticlockwise", "turned by 90° clockwise", "mirrored along the other diagonal",
)  # fmt: skip


@dataclass(frozen=True)
class Found:
    """`record_id` → what it shares with which image, in words; and → the `record_id` of the same place."""

    overlaps: dict[str, str] = field(default_factory=dict)
    same_place: dict[str, str] = field(default_factory=dict)


def find(
    images: Sequence[Mapping[str, Any]], *, picture: Callable[[Mapping[str, Any]], npt.NDArray[np.uint8]]
) -> Found:
    """Images that overlap one in a split nearer to test, whatever the order of `images`.

    Each image has `record_id`, `split`, `landmarks` (as `download.landmarks` gives them) and what `picture` needs to
    give its (H, W, C) pixels; `picture` is asked for candidates only. A val image that itself yields to a test image
    refuses no train image.
    """
    ordered = sorted(images, key=lambda image: image["record_id"])
    ranks = [RANK[image["split"]] for image in ordered]
    collection = Collection.of([image["landmarks"] or b"" for image in ordered], ranks=ranks)
    proposed = candidates(collection)

    @lru_cache(maxsize=_PICTURES)
    def pixels(index: int) -> npt.NDArray[np.uint8]:
        return picture(ordered[index])

    def judge(tried: Sequence[Candidate]) -> tuple[Candidate, Registration] | None:
        """The first that is a copy, else the first of the same place."""
        place = None
        for candidate in tried:
            registered = register(pixels(candidate.copy), pixels(candidate.other), candidate.placement)
            if registered is not None and registered.kind == "copy":
                return candidate, registered
            if registered is not None and place is None and candidate.places >= SAME_PLACE:
                place = candidate, registered
        return place

    names = [image["record_id"] for image in ordered]
    found = Found()
    for rank in (RANK["test"], RANK["val"]):
        against = [
            [candidate for candidate in islice(tried, MAX_TRIED) if names[candidate.other] not in found.overlaps]
            for copy, tried in groupby(
                (candidate for candidate in proposed if ranks[candidate.other] == rank), key=lambda one: one.copy
            )
            if names[copy] not in found.overlaps
        ]
        with ThreadPoolExecutor(THREADS) as pool:  # what is found of one image decides nothing of another of its split
            judged = list(pool.map(judge, against))
        for candidate, registered in filter(None, judged):
            name, other = names[candidate.copy], names[candidate.other]
            if registered.kind == "copy":
                found.overlaps[name] = describe(other, candidate.placement, registered)
                found.same_place.pop(name, None)
            else:
                found.same_place.setdefault(name, other)
    return found


def describe(other: str, placement: Placement, registered: Registration) -> str:
    """Such as: 62 % of it, mirrored left to right, resized by 2.00, is in hrsid/images/a.jpg (speckle r = 0.93)."""
    turn = f"{TURNS[placement.turn]}, " if placement.turn else ""
    return (
        f"{100 * registered.overlap:.0f} % of it, {turn}resized by {placement.scale:.2f}, is in {other} "
        f"(speckle r = {registered.correlation:.2f})"
    )
