import micro_training
import numpy as np
import pytest

from sar_models import infer, model, pixels
from sar_models.embed import embed_resized

PICTURES = [
    np.random.default_rng(number).integers(0, 255, (20 + number, 30, 1 + 2 * (number % 2)), dtype=np.uint8)
    for number in range(7)
]


@pytest.mark.parametrize("kind", ["clip", "coca"])
def test_they_are_those_of_the_stored_pictures(kind: str) -> None:
    of = model.initial(kind, architecture=f"micro_{kind}", seed=1)
    resized = [pixels.resize(each, size_px=of.image_size_px) for each in PICTURES]
    for batch_size in (3, 100):
        found = embed_resized(of, resized, hardware=micro_training.HARDWARE, batch_size=batch_size)
        whole = infer.embed_images(of, PICTURES, hardware=micro_training.HARDWARE, batch_size=batch_size)
        np.testing.assert_array_equal(found, whole)


def test_nothing_to_embed_and_a_picture_of_another_side_are_errors() -> None:
    of = model.initial("clip", architecture="micro_clip", seed=1)
    with pytest.raises(ValueError, match="nothing to embed"):
        embed_resized(of, [], hardware=micro_training.HARDWARE, batch_size=3)
    odd = [pixels.resize(each, size_px=size) for each, size in zip(PICTURES[:3], (16, 16, 8), strict=True)]
    with pytest.raises(ValueError, match="shape"):  # in the thread that puts batches together
        embed_resized(of, odd, hardware=micro_training.HARDWARE, batch_size=3)
