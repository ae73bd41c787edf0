"""Towers of timm: folded norms, tokens for CoCa."""

from pathlib import Path

import pytest
import torch
from micro_training import HARDWARE  # noqa: F401  # registers the micro architectures
from open_clip.timm_model import TimmModel
from timm.layers.norm_act import BatchNormAct2d
from timm.models.efficientnet import mobilenetv2_100

from sar_models import model
from sar_models.timm_tower import CellTower, mobilenetv2_100_folded


def test_folded_norms_do_in_training_what_they_do_in_inference_and_are_trained() -> None:
    torch.manual_seed(1)
    tower = mobilenetv2_100_folded()
    plain = mobilenetv2_100(pad_type="same").eval()
    for layer in plain.modules():
        if isinstance(layer, BatchNormAct2d):
            torch.nn.init.uniform_(layer.bias, -0.5, 0.5)
    tower.load_state_dict(plain.state_dict())  # the same names: weights of either fit the other
    images = torch.randn(2, 3, 64, 64)
    before = {name: value.clone() for name, value in tower.named_buffers()}
    features = tower.train().forward_features(images)
    torch.testing.assert_close(features, plain.forward_features(images))
    features.sum().backward()
    assert float(tower.bn1.bias.grad.abs().sum()) > 0
    assert all(torch.equal(value, before[name]) for name, value in tower.named_buffers())


def test_tokens_are_the_cells_whose_mean_is_the_pooled_vector() -> None:
    built = model.initial("coca", architecture="micro_timm_coca", seed=1)
    tower = built.module.visual.eval()
    images = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        pooled, tokens = tower(images)
        plain = tower.head(tower.trunk(images))  # as open_clip's own adapter
    assert tokens.shape == (2, 4, 32)
    torch.testing.assert_close(pooled, plain)
    torch.testing.assert_close((tokens - tower.place).mean(dim=1), pooled)


def test_a_coca_learns_through_the_tokens() -> None:
    built = model.initial("coca", architecture="micro_timm_coca", seed=1)
    built.module(torch.randn(2, 3, 64, 64), built.tokenizer(["a ship", "two"]))["logits"].sum().backward()
    assert float(built.module.visual.trunk.conv_stem.weight.grad.abs().sum()) > 0
    assert float(built.module.visual.place.grad.abs().sum()) > 0


def test_a_tower_without_a_feature_map_is_refused() -> None:
    tower = TimmModel("test_vit", embed_dim=32, image_size=160, pool="avg")
    with pytest.raises(ValueError, match="CoCa takes convolutional ones"):
        CellTower(tower, image_size_px=160)


@pytest.mark.parametrize("kind", ["clip", "coca"])
def test_our_mobilenets(kind: str, tmp_path: Path) -> None:
    """They keep the mean and spread of their weights, and a SAR-GPT finds as many tokens as behind the tiny tower."""
    built = model.initial(kind, architecture=f"sar_{kind}_mobilenet", seed=1)
    assert (built.mean, built.std) == ((0.5,) * 3, (0.5,) * 3)
    model.save(built, tmp_path)
    loaded = model.load(tmp_path)
    assert loaded.mean == built.mean
    assert all(
        torch.equal(value, loaded.module.state_dict()[name]) for name, value in built.module.state_dict().items()
    )
    if kind == "clip":
        seen = built.module.visual.eval().forward_intermediates(
            torch.zeros(1, 3, 96, 96), indices=[-2], intermediates_only=True
        )["image_intermediates"][0]
        assert seen.shape == (1, 96, 6, 6)
