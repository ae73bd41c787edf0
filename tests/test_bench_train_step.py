"""The benchmarks of training steps: what is timed is all steps but the first, and the input where that is asked for."""

from collections.abc import Iterator

import pytest
import torch

from benchmarks import train_step_input
from benchmarks.train_step import Case, Loader
from sar_models.settings import Hardware

HARDWARE = Hardware(threads=1)


@pytest.mark.parametrize(("micro_batch", "expected"), [(0, [False, True, True]), (2, [False, False, True, True])])
def test_the_clock_starts_behind_the_first_step_and_before_the_input_of_the_second(
    micro_batch: int, expected: list[bool]
) -> None:
    started: list[bool] = []

    def batches() -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        while True:
            started.append(loader.second_step > 0)
            yield torch.zeros(1), torch.zeros(1)

    loader = Loader(batches, Case("any", 4, HARDWARE, steps=1 if micro_batch else 2, micro_batch=micro_batch))
    assert len(list(loader)) == loader.num_batches == len(expected)
    assert started == expected


def test_both_train_on_the_files_that_they_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train_step_input, "WORKERS", (0,))
    found = train_step_input.measure("small", Case("sar_clip_tiny", 2, HARDWARE, steps=1, rounds=1), "JPEG")
    assert found["n"] == 1
    assert found["ratio"] == pytest.approx(found["ours"] / found["peer"], rel=0.05)
    assert found["peer_workers"] == 0
