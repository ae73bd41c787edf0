"""Greedy and beam search against brute force and a plain reference, on random tables and on a real CoCa."""

import itertools
import math
from collections.abc import Callable

import micro_training
import numpy as np
import pytest
import torch

from sar_models import decode, model, pixels
from sar_models.settings import Decoding
from sar_models.tokenizer import PAD

Next = Callable[[int, tuple[int, ...]], list[float]]  # image, tokens so far → log-probabilities
VOCABULARY, START, END = 6, 4, 5
WORDS = [token for token in range(VOCABULARY) if token not in (PAD, START)]  # what may be chosen, END included


class Table:
    """A stepper whose probabilities depend on the whole row so far."""

    def __init__(self, following: Next, *, images: int, longest: int) -> None:
        self.following, self.images, self.longest = following, images, longest
        self.rows: list[list[tuple[int, ...]]] = [[()] for _ in range(images)]

    def step(self, tokens: torch.Tensor, parents: torch.Tensor) -> torch.Tensor:
        first = self.rows[0] == [()] and bool((tokens == START).all())
        if not first:
            self.rows = [
                [(*self.rows[image][parent], token) for parent, token in zip(chosen, added, strict=True)]
                for image, (chosen, added) in enumerate(zip(parents.tolist(), tokens.tolist(), strict=True))
            ]
        return torch.tensor([[self.following(image, row) for row in rows] for image, rows in enumerate(self.rows)])


def random_table(seed: int) -> Next:
    def following(image: int, row: tuple[int, ...]) -> list[float]:
        random = np.random.default_rng([seed, image, *row])
        return np.log(random.dirichlet(np.full(VOCABULARY, 0.5)) + 1e-6).tolist()

    return following


def score(following: Next, image: int, row: tuple[int, ...]) -> float:
    return sum(following(image, row[:position])[token] for position, token in enumerate(row)) / len(row)


def brute_force(following: Next, image: int, steps: int) -> tuple[int, ...]:
    """The best of all rows that end with END, or are cut at `steps` tokens."""
    everything = [
        row
        for length in range(1, steps + 1)
        for row in itertools.product(WORDS, repeat=length)
        if END not in row[:-1] and (row[-1] == END or length == steps)
    ]
    return max(everything, key=lambda row: score(following, image, row))


def reference_beams(following: Next, image: int, steps: int, beams: int) -> tuple[int, ...]:
    """Beam search written for reading: sort all continuations by sum, keep the best."""
    kept: list[tuple[float, tuple[int, ...]]] = [(0.0, ())]
    for _ in range(steps):
        candidates = []
        for total, row in kept:
            if END in row:
                candidates.append((total, row))
            else:
                logs = following(image, row)
                candidates += [(total + logs[token], (*row, token)) for token in WORDS]
        kept = sorted(candidates, key=lambda candidate: -candidate[0])[:beams]
    return max(kept, key=lambda candidate: candidate[0] / len(candidate[1]))[1]


def trimmed(rows: torch.Tensor) -> list[tuple[int, ...]]:
    return [tuple(token for token in row if token != PAD) for row in rows.tolist()]


@pytest.mark.parametrize("seed", range(5))
def test_enough_beams_find_what_brute_force_finds(seed: int) -> None:
    following = random_table(seed)
    decoding = Decoding(method="beam", beams=len(WORDS) ** 4, max_tokens=4)
    found = decode.decode(Table(following, images=3, longest=9), decoding=decoding, start=START, end=END)
    assert trimmed(found) == [brute_force(following, image, 4) for image in range(3)]


@pytest.mark.parametrize("beams", [1, 2, 3, 5])
def test_few_beams_find_what_the_plain_reference_finds(beams: int) -> None:
    different = 0
    for seed in range(12):
        following = random_table(100 + seed)
        decoding = Decoding(method="beam", beams=beams, max_tokens=6)
        found = decode.decode(Table(following, images=4, longest=9), decoding=decoding, start=START, end=END)
        expected = [reference_beams(following, image, 6, beams) for image in range(4)]
        assert trimmed(found) == expected
        different += sum(row != reference_beams(following, image, 6, 1) for image, row in enumerate(expected))
    assert (different > 0) == (beams > 1), "the tables must be such that beams matter"


def test_greedy_takes_the_best_next_token() -> None:
    following = random_table(7)
    found = decode.decode(Table(following, images=4, longest=9), decoding=Decoding(max_tokens=6), start=START, end=END)
    for image, row in enumerate(trimmed(found)):
        for position, token in enumerate(row):
            logs = following(image, row[:position])
            assert logs[token] == max(logs[word] for word in WORDS)
        assert row[-1] == END or len(row) == 6


def test_ties_go_to_the_lower_token_and_the_earlier_beam() -> None:
    def even(image: int, row: tuple[int, ...]) -> list[float]:
        return [math.log(1 / VOCABULARY)] * VOCABULARY

    for decoding in (Decoding(max_tokens=4), Decoding(method="beam", beams=3, max_tokens=4)):
        found = decode.decode(Table(even, images=2, longest=9), decoding=decoding, start=START, end=END)
        assert found.tolist() == [[1, 1, 1, 1]] * 2


