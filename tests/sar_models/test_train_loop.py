import dataclasses
import math
import shutil
from pathlib import Path

import micro_training
import pytest
import torch
from micro_training import OBJECTIVES, SETTINGS, asked, captioned, run

from sar_models import checkpoint, clip, coca, losses, model, train
from sar_models.losses import Output
from sar_models.settings import Hardware
from sar_models.world import World


def weights(trained: model.Model) -> dict[str, torch.Tensor]:
    return dict(trained.module.state_dict())


def equal(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("kind", ["clip", "coca", "gpt"])
def test_training_learns_and_keeps_the_best_weights(kind: str, tmp_path: Path) -> None:
    trained, history = run(kind, tmp_path)
    assert (history.epoch, history.step, len(history.curve)) == (4, 20, 4)
    first, best = history.curve[0], history.curve[history.best_epoch - 1]
    assert best["val_loss"] == min(row["val_loss"] for row in history.curve) == history.best_loss
    assert best["val_loss"] < 0.95 * first["val_loss"]
    named = {"clip": {"contrastive"}, "coca": {"contrastive", "caption"}, "gpt": {"answer"}}
    names = {"loss"} | named[kind]
    expected = {"epoch", "step", f"val_{OBJECTIVES[kind].SCORE}"} | {
        f"{split}_{name}" for split in ("train", "val") for name in names
    }
    assert set(best) == expected
    again = train.validate(
        trained, (asked if kind == "gpt" else captioned)(12, of=trained, seed=1),
        objective=OBJECTIVES[kind], settings=SETTINGS, hardware=micro_training.HARDWARE,
        device=torch.device("cpu"),
    )  # fmt: skip
    assert again["loss"] == pytest.approx(best["val_loss"], abs=1e-6)


@pytest.mark.parametrize("kind", ["clip", "coca", "gpt"])
def test_equal_settings_give_equal_weights(kind: str, tmp_path: Path) -> None:
    first, again = (run(kind, tmp_path / name) for name in "ab")
    assert equal(weights(first[0]), weights(again[0]))
    assert first[1].curve == again[1].curve


def test_early_stop(tmp_path: Path) -> None:
    frozen = dataclasses.replace(SETTINGS, epochs=9, learning_rate=1e-12, patience=2)
    _, history = run("clip", tmp_path, settings=frozen)
    assert history.epoch < 9
    assert history.epoch == history.best_epoch + 2


def test_curves_are_logged(tmp_path: Path) -> None:
    seen: dict[int, dict[str, float]] = {}
    run("coca", tmp_path, log=lambda metrics, step: seen.setdefault(step, {}).update(metrics))
    assert sorted(seen) == [5, 10, 15, 20]  # epochs of 5 steps, every tenth step
    assert {"val/loss", "val/caption", "val/mean_recall"} <= set(seen[5])
    assert {"train/loss", "train/contrastive", "train/caption", "learning_rate", "images_per_s"} <= set(seen[10])
    assert (seen[10]["progress_percent"], seen[20]["progress_percent"]) == (50, 100)


def test_a_finished_training_that_was_not_saved_is_not_repeated(tmp_path: Path) -> None:
    first, _ = run("clip", tmp_path)
    logged: list[int] = []
    again, history = run("clip", tmp_path, log=lambda metrics, step: logged.append(step))
    assert equal(weights(first), weights(again))
    assert history.step == 20
    assert logged == []


def test_a_hostile_checkpoint_runs_no_code(tmp_path: Path) -> None:
    import os
    import pickle

    class Hostile:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.system, (f"touch {tmp_path / 'owned'}",)

    torch.save({"module": Hostile()}, tmp_path / checkpoint.FILE)
    with pytest.raises(pickle.UnpicklingError, match="weights_only"):
        run("clip", tmp_path)
    assert not (tmp_path / "owned").exists()


def test_not_a_number_stops_with_the_step_and_keeps_the_last_good_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest, calls = clip.forward, []

    def broken(*args: object, **kwargs: object) -> Output:
        calls.append(1)
        found = honest(*args, **kwargs)  # type: ignore[arg-type]
        return Output({name: value * math.nan for name, value in found.compared.items()}) if len(calls) == 9 else found

    monkeypatch.setattr(clip, "forward", broken)
    monkeypatch.setattr(train, "CHECKPOINT_STEPS", 3)
    # 5 steps and 2 validation batches an epoch: the ninth call is the second step of the second epoch
    with pytest.raises(FloatingPointError, match=r"loss is nan at step 7 \(epoch 2, batch 2: micro/.*learning_rate"):
        run("clip", tmp_path)
    kept = checkpoint.load(tmp_path, world=World())
    assert kept is not None
    assert kept["history"]["step"] == 6
    assert all(bool(value.isfinite().all()) for value in kept["module"].values())


def test_bfloat16_trains_to_other_float32_weights(tmp_path: Path) -> None:
    exact, _ = run("coca", tmp_path / "exact")
    rough, history = run("coca", tmp_path / "rough", hardware=Hardware(precision="bf16", threads=1))
    assert not equal(weights(exact), weights(rough))
    assert {value.dtype for value in weights(rough).values()} == {torch.float32}
    assert history.curve[-1]["val_loss"] < 0.9 * history.curve[0]["val_loss"]


@pytest.mark.e2e
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler on the CPU")
@pytest.mark.parametrize(("kind", "micro_batch"), [("clip", 0), ("clip", 3), ("coca", 0), ("coca", 3), ("gpt", 3)])
def test_compiled_steps_have_the_same_losses_and_names(kind: str, micro_batch: int, tmp_path: Path) -> None:
    settings = dataclasses.replace(SETTINGS, epochs=2, micro_batch=micro_batch)
    plain, expected = run(kind, tmp_path / "plain", settings=settings)
    compiled, history = run(kind, tmp_path / "compiled", settings=settings, hardware=Hardware(threads=1, compile=True))
    assert [row["train_loss"] for row in history.curve] == pytest.approx(
        [row["train_loss"] for row in expected.curve], rel=1e-3
    )
    assert weights(compiled).keys() == weights(plain).keys()
    state = checkpoint.load(tmp_path / "compiled", world=World())
    assert state is not None
    assert state["module"].keys() == checkpoint.trained(plain.module).keys()


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [({"batch_size": 64}, "only 40 training images"), ({"warmup_steps": 20}, "whole training has 20 steps")],
)
def test_settings_that_do_not_fit_are_refused(changes: dict[str, int], complaint: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=complaint):
        run("clip", tmp_path, settings=dataclasses.replace(SETTINGS, **changes))


