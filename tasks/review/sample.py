"""Which images a person sees: a seeded sample, spread over source, route and split."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]


def draw(rows: Sequence[Row], *, n: int, seed: int) -> list[str]:
    """`record_id`s of `n` images (or all, where there are fewer), in the order of a hash of seed and id.

    Each stratum (source, route of the first caption, split) gets its share of `n`, and at least one; what the shares
    leave over goes to the largest remainders. `rows` are captions with `record_id`, `source`, `route`, `split`.
    """
    first: dict[str, Row] = {}
    for row in rows:
        first.setdefault(row["record_id"], row)
    strata: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for record_id, row in first.items():
        strata[row["source"], row["route"], row["split"]].append(record_id)
    chosen: list[str] = []
    for key, quota in _quotas({key: len(own) for key, own in strata.items()}, n=n).items():
        chosen += sorted(strata[key], key=lambda record_id: _dice(record_id, seed))[:quota]
    return sorted(chosen, key=lambda record_id: _dice(record_id, seed))


def _quotas(sizes: Mapping[tuple[str, ...], int], *, n: int) -> dict[tuple[str, ...], int]:
    total = sum(sizes.values())
    if n >= total:
        return dict(sizes)
    keys = sorted(sizes, key=lambda key: (-sizes[key], key))[:n]  # with fewer places than strata, the largest
    quotas = {key: max(1, n * sizes[key] // total) for key in keys}
    by_remainder = sorted(keys, key=lambda key: (-(n * sizes[key] % total), key))
    while sum(quotas.values()) < n:
        for key in by_remainder:
            if sum(quotas.values()) < n and quotas[key] < sizes[key]:
                quotas[key] += 1
    while sum(quotas.values()) > n:  # many strata of one image each: the largest quotas give
        quotas[max(quotas, key=lambda key: (quotas[key], key))] -= 1
    return quotas


def _dice(record_id: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}:{record_id}".encode()).digest()
