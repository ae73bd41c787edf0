"""What true captions score against each other."""

import numpy as np
import pytest

from sar_models.metrics import caption
from tasks.evaluate import held_out
from tasks.evaluate.test_sets import TestPool, TestSet

CAPTIONS = [
    ["two ships near a pier", "a pair of ships by the pier", "ships"],
    ["grass and a road", "a road runs through grass"],
    ["three aircraft on an apron", "aircraft parked on the apron", "three planes stand there"],
]


def pool(captions: list[list[str]]) -> tuple[TestSet, TestPool]:
    rows = tuple(range(len(captions)))
    return TestSet("sar/all", rows), TestPool([{}] * len(rows), ["sar"] * len(rows), captions, [], [], [])


def test_each_caption_in_turn_against_the_rest() -> None:
    """As many turns as the image with the fewest captions has; scores are means over the turns."""
    found = held_out.statistics(*pool(CAPTIONS))
    assert set(found) == {"held_out_bleu_4", "held_out_rouge_l", "held_out_cider"}
    for name in ("rouge_l", "cider"):
        turns = [
            caption.statistics([own[k] for own in CAPTIONS], [own[:k] + own[k + 1 :] for own in CAPTIONS])[name]
            for k in (0, 1)
        ]
        expected = np.mean([turn.value(turn.items.sum(axis=0)) for turn in turns])
        statistic = found[f"held_out_{name}"]
        assert statistic.value(statistic.items.sum(axis=0)) == pytest.approx(expected)
        assert len(statistic.items) == len(CAPTIONS)


def test_captions_that_agree_score_higher() -> None:
    alike = [[own[0]] * 3 for own in CAPTIONS]
    low, high = (held_out.statistics(*pool(captions))["held_out_cider"] for captions in (CAPTIONS, alike))
    assert low.value(low.items.sum(axis=0)) < high.value(high.items.sum(axis=0)) == pytest.approx(10.0, abs=0.5)


def test_an_image_with_one_caption_has_no_other_to_compare() -> None:
    assert held_out.statistics(*pool([*CAPTIONS, ["a river"]])) == {}