def test_losses_are_what_the_papers_say() -> None:
    """Both losses computed by hand from the features and logits of one forward pass."""
    micro = model.initial("coca", architecture="micro_coca", seed=1)
    torch.manual_seed(0)
    images, tokens = torch.randn(4, 3, 16, 16), micro.tokenizer(["one ship", "two", "a long road", "a lake, trees"])
    found = losses.named(coca.forward(micro.module, images, tokens), coca.counts(tokens), world=World())
    output = micro.module(images, tokens)
    scores = output["logit_scale"] * output["image_features"] @ output["text_features"].T
    by_image, by_text = (-matrix.log_softmax(dim=1).diagonal().mean() for matrix in (scores, scores.T))
    torch.testing.assert_close(found["contrastive"], (by_image + by_text) / 2)
    logs = output["logits"].log_softmax(dim=-1)
    each = [-logs[row, at, tokens[row, at + 1]] for row in range(4) for at in range(15) if tokens[row, at + 1] != 0]
    torch.testing.assert_close(found["caption"], torch.stack(each).mean())
    assert found["caption"].item() == pytest.approx(math.log(800), rel=0.2)  # an untrained model guesses


def test_coca_weighs_its_losses(tmp_path: Path) -> None:
    weighed = dataclasses.replace(SETTINGS, epochs=1, caption_weight=2.0, contrastive_weight=0.5)
    row = run("coca", tmp_path, settings=weighed)[1].curve[0]
    for split in ("train", "val"):
        assert row[f"{split}_loss"] == pytest.approx(2 * row[f"{split}_caption"] + 0.5 * row[f"{split}_contrastive"])
