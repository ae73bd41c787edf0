"""Which landmarks of different rank are alike? Locality-sensitive hashing (P. Indyk, R. Motwani, STOC 1998).

Landmarks that agree in all bits of a key are compared whole; a table has a key of its own, drawn from the bits. The
tables of a group share the first bits of their keys. Landmarks are parted by these, and each part stays in the cache of
a processor while the tables are made of it, so that a landmark costs about the same in a collection of any size (radix
partitioning: S. Manegold, P. Boncz, M. Kersten, IEEE TKDE 14, 2002).
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tasks.download.landmarks import BITS

GROUPS, TABLES = 9, 4  # tables in each group
KEY_BITS, KEY_BITS_MORE = 20, 3  # bits of a key, at least; and beyond those that number all landmarks
PART_BITS = 18  # bits that number the landmarks of a part, if parts are of one size
MAX_BUCKET = 16  # landmarks that agree in a key; more of them are of a pattern that tells no images apart
MAX_BITS = 24  # of 128 that may differ where a key agrees
MAX_STEPS = 5  # between the scales of two landmarks: 2.4 times
OTHER_BITS = 32  # a match is one number: that of the landmark of lower rank, then in these bits that of the other
_BLOCK = 2**18  # landmarks that are parted at a time
_SEED = 7

_Ints = npt.NDArray[np.int64]
_Words = npt.NDArray[np.uint64]


class _Columns(NamedTuple):
    """Of the same landmarks, each beside the others in memory."""

    at: npt.NDArray[np.int32]  # positions
    low: _Words  # bits, the first 64
    high: _Words
    scale: npt.NDArray[np.int8]
    rank: npt.NDArray[np.int8]


def _arrays(columns: _Columns) -> list[npt.NDArray[Any]]:
    return list(columns)


def matches(landmarks: npt.NDArray[np.void], *, rank: npt.NDArray[np.int8], pool: ThreadPoolExecutor) -> list[_Ints]:
    """Matches of landmarks (LANDMARK) whose ranks differ, as in `OTHER_BITS`: of each part of each group, sorted."""
    number = len(landmarks)
    assert number < 1 << 31  # two of them in one number
    low, high = np.ascontiguousarray(words_of(landmarks).T)
    whole = _Columns(np.arange(number, dtype=np.int32), low, high, landmarks["scale"].astype(np.int8), rank)
    ordered = _Columns(*map(np.empty_like, whole))  # once for all groups: fresh memory costs as much as the sorting
    key_bits = max(KEY_BITS, number.bit_length() + KEY_BITS_MORE)  # so that about as many agree by chance in any number
    found: list[_Ints] = []
    rng = np.random.default_rng(_SEED)
    for _ in range(GROUPS):
        orders = [rng.permutation(BITS) for _ in range(TABLES)]
        shared = orders[0][: max(0, number.bit_length() - PART_BITS)]
        by = [_mask(bit) for bit in shared]
        masks = [_mask(np.concatenate([shared, order[~np.isin(order, shared)]])[:key_bits]) for order in orders]
        blocks = (slice(start, start + _BLOCK) for start in range(0, max(number, 1), _BLOCK))
        ends = list(pool.map(partial(_order_block, whole, ordered, by=by), blocks))
        parts = ([slice(*of[value : value + 2]) for of in ends] for value in range(1 << len(by)))
        found += pool.map(partial(_of_part, ordered, masks=masks), parts)
    return found


def words_of(landmarks: npt.NDArray[np.void]) -> _Words:
    """(N, 2): the 128 bits of each."""
    return np.ascontiguousarray(landmarks["bits"]).view("<u8").astype(np.uint64, copy=False)


def _mask(bits: _Ints) -> _Words:
    """(2,): both words with these bits set."""
    chosen = np.zeros(BITS, dtype=np.uint8)
    chosen[bits] = 1
    return np.packbits(chosen).view("<u8").astype(np.uint64)


def _order_block(whole: _Columns, ordered: _Columns, block: slice, *, by: list[_Words]) -> _Ints:
    """Write a block into `ordered`, sorted by the bits of these masks; where there each value begins, and the end."""
    some = _Columns(*(column[block] for column in _arrays(whole)))
    value = np.zeros(len(some.at), dtype=np.uint16)
    for mask in by:
        value <<= np.uint16(1)
        value |= (some.low & mask[0] | some.high & mask[1]) != 0
    order = np.argsort(value, kind="stable")
    for column, to in zip(_arrays(some), _arrays(ordered), strict=True):
        to[block] = column[order]
    begins: _Ints = block.start + np.cumsum([0, *np.bincount(value, minlength=1 << len(by))])
    return begins


def _of_part(ordered: _Columns, runs: list[slice], *, masks: list[_Words]) -> _Ints:
    """The matches among the landmarks in these runs, sorted."""
    part = _Columns(*(np.concatenate([column[run] for run in runs]) for column in _arrays(ordered)))
    at = part.at.astype(np.int64)
    pairs = [at[one] << OTHER_BITS | at[two] for one, two in _tables(part, masks=masks)]
    return np.sort(np.concatenate(pairs or [at[:0]]))


def _tables(part: _Columns, *, masks: list[_Words]) -> Iterator[tuple[_Ints, _Ints]]:
    """Landmarks of lower and of higher rank, by their place in `part`, that agree in a mask and nearly in all."""
    _, low, high, scale, rank = part
    few = rank != np.bincount(rank, minlength=1).argmax()  # a key without any of these joins no two of different rank
    if not few.any():
        return
    for mask in masks:
        kept, left = _buckets(_hash(low & mask[0], high & mask[1]), few=few)
        a, b, of, step = low[kept], high[kept], rank[kept], scale[kept]
        one = np.flatnonzero(left)
        for apart in range(1, MAX_BUCKET):  # each member of a bucket with the one so many places on
            two = one + apart
            near = np.bitwise_count(a[one] ^ a[two]) + np.bitwise_count(b[one] ^ b[two])
            alike = (near <= MAX_BITS) & (of[one] != of[two]) & (np.abs(step[one] - step[two]) <= MAX_STEPS)
            first, second = one[alike], two[alike]
            swap = of[first] > of[second]
            yield kept[np.where(swap, second, first)], kept[np.where(swap, first, second)]
            one = one[left[one] > apart]


def _hash(low: _Words, high: _Words) -> npt.NDArray[np.uint32]:
    low *= np.uint64(0x9E3779B97F4A7C15)
    low ^= low >> np.uint64(29)
    high *= np.uint64(0xC2B2AE3D27D4EB4F)
    low ^= high
    low *= np.uint64(0xD6E8FEB86659FD93)
    return (low >> np.uint64(32)).astype(np.uint32)


def _buckets(key: npt.NDArray[np.uint32], *, few: npt.NDArray[np.bool_]) -> tuple[_Ints, _Ints]:
    """Positions, equal keys side by side, in buckets of 2 to `MAX_BUCKET`; and how many of its bucket follow each."""
    bits = len(key).bit_length()
    place = key >> np.uint32(32 - bits)
    held = np.zeros(1 << bits, dtype=bool)
    held[place[few]] = True
    kept = np.flatnonzero(held[place])
    kept = kept[_order(key[kept])]
    key = key[kept]
    new = np.ones(len(key) + 1, dtype=bool)
    new[1:-1] = key[1:] != key[:-1]
    starts = np.flatnonzero(new)
    sizes = np.diff(starts)
    sizes_of = np.repeat(sizes, sizes)
    at = np.flatnonzero((sizes_of > 1) & (sizes_of <= MAX_BUCKET))
    return kept[at], np.repeat(starts[1:], sizes)[at] - at - 1


def _order(key: npt.NDArray[np.uint32]) -> _Ints:
    """As `np.argsort`, stable. Numbers of 16 bits are sorted by counting, twice that takes a third of the time."""
    by_low = np.argsort(key.astype(np.uint16), kind="stable")
    return by_low[np.argsort((key >> np.uint32(16)).astype(np.uint16)[by_low], kind="stable")]
