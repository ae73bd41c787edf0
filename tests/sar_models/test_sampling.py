"""Seeded random captions: drawn with the model's own probabilities, each from its own seed."""

import numpy as np
import pytest
import torch
from micro_training import HARDWARE

from sar_models import decode, infer, model
from sar_models.settings import Sampling
from sar_models.tokenizer import PAD

PICTURES = [np.random.default_rng(n).integers(0, 256, (16 + n, 20, 1), dtype=np.uint8) for n in range(5)]
START, END = 1, 7
PROBABILITIES = torch.tensor([0.0, 0.0, 0.5, 0.25, 0.15, 0.07, 0.0, 0.03])  # of tokens 0..7, at every step


class Dice:
    """A stepper with the same probabilities at each step."""

    longest = 12

    def __init__(self, images: int) -> None:
        self.images = images

    def step(self, tokens: torch.Tensor, parents: torch.Tensor) -> torch.Tensor:
        return PROBABILITIES.log().expand(len(tokens), 1, -1)

    def keep(self, images: torch.Tensor) -> None:
        pass


def drawn(count: int, *, temperature: float = 1.0, first_seed: int = 0) -> torch.Tensor:
    sampling = Sampling(temperature=temperature, max_tokens=12)
    seeds = range(first_seed, first_seed + count)
    return decode.sample(Dice(count), sampling=sampling, seeds=seeds, start=START, end=END)


def test_tokens_come_with_their_probabilities() -> None:
    tokens = drawn(3000)
    free = tokens[tokens != PAD]
    share = torch.bincount(free, minlength=8) / len(free)
    torch.testing.assert_close(share, PROBABILITIES, atol=0.012, rtol=0)


def test_a_low_temperature_leaves_the_likeliest() -> None:
    assert set(drawn(50, temperature=0.05).unique().tolist()) == {2}


def test_a_row_ends_with_end_and_then_is_padded() -> None:
    tokens = drawn(400)
    ended = (tokens == END).any(dim=1)
    assert 0 < int(ended.sum()) < 400
    for row in tokens[ended].tolist():
        after = row[row.index(END) + 1 :]
        assert after == [PAD] * len(after)
    assert not (tokens[~ended] == PAD).any()


def test_a_row_is_a_function_of_its_own_seed() -> None:
    whole, shifted = drawn(6), drawn(3, first_seed=3)
    width = min(whole.shape[1], shifted.shape[1])
    assert torch.equal(whole[3:, :width], shifted[:, :width])


def test_captions_of_pictures_do_not_depend_on_the_batch_and_differ_by_seed() -> None:
    micro = model.initial("coca", architecture="micro_coca", seed=1)

    def said(size: int, seeds: list[int]) -> list[str]:
        sampling = Sampling(temperature=1.0, max_tokens=8, batch_size=size)
        return infer.sample_captions(micro, PICTURES, sampling=sampling, seeds=seeds, hardware=HARDWARE)

    seeds = [11, 12, 13, 14, 15]
    assert said(5, seeds) == said(2, seeds)
    assert all(a != b for a, b in zip(said(5, seeds), said(5, [21, 22, 23, 24, 25]), strict=True))


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="above 0"):
        Sampling(temperature=0)
    with pytest.raises(ValueError, match="2 seeds for 3 images"):
        decode.sample(Dice(3), sampling=Sampling(), seeds=[1, 2], start=START, end=END)
    clip = model.initial("clip", architecture="micro_clip", seed=1)
    with pytest.raises(ValueError, match="use a coca"):
        infer.sample_captions(clip, PICTURES, sampling=Sampling(), seeds=range(5), hardware=HARDWARE)
