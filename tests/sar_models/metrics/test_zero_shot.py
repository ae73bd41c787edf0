import numpy as np
import pytest

from sar_models.metrics import zero_shot
from sar_models.metrics.bootstrap import intervals

CLASSES = np.eye(3, 4, dtype=np.float32)
TRUTH = np.array([0, 0, 0, 0, 1, 1, 2])


def value(found: dict, name: str) -> float:
    return float(found[name].value(found[name].items.sum(axis=0)))


def test_by_hand() -> None:
    images = CLASSES[[0, 0, 1, 2, 1, 0, 2]] * 0.9 + 0.1
    said = zero_shot.classify(images, CLASSES, truth=TRUTH)
    assert said.tolist() == [0, 0, 1, 2, 1, 0, 2]
    found = zero_shot.statistics(TRUTH, said, names=["a", "b", "c"])
    assert value(found, "accuracy") == pytest.approx(100 * 4 / 7)
    assert value(found, "balanced_accuracy") == pytest.approx(100 * (2 / 4 + 1 / 2 + 1) / 3)
    assert [value(found, f"accuracy_{name}") for name in "abc"] == [50, 50, 100]
    assert zero_shot.confusion(TRUTH, said, classes=3).tolist() == [[2, 1, 1], [1, 1, 0], [0, 0, 1]]
    assert intervals({"b": found["accuracy_b"]}, draws=50, seed=0)["b"].n == 2


def test_a_collapsed_model_is_never_right() -> None:
    same = np.ones((7, 4), dtype=np.float32) / 2
    said = zero_shot.classify(same, CLASSES, truth=TRUTH)
    assert (said != TRUTH).all()
    # One whose classes are all the same is no better.
    assert (zero_shot.classify(CLASSES[TRUTH], np.ones_like(CLASSES), truth=TRUTH) != TRUTH).all()


def test_a_class_is_the_mean_direction_of_its_prompts() -> None:
    prompts = np.array([[[1, 0], [0, 1]], [[0, 1], [0, 1]]], dtype=np.float32)
    np.testing.assert_allclose(zero_shot.class_embeddings(prompts), [[0.5**0.5, 0.5**0.5], [0, 1]], atol=1e-6)


def test_scores_that_are_not_finite_name_the_row() -> None:
    images = CLASSES[TRUTH].copy()
    images[3, 1] = np.nan
    with pytest.raises(ValueError, match="images row 3"):
        zero_shot.classify(images, CLASSES, truth=TRUTH)
