"""Which split a group belongs to: every image votes, and test beats val beats train.

An image votes as its source says; where the source says nothing, a hash of (seed, group) votes. All images of a group,
of whatever source, modality or text, then stand where the highest vote puts them. All sources that take part vote, in
either text, and the order decides nothing: so `validate@optical` and `validate@sar` come to the same answer apart.
Growth can only move a group towards test, never out of it; among sources split by hash it moves nothing at all.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from tasks import paths, records
from tasks.download.catalog import Source
from tasks.params import Split

RANK = {"train": 0, "val": 1, "test": 2}


def votes_of(names: Iterable[str]) -> list[dict[str, Any]]:
    """The groups of the sources, with or without captions: rows of `records.GROUPS`."""
    return [row for name in names for row in records.read(paths.source_groups(name))]


def draw(group: str, *, seed: int) -> float:
    """A number in [0, 1) that only the seed and the group decide."""
    digest = hashlib.sha256(f"{seed}:{group}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def hashed(group: str, *, settings: Split) -> str:
    """The split by hash alone: test takes the lowest share, val the next, train the rest."""
    number = draw(group, seed=settings.seed)
    if number < settings.test:
        return "test"
    return "val" if number < settings.test + settings.val else "train"


def assign(rows: Iterable[Mapping[str, Any]], *, settings: Split) -> dict[str, str]:
    """Group → `train`, `val` or `test`, from the votes: `source`, `role`, `group`, `split` as the source gives it.

    A source of role `test` votes test only; one of role `train` never votes test, so that an image of it whose group
    is test all the same belongs in quarantine (see `excluded`). A source that gives train and test but no val lends
    those groups of its train that the hash calls val.
    """
    rows = list(rows)
    has_val = {row["source"] for row in rows if row["split"] == "val"}
    groups: dict[str, str] = {}
    for row in rows:
        source, group = row["source"], row["group"]
        role = row["role"]
        by_hash = hashed(group, settings=settings)
        vote = row["split"] or by_hash
        if role == "test":
            vote = "test"
        elif role == "train" and vote == "test":
            vote = "train"
        elif vote == "train" and by_hash == "val" and source not in has_val:
            vote = "val"
        if RANK[vote] >= RANK[groups.get(group, "train")]:
            groups[group] = vote
    return groups


def excluded(source: Source, *, split: str) -> str | None:
    """Why an image of `source` may not stand in the split of its group, else null."""
    if source.role == "train" and split == "test":
        return f"{source.name} is for training only, and its group is a test group of another source"
    return None
