"""Landmarks alike, found by their keys, in one part or in many."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from tasks.download.landmarks import LANDMARK
from tasks.validate import hashing

NUMBER, COPIES, RANKS = 3_000, 100, (0, 2)


@pytest.fixture
def drawn() -> tuple[Any, Any]:
    """Landmarks of random bits, and ranks; `COPIES` of rank 0 repeat others of rank 2 with four bits changed."""
    rng = np.random.default_rng(0)
    landmarks = np.zeros(NUMBER, dtype=LANDMARK)
    landmarks["bits"] = rng.integers(0, 256, landmarks["bits"].shape)
    rank = np.repeat(RANKS, NUMBER // 2).astype(np.int8)
    landmarks[:COPIES] = landmarks[-COPIES:]
    for copy in landmarks["bits"][:COPIES]:
        copy[rng.choice(16, 4, replace=False)] ^= 1
    landmarks["scale"][:5] = hashing.MAX_STEPS + 1
    return landmarks, rank


def found(landmarks: Any, rank: Any, *, threads: int = 2) -> set[tuple[int, int]]:
    with ThreadPoolExecutor(threads) as pool:
        matches = np.concatenate(hashing.matches(landmarks, rank=rank, pool=pool))
    one, two = matches >> hashing.OTHER_BITS, matches & ((1 << hashing.OTHER_BITS) - 1)
    return set(zip(one.tolist(), two.tolist(), strict=True))


@pytest.mark.parametrize("part_bits", [18, 8, 4])  # one part, 16, 256
def test_copies_are_found_in_any_number_of_parts_and_nothing_else(
    drawn: tuple[Any, Any], part_bits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hashing, "PART_BITS", part_bits)
    expected = {(copy, NUMBER - COPIES + copy) for copy in range(5, COPIES)}  # the first five: of too different a scale
    matches = found(*drawn)
    assert matches <= expected
    assert len(matches) >= 0.95 * len(expected)


def test_blocks_and_threads_change_nothing(drawn: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashing, "PART_BITS", 8)
    at_once = found(*drawn)
    monkeypatch.setattr(hashing, "_BLOCK", 50)
    assert found(*drawn, threads=1) == found(*drawn, threads=3) == at_once != set()


def test_the_lower_rank_comes_first(drawn: tuple[Any, Any]) -> None:
    landmarks, rank = drawn
    assert found(landmarks, 2 - rank) == {(two, one) for one, two in found(landmarks, rank)}


def test_landmarks_in_crowded_buckets_are_passed_over(drawn: tuple[Any, Any]) -> None:
    landmarks, rank = drawn
    landmarks[: hashing.MAX_BUCKET] = landmarks[-1]
    assert not {one for one, _ in found(landmarks, rank)} & set(range(hashing.MAX_BUCKET))


def test_one_rank_and_no_landmarks_give_no_match(drawn: tuple[Any, Any]) -> None:
    landmarks, rank = drawn
    assert found(landmarks, np.zeros_like(rank)) == set()
    assert found(landmarks[:0], rank[:0]) == set()
