"""Averages of weights, frozen towers, and memory that does not suffice."""

import dataclasses
from pathlib import Path

import pytest
import torch
from micro_training import HARDWARE, SETTINGS, run

from sar_models import averaging, checkpoint, clip, freezing, memory, model
from sar_models.losses import Output
from sar_models.settings import Frozen, Hardware, ModelSettings, Training
from sar_models.world import World


def micro(seed: int = 3, kind: str = "clip") -> model.Model:
    return model.initial(kind, architecture=f"micro_{kind}", seed=seed)


def test_the_moving_average_is_the_weighted_sum_of_its_steps() -> None:
    layer = torch.nn.Sequential(torch.nn.Linear(1, 1, bias=False), torch.nn.BatchNorm1d(1, affine=False))
    layer[0].weight.data.fill_(1.0)
    average = averaging.MovingAverage(layer, decay=0.2)
    for step, (weight, mean) in enumerate([(2.0, 10.0), (4.0, 20.0)], start=1):
        layer[0].weight.data.fill_(weight)
        layer[1].running_mean.fill_(mean)
        layer[1].num_batches_tracked.fill_(step)
        average.add(step=step)
    first = 0.1 * 1 + 0.9 * 2  # decay 1/10 in the first step, 2/11 in the second, at most 0.2
    assert average.weights["0.weight"].item() == pytest.approx(2 / 11 * first + 9 / 11 * 4)
    assert average.weights["1.running_mean"].item() == pytest.approx(2 / 11 * 9 + 9 / 11 * 20)
    assert average.weights["1.num_batches_tracked"].item() == 2
    assert layer[0].weight.item() == 4.0
    for step in range(3, 100):
        average.add(step=step)
    layer[0].weight.data.fill_(14.0)
    average.add(step=100)
    assert average.weights["0.weight"].item() == pytest.approx(0.2 * 4 + 0.8 * 14)


def test_the_averaged_weights_are_validated_and_kept(tmp_path: Path) -> None:
    averaged = dataclasses.replace(SETTINGS, ema_decay=0.9)
    slow, history = run("clip", tmp_path / "slow", settings=averaged)
    fast, plain = run("clip", tmp_path / "fast")
    assert [row["train_loss"] for row in history.curve] == [row["train_loss"] for row in plain.curve]
    assert [row["val_loss"] for row in history.curve] != [row["val_loss"] for row in plain.curve]
    state = checkpoint.load(tmp_path / "slow", world=World())
    assert state is not None
    assert history.best_epoch == 4
    for name, value in checkpoint.trained(slow.module).items():
        assert torch.equal(value, state["average"][name])
    assert torch.equal(checkpoint.trained(fast.module)["logit_scale"], state["module"]["logit_scale"])


def test_stage_2_ends_between_what_it_began_and_what_it_made(tmp_path: Path) -> None:
    ends = {
        share: run("clip", tmp_path / str(share), settings=dataclasses.replace(SETTINGS, stage_1_share=share))[0]
        for share in (0.0, 0.25, 1.0)
    }
    begun, made = checkpoint.trained(micro().module), checkpoint.trained(ends[0.0].module)
    for name, value in checkpoint.trained(ends[0.25].module).items():
        torch.testing.assert_close(value, 0.25 * begun[name] + 0.75 * made[name])
        assert torch.equal(checkpoint.trained(ends[1.0].module)[name], begun[name])
    assert not torch.equal(begun["logit_scale"], made["logit_scale"])


def test_a_blend_of_two_folders_averages_batch_norms_too(tmp_path: Path) -> None:
    for seed in (1, 2):
        made = model.initial("clip", architecture="sar_clip_tiny", seed=seed)
        made.module.visual.bn1.running_mean.fill_(seed)
        made.module.visual.bn1.num_batches_tracked.fill_(seed)
        model.save(made, tmp_path / str(seed))
    found = averaging.between(tmp_path / "1", tmp_path / "2", share=0.75).module
    assert found.visual.bn1.running_mean.unique().tolist() == [1.25]
    assert found.visual.bn1.num_batches_tracked == 2
    first, second = (model.load(tmp_path / name).module.state_dict() for name in "12")
    name = "visual.conv1.weight"
    torch.testing.assert_close(found.state_dict()[name], 0.75 * first[name] + 0.25 * second[name])
    for share, whole in ((0, second), (1, first)):
        ends = averaging.between(tmp_path / "1", tmp_path / "2", share=share).module.state_dict()
        assert all(torch.equal(ends[name], whole[name]) for name in ends if "num_batches" not in name)