def test_finished_rows_are_padded_and_stop_the_search() -> None:
    calls = []

    def following(image: int, row: tuple[int, ...]) -> list[float]:
        calls.append(row)
        wanted = END if len(row) >= 1 + image else 1
        return [0.0 if token == wanted else -9.0 for token in range(VOCABULARY)]

    found = decode.decode(
        Table(following, images=2, longest=30), decoding=Decoding(max_tokens=30), start=START, end=END
    )
    assert found.tolist() == [[1, END, PAD], [1, 1, END]]
    assert max(len(row) for row in calls) == 2


def test_padding_and_start_are_never_chosen() -> None:
    def following(image: int, row: tuple[int, ...]) -> list[float]:
        return [0.0 if token in (PAD, START) else -5.0 - token for token in range(VOCABULARY)]

    found = decode.decode(Table(following, images=1, longest=3), decoding=Decoding(), start=START, end=END)
    assert found.tolist() == [[1, 1, 1]]


def test_highest_orders_floats_of_every_kind() -> None:
    values = torch.tensor([[-1.0, 3.0, -torch.inf, 0.0, -0.0, 3.0, 1e-30, -1e30, 2.0]])
    assert decode._highest(values, 9).tolist() == [[1, 5, 8, 6, 3, 4, 0, 7, 2]]


@pytest.mark.parametrize("key", ["beams", "max_tokens", "batch_size"])
def test_senseless_settings_are_refused(key: str) -> None:
    with pytest.raises(ValueError, match=f"{key} is 0; it must be at least 1"):
        Decoding(**{key: 0})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def coca() -> model.Model:
    return model.initial("coca", architecture="micro_coca", seed=2)


def test_each_step_equals_the_whole_forward_pass(coca: model.Model) -> None:
    """Training shows whole texts, decoding one token at a time: both must condition on the same."""
    torch.manual_seed(0)
    images, text = torch.randn(3, 3, 16, 16), torch.randint(1, 800, (3, 16))
    with torch.inference_mode():
        expected = coca.module.eval()(images, text)["logits"].log_softmax(dim=-1)
        stepper = decode.CocaStepper(coca.module, images)
        assert stepper.longest == expected.shape[1] == 15
        for position in range(15):
            found = stepper.step(text[:, position : position + 1], torch.zeros(3, 1, dtype=torch.int64))
            torch.testing.assert_close(found[:, 0], expected[:, position], rtol=1e-4, atol=1e-5)


def test_beams_of_a_real_coca_equal_whole_forward_passes(coca: model.Model) -> None:
    torch.manual_seed(0)
    images = torch.randn(2, 3, 16, 16)
    module, start, end = coca.module.eval(), coca.tokenizer.start, coca.tokenizer.end

    class Whole:
        """The same rows, each scored by open_clip's own forward pass over the whole text."""

        images, longest = 2, 15
        rows = torch.empty(2, 1, 0, dtype=torch.int64)

        def step(self, tokens: torch.Tensor, parents: torch.Tensor) -> torch.Tensor:
            before = self.rows.gather(1, parents[:, :, None].expand(-1, -1, self.rows.shape[2]))
            self.rows = torch.cat([before, tokens[:, :, None]], dim=2)
            beams, length = self.rows.shape[1:]
            text = torch.zeros(2 * beams, 16, dtype=torch.int64)
            text[:, :length] = self.rows.flatten(0, 1)
            logits = module(images.repeat_interleave(beams, dim=0), text)["logits"]
            return logits[:, length - 1].log_softmax(dim=-1).view(2, beams, -1)

    for decoding in (Decoding(max_tokens=8), Decoding(method="beam", beams=4, max_tokens=8)):
        with torch.inference_mode():
            found, expected = (
                decode.decode(stepper, decoding=decoding, start=start, end=end)
                for stepper in (decode.CocaStepper(module, images), Whole())
            )
        assert torch.equal(found, expected)


def test_an_overfitted_model_decodes_exactly_its_captions() -> None:
    captions = ["two ships near a pier", "one bridge", "a road, 12 trees", "no tank here"]
    learner = model.initial("coca", architecture="micro_coca", seed=2)
    random = np.random.default_rng(0)
    pictures = [random.integers(0, 255, (1, 16, 16), dtype=np.uint8) for _ in captions]
    images = pixels.normalise(pixels.stack(pictures), mean=learner.mean, std=learner.std)
    tokens = learner.tokenizer(captions)
    optimizer = torch.optim.AdamW(learner.module.parameters(), lr=0.01)
    for _ in range(120):
        optimizer.zero_grad()
        micro_training.OBJECTIVES["coca"].forward(learner.module, images, tokens).summed["caption"].backward()
        optimizer.step()
    for decoding in (Decoding(), Decoding(method="beam", beams=4)):
        with torch.inference_mode():
            rows = decode.decode(
                decode.CocaStepper(learner.module, images),
                decoding=decoding, start=learner.tokenizer.start, end=learner.tokenizer.end,
            )  # fmt: skip
        assert [learner.tokenizer.decode(row) for row in rows.tolist()] == captions
