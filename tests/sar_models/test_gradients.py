"""The gradient of a batch: whole, in micro batches, with either contrastive loss, with texts cut to the longest."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from micro_training import HARDWARE, OBJECTIVES, SETTINGS, asked, captioned, micro_gpt

from sar_models import gradients, losses, model, pixels
from sar_models.settings import Contrastive, Hardware, Lora
from sar_models.short_text import ShortTextClip, shortened
from sar_models.world import World

ROWS = 12


def built(kind: str, loss: Contrastive = "softmax") -> Any:
    if kind == "gpt":
        return micro_gpt()
    return model.compared_by(model.initial(kind, architecture=f"micro_{kind}", seed=3), loss)


def gradient(
    of: Any, kind: str, *, micro_batch: int, hardware: Hardware = HARDWARE, rows: int = ROWS
) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """The losses of the first rows, and each weight's gradient."""
    shown = (asked if kind == "gpt" else captioned)(ROWS, of=of).batch(np.arange(rows), seed=0, epoch=0)
    of.module.train().zero_grad(set_to_none=True)
    found = gradients.backward(
        of.module, shown.images, shown.text,
        objective=OBJECTIVES[kind], weights=OBJECTIVES[kind].weights(SETTINGS),
        prepare=lambda images: pixels.model_input(images, mean=of.mean, std=of.std),
        world=World(), hardware=hardware, seed=1, micro_batch=micro_batch,
    )  # fmt: skip
    return found, {name: p.grad for name, p in of.module.named_parameters() if p.grad is not None}


def assert_close(found: Mapping[str, torch.Tensor], expected: Mapping[str, torch.Tensor], *, tolerance: float) -> None:
    """Each within `tolerance` of its largest value."""
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert (found[name] - value).abs().max() <= tolerance * max(float(value.abs().max()), 1e-2), name


@pytest.mark.parametrize("micro_batch", [1, 4, 5, 11])
@pytest.mark.parametrize(
    ("kind", "loss"), [("clip", "softmax"), ("clip", "sigmoid"), ("coca", "softmax"), ("gpt", "softmax")]
)
def test_micro_batches_have_the_gradient_of_the_batch(kind: str, loss: Contrastive, micro_batch: int) -> None:
    of = built(kind, loss)
    expected = gradient(of, kind, micro_batch=0)
    found = gradient(of, kind, micro_batch=micro_batch)
    for ours, whole in zip(found, expected, strict=True):
        assert_close(ours, whole, tolerance=1e-5)
    assert {"contrastive"} <= found[0].keys() or kind == "gpt"
    assert len(found[1]) > 10
    one_after_the_other = gradient(of, kind, micro_batch=0, rows=6)[1]  # a batch of half the rows has another gradient
    with pytest.raises(AssertionError):
        assert_close(one_after_the_other, expected[1], tolerance=1e-2)


@pytest.mark.parametrize("kind", ["clip", "coca"])
def test_micro_batches_in_bfloat16(kind: str) -> None:
    """What autocast keeps of the pass without a graph must not replace the weights in the pass with one."""
    of, rough = built(kind), Hardware(precision="bf16", threads=1)
    expected, found = (gradient(of, kind, micro_batch=size, hardware=rough)[1] for size in (0, 4))
    assert_close(found, expected, tolerance=0.05)


def test_micro_batches_draw_the_same_random_numbers_in_both_passes() -> None:
    """With dropout the gradient is that of the loss of one draw, as finite differences say."""
    of = built("clip")
    dropout = torch.nn.Dropout(0.5)
    honest = of.module.visual.forward
    of.module.visual.forward = lambda images: dropout(honest(images))
    weight = of.module.visual.proj
    _, found = gradient(of, "clip", micro_batch=4)
    direction = found["visual.proj"].sign()
    values = []
    for step in (-1e-3, 1e-3):
        with torch.no_grad():
            weight.add_(direction, alpha=step)
        values.append(gradient(of, "clip", micro_batch=4)[0]["contrastive"].double())
        with torch.no_grad():
            weight.sub_(direction, alpha=step)
    assert (values[1] - values[0]).item() / 2e-3 == pytest.approx(found["visual.proj"].abs().sum().item(), rel=0.02)


def test_dropout_of_a_language_model_differs_between_micro_batches() -> None:
    of = micro_gpt(Lora(rank=2, dropout=0.5))
    for name, weight in of.module.named_parameters():
        if "lora_B" in name:  # zero at the start: adapters then say nothing
            torch.nn.init.normal_(weight)
    first, again = (gradient(of, "gpt", micro_batch=4)[0]["answer"] for _ in range(2))
    assert first == again
    assert first != gradient(of, "gpt", micro_batch=3)[0]["answer"]


