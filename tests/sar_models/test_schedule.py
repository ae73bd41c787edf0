import pytest
import torch

from sar_models.schedule import decay_groups, learning_rate


def test_warm_up_then_half_a_cosine() -> None:
    rates = [learning_rate(step, peak=2.0, warmup_steps=4, steps=24) for step in range(24)]
    assert rates[:5] == pytest.approx([0.5, 1.0, 1.5, 2.0, 2.0])
    assert rates[14] == pytest.approx(1.0)  # half-way down
    assert rates[4:] == sorted(rates[4:], reverse=True)
    assert 0 < rates[-1] < 0.02


def test_no_warm_up() -> None:
    assert learning_rate(0, peak=1.0, warmup_steps=0, steps=10) == 1.0


def test_only_matrices_decay() -> None:
    layer = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.LayerNorm(2))
    layer.register_parameter("logit_scale", torch.nn.Parameter(torch.tensor(1.0)))
    layer[0].bias.requires_grad_(False)
    decayed, kept = decay_groups(layer.parameters(), weight_decay=0.3)
    assert decayed["weight_decay"] == 0.3
    assert [tuple(each.shape) for each in decayed["params"]] == [(2, 3)]
    assert kept["weight_decay"] == 0.0
    assert sorted(tuple(each.shape) for each in kept["params"]) == [(), (2,), (2,)]
