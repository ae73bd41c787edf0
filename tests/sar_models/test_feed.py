import threading

import pytest
import torch
from micro_training import captioned

from sar_models import data, feed, model


def test_the_next_is_worked_out_while_this_one_is_used() -> None:
    begun: list[int] = []
    started = threading.Event()

    def following() -> int | None:
        begun.append(len(begun) + 1)
        if len(begun) == 2:
            started.set()
        return begun[-1] if begun[-1] <= 4 else None

    coming = feed.one_ahead(following)
    assert next(coming) == 1
    assert started.wait(10), "the second is begun before it is asked for"
    assert list(coming) == [2, 3, 4]
    assert begun == [1, 2, 3, 4, 5]


def test_an_error_is_raised_when_its_turn_comes() -> None:
    items = iter([1, 2])

    def following() -> int:
        for item in items:
            return item
        raise ValueError("the shard ends here")

    coming = feed.one_ahead(following)
    assert [next(coming), next(coming)] == [1, 2]
    with pytest.raises(ValueError, match="the shard ends here"):
        next(coming)


def test_who_stops_early_waits_for_no_more_than_one() -> None:
    begun: list[int] = []

    def following() -> int:
        begun.append(1)
        return 1

    coming = feed.one_ahead(following)
    next(coming)
    coming.close()  # type: ignore[attr-defined]
    assert len(begun) <= 2


def test_batches_keep_their_order() -> None:
    examples = captioned(20, of=model.initial("clip", architecture="micro_clip", seed=1))
    plain = list(data.batches(examples, batch_size=4, seed=1, epoch=0))
    fed = list(feed.on_device(data.batches(examples, batch_size=4, seed=1, epoch=0), torch.device("cpu")))
    assert [batch.record_ids for batch in fed] == [batch.record_ids for batch in plain]
    assert all(torch.equal(a.images, b.images) for a, b in zip(fed, plain, strict=True))
