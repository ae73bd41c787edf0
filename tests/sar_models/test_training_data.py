from collections import Counter

import numpy as np
import pytest
import torch
from micro_training import captioned

from sar_models import data, model, pixels


@pytest.fixture(scope="module")
def micro() -> model.Model:
    return model.initial("clip", architecture="micro_clip", seed=1)


def records(examples: data.Examples, **kwargs: int) -> list[list[str]]:
    return [list(batch.record_ids) for batch in data.batches(examples, batch_size=8, **kwargs)]


def test_order_is_a_function_of_seed_and_epoch(micro: model.Model) -> None:
    examples = captioned(20, of=micro)
    assert records(examples, seed=1, epoch=2) == records(captioned(20, of=micro), seed=1, epoch=2)
    assert records(examples, seed=1, epoch=2) != records(examples, seed=1, epoch=3)
    assert records(examples, seed=1, epoch=2) != records(examples, seed=2, epoch=2)


def test_an_epoch_shows_whole_batches_and_no_picture_twice(micro: model.Model) -> None:
    shown = records(captioned(20, of=micro), seed=1, epoch=0)
    assert [len(batch) for batch in shown] == [8, 8]
    assert len({record for batch in shown for record in batch}) == 16


def test_a_resumed_epoch_goes_on_with_the_same_batches(micro: model.Model) -> None:
    examples = captioned(33, of=micro)
    assert records(examples, seed=1, epoch=0, first=2) == records(examples, seed=1, epoch=0)[2:]


def test_processes_share_each_batch_in_order(micro: model.Model) -> None:
    examples = captioned(33, of=micro)
    shares = [records(examples, seed=1, epoch=0, rank=rank, processes=2) for rank in (0, 1)]
    assert [first + second for first, second in zip(*shares, strict=True)] == records(examples, seed=1, epoch=0)


def test_every_caption_has_its_turn() -> None:
    for record in ("a", "b", "c"):
        shown = [data.caption_of(record, captions=5, seed=1, epoch=epoch) for epoch in range(10)]
        assert Counter(shown) == dict.fromkeys(range(5), 2)
    starts = {data.caption_of(f"r{number}", captions=5, seed=1, epoch=0) for number in range(50)}
    assert starts == set(range(5))


def test_the_caption_belongs_to_its_picture(micro: model.Model) -> None:
    examples = captioned(20, of=micro)
    for epoch in range(2):
        for batch in data.batches(examples, batch_size=8, seed=1, epoch=epoch):
            for record, image, tokens in zip(batch.record_ids, batch.images, batch.text["tokens"], strict=True):
                index = list(examples.record_ids).index(record)
                assert micro.tokenizer.decode(tokens.tolist()) in examples.texts[index]
                assert np.array_equal(image[:1], examples.pictures[index][:1])


def test_validation_shows_all_once_and_always_alike(micro: model.Model) -> None:
    examples = captioned(20, of=micro)
    first, again = (list(data.validation_batches(examples, batch_size=8)) for _ in range(2))
    assert [len(batch.record_ids) for batch in first] == [8, 8, 4]
    assert {record for batch in first for record in batch.record_ids} == set(examples.record_ids)
    assert all(
        torch.equal(a.text["tokens"], b.text["tokens"]) and torch.equal(a.images, b.images)
        for a, b in zip(first, again, strict=True)
    )


def test_what_exceeds_the_memory_is_read_when_needed(micro: model.Model, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = captioned(20, of=micro)
    monkeypatch.setattr(data, "MEMORY_BYTES", 100)
    streamed = captioned(20, of=micro)
    assert isinstance(kept.pictures, list)
    assert not isinstance(streamed.pictures, list)
    for a, b in zip(
        data.batches(kept, batch_size=8, seed=1, epoch=0),
        data.batches(streamed, batch_size=8, seed=1, epoch=0),
        strict=True,
    ):
        assert torch.equal(a.images, b.images)


def test_cut_captions_are_counted(micro: model.Model) -> None:
    picture = np.zeros((16, 16, 1), np.uint8)
    texts = ["short", " ".join("abcdefghijklmno")]
    rows = [{"record_id": "r", "caption_id": f"r#c{number}", "text": text} for number, text in enumerate(texts)]
    examples = data.examples(
        rows, open_picture=lambda row: picture, tokenizer=micro.tokenizer, image_size_px=16, threads=1
    )
    assert (len(examples), examples.captions, examples.cut_captions) == (1, 2, 1)


def test_the_whole_picture_is_kept() -> None:
    """A crop would cut off what the caption speaks of, a flip would turn its positions round."""
    picture = np.zeros((40, 120, 1), np.uint8)
    picture[:8, :8], picture[-8:, -8:] = 255, 128
    small = pixels.resize(picture, size_px=16)
    assert small.shape == (1, 16, 16)
    assert small[0, 0, 0] > 200
    assert 100 < small[0, -1, -1] < 160
    assert small[0, 0, -1] == small[0, -1, 0] == 0


def test_shrinking_averages_instead_of_skipping() -> None:
    checkerboard = (np.indices((64, 64)).sum(axis=0) % 2 * 255).astype(np.uint8)[:, :, None]
    small = pixels.resize(checkerboard, size_px=8)
    assert np.abs(small.astype(int) - 127).max() <= 3


def test_grey_and_colour_pictures_share_a_batch() -> None:
    grey, colour = (
        np.full((1, 4, 4), 51, np.uint8),
        np.stack([np.full((4, 4), value, np.uint8) for value in (0, 51, 255)]),
    )
    batch = pixels.stack([grey, colour])
    assert batch.shape == (2, 3, 4, 4)
    normal = pixels.normalise(batch, mean=(0.0, 0.2, 0.5), std=(1.0, 1.0, 0.5))
    assert normal[0, :, 0, 0].tolist() == pytest.approx([0.2, 0.0, -0.6])
    assert normal[1, :, 0, 0].tolist() == pytest.approx([0.0, 0.0, 1.0])


def test_grey_pictures_alone_stay_one_channel_until_they_are_normalised() -> None:
    random = np.random.default_rng(0)
    grey = [random.integers(0, 256, (1, 40, 40), dtype=np.uint8) for _ in range(90)]
    batch = pixels.stack(grey)
    assert batch.shape == (90, 1, 40, 40)
    mean, std = (0.1, 0.2, 0.3), (0.5, 0.6, 0.7)
    whole = (batch.expand(-1, 3, -1, -1).float() / 255 - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(
        3, 1, 1
    )
    assert torch.equal(pixels.normalise(batch, mean=mean, std=std), whole)


@pytest.mark.parametrize("shape", [(4, 4), (4, 4, 2), (4, 4, 4)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="uint8"):
        pixels.resize(np.zeros(shape, np.uint8), size_px=4)
