"""Which optical images the second stage goes on to see, so that it does not forget what the first one learned.

Experience replay (Rolnick et al., NeurIPS 2019), with a fixed part of the first stage's own training images.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any


def replayed(rows: Iterable[Mapping[str, Any]], *, share: float, seed: int) -> list[dict[str, Any]]:
    """The caption rows of about `share` of the images, all or none of an image; a larger share keeps the smaller's."""
    return [dict(row) for row in rows if _place(row["record_id"], seed=seed) < share]


def _place(record_id: str, *, seed: int) -> float:
    """A number from 0 up to 1 that the record and seed give."""
    digest = hashlib.blake2b(f"{seed}/replay/{record_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64
