"""What augmentation does to pictures: turned with the caption, speckle of the stated looks, always the same draws."""

from typing import Any

import numpy as np
import pytest
import torch
from micro_training import captioned

from sar_models import augment, data, feed, model
from sar_models.augment import LOOKS, Draws, augmented
from sar_models.symmetry import LEFT_RIGHT, SYMMETRIES, TRANSPOSED, UP_DOWN, moved
from sar_models.tokenizer import Tokenizer

TOKENIZER = Tokenizer(vocab_size=600, context_length=16)
CORNERS = {(-1, -1): "upper left", (1, -1): "upper right", (-1, 1): "lower left", (1, 1): "lower right"}


def draws(count: int, **changes: Any) -> Draws:
    zeros = {
        "symmetry": np.zeros(count, np.int64),
        "gain_db": np.zeros(count, np.float32),
        "looks": np.zeros(count, np.int64),
        "key": np.arange(count, dtype=np.int32) * 7919,
        "range_db": np.zeros(count, np.float32),
    }
    return Draws(**(zeros | {name: np.full(count, value, zeros[name].dtype) for name, value in changes.items()}))


def examples(count: int = 24, **changes: Any) -> data.Examples:
    """Pictures with one bright corner, captioned with its name under every symmetry."""
    rows, pictures = [], {}
    for number in range(count):
        (x, y), corner = list(CORNERS.items())[number % 4]
        picture = np.full((16, 16, 1 + 2 * (number % 3 == 0)), 40, np.uint8)
        picture[8 * (y > 0) :, 8 * (x > 0) :][:8, :8] = 160
        pictures[f"r{number:03}"] = picture
        turned = [CORNERS[moved(x, y, symmetry=symmetry)] for symmetry in range(SYMMETRIES)]  # type: ignore[index]
        rows.append({"record_id": f"r{number:03}", "caption_id": "0", "text": corner, "low": [0.0], "high": [255.0],
                     "turned": turned, "radiometric": True} | changes)  # fmt: skip
    return data.examples(
        rows, open_picture=lambda row: pictures[row["record_id"]], tokenizer=TOKENIZER, image_size_px=16, threads=1
    )


def epoch(of: data.Examples, *, number: int = 0, batch_size: int = 8, **where: int) -> list[data.Batch]:
    shown = data.batches(of, batch_size=batch_size, seed=3, epoch=number, **where)
    return list(feed.on_device(shown, torch.device("cpu")))


def test_the_caption_says_where_the_bright_corner_is_now() -> None:
    seen = set()
    for number in range(6):
        for batch in epoch(examples(), number=number):
            for image, tokens in zip(batch.images.float(), batch.text["tokens"], strict=True):
                halves = image[0].view(2, 8, 2, 8).mean(dim=(1, 3)).flatten()
                bright = list(CORNERS.values())[int(halves.argmax())]
                assert TOKENIZER.decode(tokens.tolist()) == bright
                seen.add(bright)
    assert len(seen) == 4


def test_what_may_not_be_turned_is_not_turned() -> None:
    still = examples(turned=["here", *[None] * 7], text="here", radiometric=False)
    plain = data.examples(
        [{"record_id": record, "caption_id": "0", "text": "here"} for record in still.record_ids],
        open_picture=lambda row: still.pictures[list(still.record_ids).index(row["record_id"])].transpose(1, 2, 0),
        tokenizer=TOKENIZER, image_size_px=16, threads=1,
    )  # fmt: skip
    for ours, theirs in zip(epoch(still), epoch(plain), strict=True):
        assert torch.equal(ours.images, theirs.images)
        assert torch.equal(ours.text["tokens"], theirs.text["tokens"])


def test_equal_seeds_give_equal_batches_resumed_or_shared_or_not() -> None:
    whole = epoch(examples(), number=2)
    for again, first in ((epoch(examples(), number=2), 0), (epoch(examples(), number=2, first=1), 1)):
        assert len(again) == len(whole) - first
        for ours, theirs in zip(again, whole[first:], strict=True):
            assert torch.equal(ours.images, theirs.images)
            assert torch.equal(ours.text["tokens"], theirs.text["tokens"])
    shares = [epoch(examples(), number=2, rank=rank, processes=2) for rank in (0, 1)]
    for number, batch in enumerate(whole):
        assert torch.equal(torch.cat([share[number].images.expand(-1, 3, -1, -1) for share in shares]),
                           batch.images.expand(-1, 3, -1, -1))  # fmt: skip
    assert any(not torch.equal(a.images, b.images) for a, b in zip(epoch(examples(), number=3), whole, strict=True))


