import micro_training
import numpy as np
import pytest

from sar_models import infer, model
from sar_models.settings import Decoding, Hardware

HARDWARE = micro_training.HARDWARE
PICTURES = [
    np.random.default_rng(number).integers(0, 255, (20 + number, 30, 1 + 2 * (number % 2)), dtype=np.uint8)
    for number in range(7)
]
TEXTS = ["one ship", "two bridges", "a very long road that goes on and on and on past lakes and farms and trees", ""]


@pytest.fixture(scope="module", params=["clip", "coca"])
def micro(request: pytest.FixtureRequest) -> model.Model:
    return model.initial(request.param, architecture=f"micro_{request.param}", seed=1)


def test_embeddings_have_length_one_whatever_the_batches(micro: model.Model) -> None:
    for embed, items in ((infer.embed_images, PICTURES), (infer.embed_texts, TEXTS)):
        whole = embed(micro, items, hardware=HARDWARE, batch_size=100)  # type: ignore[operator]
        assert whole.dtype == np.float32
        assert whole.shape == (len(items), 32)
        assert np.linalg.norm(whole, axis=1) == pytest.approx(np.ones(len(items)))
        parts = embed(micro, iter(items), hardware=HARDWARE, batch_size=3)  # type: ignore[operator]
        np.testing.assert_allclose(parts, whole, atol=1e-5)
        assert len(np.unique(whole.round(4), axis=0)) == len(items)


def test_the_original_model_gives_the_same(micro: model.Model) -> None:
    """Against open_clip's own call on a batch prepared by hand."""
    import torch
    from PIL import Image

    grey = PICTURES[0]
    small = np.asarray(Image.fromarray(grey[:, :, 0]).resize((16, 16), Image.Resampling.BICUBIC), np.float32) / 255
    mean, std = np.array(micro.mean)[:, None, None], np.array(micro.std)[:, None, None]
    batch = torch.tensor((np.stack([small] * 3) - mean) / std, dtype=torch.float32)[None]
    with torch.inference_mode():
        expected = micro.module.encode_image(batch, normalize=True)[0].numpy()
    found = infer.embed_images(micro, [grey], hardware=HARDWARE, batch_size=1)[0]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_bfloat16_is_close_and_not_equal(micro: model.Model) -> None:
    exact = infer.embed_images(micro, PICTURES, hardware=HARDWARE, batch_size=7)
    rough = infer.embed_images(micro, PICTURES, hardware=Hardware(precision="bf16", threads=1), batch_size=7)
    assert not np.array_equal(exact, rough)
    np.testing.assert_allclose(rough, exact, atol=0.05)


def test_captions_do_not_depend_on_the_batches() -> None:
    micro = model.initial("coca", architecture="micro_coca", seed=1)
    for method in ("greedy", "beam"):
        whole, parts = (
            infer.caption(
                micro,
                PICTURES,
                decoding=Decoding(method=method, beams=3, max_tokens=6, batch_size=size),  # type: ignore[arg-type]
                hardware=HARDWARE,
            )
            for size in (7, 2)
        )
        assert whole == parts
        assert len(whole) == 7


def test_clip_writes_no_captions() -> None:
    with pytest.raises(ValueError, match="use a coca"):
        infer.caption(
            model.initial("clip", architecture="micro_clip", seed=1), PICTURES, decoding=Decoding(), hardware=HARDWARE
        )


def test_nothing_to_embed_is_an_error(micro: model.Model) -> None:
    with pytest.raises(ValueError, match="nothing to embed"):
        infer.embed_texts(micro, [], hardware=HARDWARE, batch_size=2)


@pytest.mark.parametrize(
    ("device", "complaint"),
    [("cuda:99", "cuda:99.*CUDA devices"), ("mps", "only cpu and cuda"), ("abacus", "no device")],
)
def test_a_device_that_is_not_there_is_refused(device: str, complaint: str) -> None:
    micro = model.initial("clip", architecture="micro_clip", seed=1)
    with pytest.raises(ValueError, match=complaint):
        infer.embed_texts(micro, TEXTS, hardware=Hardware(device=device), batch_size=2)


def test_threads_are_as_told_and_put_back() -> None:
    import torch

    from sar_models.hardware import computing

    before = torch.get_num_threads()
    with computing(Hardware(threads=before + 1)):
        assert torch.get_num_threads() == before + 1
        assert torch.are_deterministic_algorithms_enabled()
    assert torch.get_num_threads() == before
    assert not torch.are_deterministic_algorithms_enabled()
