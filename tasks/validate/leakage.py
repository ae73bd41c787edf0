"""The same image twice: as the same bytes anywhere, or nearly the same across splits. The copy nearer to test stays.

Names cannot find copies (SARDet-100K renames and re-encodes HRSID, a test set here), so pixels do. Two images are near
duplicates when their difference hashes agree in at least one of four 16-bit quarters, which any pair with at most
three different bits does, differ in at most `MAX_HASH_BITS`, and their 16×16 thumbnails correlate by at least
`MIN_CORRELATION`. Crops are not found.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.validate.split import RANK

MAX_HASH_BITS = 8  # of 64
MIN_CORRELATION = 0.98
_PRODUCTS = 5_000_000  # correlations held at a time: 40 MB each array


def exact_copies(images: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """`record_id` of a copy → `record_id` of the image that stays, over all images with equal `sha256`.

    Each image has `record_id`, `sha256` and `split`. Test stays before val before train, then the smaller id.
    """
    stays: dict[str, str] = {}
    copies: dict[str, str] = {}
    for image in sorted(images, key=lambda image: (-RANK[image["split"]], image["record_id"])):
        original = stays.setdefault(image["sha256"], image["record_id"])
        if original != image["record_id"]:
            copies[image["record_id"]] = original
    return copies


def near_copies(images: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """`record_id` of a near duplicate → `record_id` of the image in a higher split that it resembles most.

    Each image has `record_id`, `split`, `dhash` (16 hex digits) and `thumbnail` (256 bytes). Within a split, and so
    within a group, likeness is no leak and is left alone. A val image that itself yields to a test image refuses
    no train image.
    """
    if not images:
        return {}
    ordered = sorted(images, key=lambda image: image["record_id"])
    ranks = np.array([RANK[image["split"]] for image in ordered], dtype=np.int8)
    hashes = np.array([int(image["dhash"], 16) for image in ordered], dtype=np.uint64)
    pixels = np.frombuffer(b"".join(image["thumbnail"] for image in ordered), dtype=np.uint8)
    thumbnails = pixels.reshape(len(ordered), -1).astype(np.float32)

    best: dict[tuple[int, int], tuple[float, int]] = {}  # (copy, rank of the other) → (−correlation, the other)
    for bucket in _buckets(hashes, ranks):
        for copy, other, correlation in _alike(bucket, hashes=hashes, ranks=ranks, thumbnails=thumbnails):
            key, found = (copy, int(ranks[other])), (-correlation, other)
            best[key] = min(best.get(key, found), found)
    against_test = {copy: other for (copy, rank), (_, other) in best.items() if rank == RANK["test"]}
    copies = dict(against_test)
    for (copy, rank), (_, other) in best.items():
        if rank == RANK["val"] and other not in against_test:
            copies.setdefault(copy, other)
    return {ordered[copy]["record_id"]: ordered[other]["record_id"] for copy, other in sorted(copies.items())}


def _buckets(hashes: npt.NDArray[np.uint64], ranks: npt.NDArray[np.int8]) -> Iterator[npt.NDArray[np.int64]]:
    """Indices of images that share a quarter of their hash, where they stand in more than one split."""
    for shift in (0, 16, 32, 48):
        quarter = (hashes >> np.uint64(shift)) & np.uint64(0xFFFF)
        order = np.argsort(quarter, kind="stable")
        edges = np.flatnonzero(np.diff(quarter[order])) + 1
        starts = np.concatenate([[0], edges])
        ordered_ranks = ranks[order]
        mixed = np.maximum.reduceat(ordered_ranks, starts) > np.minimum.reduceat(ordered_ranks, starts)
        ends = np.concatenate([edges, [len(order)]])
        for start, end in zip(starts[mixed], ends[mixed], strict=True):
            yield order[start:end]


def _alike(
    bucket: npt.NDArray[np.int64],
    *,
    hashes: npt.NDArray[np.uint64],
    ranks: npt.NDArray[np.int8],
    thumbnails: npt.NDArray[np.float32],
) -> Iterator[tuple[int, int, float]]:
    """(image in the lower split, image in the higher, correlation) of all near duplicates in a bucket."""
    upper = bucket[ranks[bucket] > RANK["train"]]
    block = max(1, _PRODUCTS // len(bucket))
    for start in range(0, len(upper), block):
        others = upper[start : start + block]
        correlations = _correlations(thumbnails[others], thumbnails[bucket])
        rows, columns = np.nonzero(correlations >= MIN_CORRELATION)
        high, low = others[rows], bucket[columns]
        bits = np.bitwise_count(hashes[high] ^ hashes[low])
        keep = (ranks[low] < ranks[high]) & (bits <= MAX_HASH_BITS)
        found = zip(low[keep], high[keep], correlations[rows[keep], columns[keep]], strict=True)
        yield from ((int(copy), int(other), float(correlation)) for copy, other, correlation in found)


def _correlations(a: npt.NDArray[np.float32], b: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Pearson's r of every row of `a` with every row of `b`; 0 where one is flat.

    A sum of 256 products of whole numbers up to 255 stays below 2²⁴, so the float32 product is exact on every machine
    and in every order of summation, and the quarantine with it the same everywhere.
    """
    n = a.shape[1]
    assert n * 255 * 255 < 2**24
    sum_a, sum_b = (x.sum(axis=1, dtype=np.float64) for x in (a, b))
    spread_a, spread_b = (
        np.sqrt(n * np.square(x, dtype=np.float64).sum(axis=1) - total**2) for x, total in ((a, sum_a), (b, sum_b))
    )
    covariance = n * (a @ b.T).astype(np.float64) - np.outer(sum_a, sum_b)
    scale = np.outer(spread_a, spread_b)
    correlations: npt.NDArray[np.float64] = np.divide(covariance, scale, out=np.zeros_like(covariance), where=scale > 0)
    return correlations