@pytest.mark.parametrize("row", range(1, len(LOOKS)))
def test_speckle_has_the_stated_looks(row: int) -> None:
    """The intensity of L looks has the mean 1 and the variance 1 / L."""
    factors = augment.amplitude_factors(
        draws(8, looks=row), slice(None), pixels=64 * 64, device=torch.device("cpu")
    ).double()
    intensity = factors**2
    assert float(intensity.mean()) == pytest.approx(1, abs=0.01)
    assert float(intensity.var()) == pytest.approx(1 / LOOKS[row], rel=0.05)


def test_speckle_is_without_order() -> None:
    """Neither neighbours nor pictures of other keys are correlated."""
    fields = augment.amplitude_factors(draws(16, looks=4), slice(None), pixels=64 * 64, device=torch.device("cpu"))
    fields = (fields - fields.mean()) / fields.std()
    squares = fields.view(16, 64, 64)
    for pairs in (squares[:, 1:] * squares[:, :-1], squares[:, :, 1:] * squares[:, :, :-1], fields[1:] * fields[:-1]):
        assert abs(float(pairs.mean())) < 4 / pairs.numel() ** 0.5
    assert len({tuple(field[:8].tolist()) for field in fields}) == 16


def test_gain_scales_amplitudes_and_shifts_decibels() -> None:
    images = torch.full((2, 1, 4, 4), 100, dtype=torch.uint8)
    assert augmented(images, draws(2, gain_db=2.0)).unique().tolist() == [round(100 * 10**0.1)]
    decibels = augmented(images, draws(2, gain_db=2.0, range_db=25.0))
    assert decibels.unique().tolist() == [round(100 + 2 * 255 / 25)]
    assert augmented(torch.zeros_like(images), draws(2, gain_db=2.0, range_db=25.0)).unique().tolist() == [0]


def test_amplitudes_and_decibels_get_the_same_speckle() -> None:
    """A picture in decibels is that of the amplitudes through the logarithm, before and after."""
    amplitude = torch.full((4, 1, 32, 32), 60, dtype=torch.uint8)
    span_db = 40.0
    decibels = torch.full_like(amplitude, round(255 + 20 * np.log10(60 / 255) * 255 / span_db))
    linear = augmented(amplitude, draws(4, looks=3)).float()
    logarithmic = augmented(decibels, draws(4, looks=3, range_db=span_db)).float()
    expected = 255 + 20 * torch.log10(linear.clamp(min=1) / 255) * 255 / span_db
    assert float((expected - logarithmic).abs().max()) < 2.5, "both are rounded to 8 bits"


def test_decibels_are_told_from_amplitudes() -> None:
    assert augment.range_db({"low": [0.0], "high": [255.0]}) == 0
    assert augment.range_db({"low": [-25.0, -32.5], "high": [0.0, -7.5]}) == 25


def test_grey_stored_as_colour_stays_grey() -> None:
    images = torch.randint(0, 256, (3, 1, 8, 8), dtype=torch.uint8).expand(-1, 3, -1, -1)
    after = augmented(images, draws(3, looks=4, gain_db=-1.0, symmetry=TRANSPOSED))
    assert torch.equal(after[:, 0], after[:, 1])
    assert torch.equal(after[:, 0], after[:, 2])


@pytest.mark.parametrize("symmetry", range(SYMMETRIES))
def test_pixels_move_as_directions_do(symmetry: int) -> None:
    picture = torch.zeros(1, 1, 5, 5, dtype=torch.uint8)
    picture[0, 0, 2 - 2, 2 + 1] = 255  # two up, one to the right
    x, y = moved(1, -2, symmetry=symmetry)
    after = augmented(picture, draws(1, symmetry=symmetry))
    assert after.nonzero().tolist() == [[0, 0, 2 + int(y), 2 + int(x)]]


def test_symmetries_are_drawn_evenly() -> None:
    allowed = augment.Allowed(np.zeros((1, SYMMETRIES), np.int64), np.ones(1, bool), np.zeros(1, np.float32))
    _, drawn = allowed.draw([f"r{n}" for n in range(4000)], [0] * 4000, seed=1, epoch=0)
    assert np.abs(np.bincount(drawn.symmetry, minlength=8) / 4000 - 1 / 8).max() < 0.02
    assert np.abs(np.bincount(drawn.looks, minlength=5) / 4000 - 1 / 5).max() < 0.025
    assert abs(float(drawn.gain_db.mean())) < 0.1
    assert 1.9 < float(np.abs(drawn.gain_db).max()) <= augment.GAIN_DB


def test_no_augmentation_leaves_batches_as_they_are() -> None:
    plain = captioned(20, of=model.initial("clip", architecture="micro_clip", seed=1))
    assert all(batch.draws is None for batch in data.batches(plain, batch_size=4, seed=1, epoch=0))
    assert LEFT_RIGHT | UP_DOWN | TRANSPOSED == SYMMETRIES - 1