def test_batch_norm_mixes_rows_unless_it_is_frozen() -> None:
    tiny = model.initial("clip", architecture="sar_clip_tiny", seed=0).module.train()
    assert gradients.mixes_rows(tiny)
    tiny.visual.eval()
    assert not gradients.mixes_rows(tiny)
    assert not gradients.mixes_rows(built("coca").module.train())


def test_the_sigmoid_loss_is_what_its_paper_says() -> None:
    """Of every pair: the log of the probability that it belongs together or not; a sum over the texts, a mean over the
    images; bias -10 and scale 10 at the start."""
    of = built("clip", "sigmoid")
    assert of.module.logit_scale.exp().item() == pytest.approx(10)
    assert of.module.logit_bias.item() == -10
    images, tokens = torch.randn(3, 3, 16, 16), of.tokenizer(["one ship", "two", "a long road"])
    found = losses.named(OBJECTIVES["clip"].forward(of.module, images, tokens), {}, world=World())["contrastive"]
    scores = of.module.encode_image(images, normalize=True) @ of.module.encode_text(tokens, normalize=True).T
    total = 0.0
    for row in range(3):
        for column in range(3):
            sign = 1 if row == column else -1
            total -= torch.sigmoid(sign * (10 * scores[row, column] - 10)).log().item()
    assert found.item() == pytest.approx(total / 3, rel=1e-5)


def test_a_sigmoid_model_comes_back_from_its_folder(tmp_path: Any) -> None:
    of = built("coca", "sigmoid")
    model.save(of, tmp_path)
    again = model.load(tmp_path)
    assert again.module.logit_bias.item() == -10
    assert model.compared_by(again, "sigmoid") is again
    with pytest.raises(ValueError, match="logit bias: set contrastive_loss: sigmoid"):
        model.compared_by(again, "softmax")


@pytest.mark.parametrize("kind", ["clip", "coca"])
def test_shortened_texts_have_the_losses_and_gradients_of_padded_ones(kind: str) -> None:
    of = built(kind)
    whole = {"tokens": of.tokenizer(["one ship", "two", "a lake", "x"])}
    short = shortened(of.module, whole)
    assert (whole["tokens"].shape, short["tokens"].shape) == ((4, 16), (4, 8))
    for number, tolerance in ((torch.float32, 1e-6), (torch.float64, 1e-12)):
        of.module.to(number)
        images = torch.randn(4, 3, 16, 16, dtype=number, generator=torch.Generator().manual_seed(0))
        found, expected = (learned(of, kind, images, text["tokens"]) for text in (short, whole))
        assert_close(found[0], expected[0], tolerance=tolerance)
    assert_close(found[1], expected[1], tolerance=1e-10)
    assert len(expected[1]) > 10


def learned(
    of: Any, kind: str, images: torch.Tensor, tokens: torch.Tensor
) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """Text features and sums of losses, and the gradient of the sum of them all."""
    of.module.zero_grad(set_to_none=True)
    output = OBJECTIVES[kind].forward(of.module, images, tokens)
    found = {"text": output.compared["text_features"], **output.summed}
    sum(value.square().sum() + value.sum() for value in found.values()).backward()  # type: ignore[union-attr]
    gradient = {name: p.grad for name, p in of.module.named_parameters() if p.grad is not None}
    return {name: value.detach() for name, value in found.items()}, gradient


@pytest.mark.parametrize(
    ("kind", "longest", "length"), [("clip", 8, 8), ("clip", 9, 16), ("coca", 7, 8), ("coca", 8, 16)]
)
def test_as_much_padding_stays_as_is_seen(kind: str, longest: int, length: int) -> None:
    tokens = torch.zeros(2, 16, dtype=torch.int64)
    tokens[1, :longest] = 5
    assert shortened(built(kind).module, {"tokens": tokens})["tokens"].shape == (2, length)


def test_whole_texts_have_the_features_that_open_clip_computes() -> None:
    of = built("clip")
    theirs = open_clip.CLIP(**{name: of.config[name] for name in ("embed_dim", "vision_cfg", "text_cfg")})
    theirs.load_state_dict(of.module.state_dict())
    tokens = of.tokenizer(["one ship", "two ships near a pier and a road"])
    for normalize in (False, True):
        expected, found = (each.encode_text(tokens, normalize=normalize) for each in (theirs, of.module))
        assert torch.equal(found, expected)


def test_towers_that_look_at_the_padding_get_it() -> None:
    clip = built("clip")
    whole, config = {"tokens": clip.tokenizer(["one ship"])}, clip.config
    seeing = ShortTextClip(**{**config, "text_cfg": {**config["text_cfg"], "no_causal_mask": True}}, output_dict=True)
    assert shortened(seeing, whole) is whole