def test_blends_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    model.save(micro(), tmp_path / "clip")
    model.save(micro(kind="coca"), tmp_path / "coca")
    with pytest.raises(ValueError, match="different models"):
        averaging.between(tmp_path / "clip", tmp_path / "coca", share=0.5)
    with pytest.raises(ValueError, match=r"share is 1\.5; it must be from 0 to 1"):
        averaging.between(tmp_path / "clip", tmp_path / "clip", share=1.5)
    with pytest.raises(ValueError, match=r"pretrain\.stage_1_share is 0\.5, but only finetune has a stage before it"):
        ModelSettings("a", dataclasses.replace(SETTINGS, stage_1_share=0.5), SETTINGS)


@pytest.mark.parametrize(
    ("kind", "tower", "kept", "learned"),
    [
        ("clip", "image", "visual.proj", "token_embedding.weight"),
        ("clip", "text", "token_embedding.weight", "visual.proj"),
        ("coca", "text", "text.token_embedding.weight", "text_decoder.text_projection"),
        ("coca", "image", "visual.conv1.weight", "text.cls_emb"),
    ],
)
def test_a_frozen_tower_keeps_its_weights(kind: str, tower: Frozen, kept: str, learned: str, tmp_path: Path) -> None:
    settings = dataclasses.replace(SETTINGS, frozen=tower, epochs=1)
    trained, _ = run(kind, tmp_path, settings=settings)
    before, after = micro(kind=kind).module.state_dict(), trained.module.state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert kept not in changed
    assert {learned, "logit_scale"} <= changed
    prefix = {"image": "visual.", "text": "text."}[tower] if kind == "coca" or tower == "image" else ""
    if prefix:
        assert not [name for name in changed if name.startswith(prefix)]
    else:
        assert {name for name in changed if not name.startswith("visual.")} == {"logit_scale"}
    state = checkpoint.load(tmp_path, world=World())
    assert state is not None
    assert kept not in state["module"]
    assert all(parameter.requires_grad for parameter in trained.module.parameters())


def test_batch_norms_of_a_frozen_tower_keep_what_they_know() -> None:
    module = model.initial("clip", architecture="sar_clip_tiny", seed=0).module
    with freezing.frozen(module, "image"):
        freezing.training_mode(module, "image")
        module(torch.randn(2, 3, 96, 96), torch.ones(2, 64, dtype=torch.int64))["image_features"]
        assert module.visual.bn1.num_batches_tracked == 0
        assert module.transformer.training
    freezing.training_mode(module, "none")
    module(torch.randn(2, 3, 96, 96), torch.ones(2, 64, dtype=torch.int64))
    assert module.visual.bn1.num_batches_tracked == 1


def test_sar_gpt_refuses_a_frozen_tower(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="SAR-GPT's image tower is always frozen: set frozen: none"):
        run("gpt", tmp_path, settings=dataclasses.replace(SETTINGS, frozen="image"))


def test_micro_batches_refuse_batch_norms(tmp_path: Path) -> None:
    split = dataclasses.replace(SETTINGS, micro_batch=4, epochs=1)
    with pytest.raises(ValueError, match=r"micro_batch is 4, but the model has batch norms.*frozen: image"):
        run("clip", tmp_path, settings=split, architecture="sar_clip_tiny")
    run("clip", tmp_path, settings=dataclasses.replace(split, frozen="image"), architecture="sar_clip_tiny")


def test_out_of_memory_says_what_would_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = clip.forward

    def greedy(*args: object, **kwargs: object) -> Output:
        torch.empty(2**60, dtype=torch.uint8)  # an exbibyte
        return honest(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(clip, "forward", greedy)
    fitting = r"out of memory on the CPU \([\d.]+ GiB\) with batch_size 8\. .*micro_batch: 4 .*; batch_size: 4 "
    with pytest.raises(ValueError, match=fitting):
        run("clip", tmp_path)


def test_out_of_memory_of_the_device_is_explained_and_other_errors_pass() -> None:
    settings: Training = dataclasses.replace(SETTINGS, batch_size=512, micro_batch=64)
    with (
        pytest.raises(ValueError, match=r"over 2 processes in micro batches of 64.*micro_batch: 32 .*batch_size: 256"),
        memory.explained(settings, HARDWARE, torch.device("cpu"), processes=2),
    ):
        raise torch.OutOfMemoryError("CUDA out of memory")
    with (
        pytest.raises(RuntimeError, match="another"),
        memory.explained(settings, Hardware(), torch.device("cpu"), processes=1),
    ):
        raise RuntimeError("another")
