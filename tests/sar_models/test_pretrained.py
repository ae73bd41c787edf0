"""Models by name, and models that begin with given weights; loaded whole or not at all."""

import hashlib
import json
from pathlib import Path

import open_clip.pretrained
import pytest
import safetensors.torch
import torch
from micro_training import HARDWARE  # noqa: F401  # registers the micro architectures

from sar_models import model
from sar_models.pretrained import Named, begin, open_model
from sar_models.settings import Start


def equal(left: model.Model, right: model.Model) -> bool:
    theirs = right.module.state_dict()
    return all(torch.equal(value, theirs[name]) for name, value in left.module.state_dict().items())


def begun(
    weights: str, root: Path, *, architecture: str = "micro_clip", context_length: int = 0, **more: object
) -> Named:
    return begin(
        "coca" if "coca" in architecture else "clip", architecture=architecture, seed=5, roots=[root],
        start=Start(weights, **more), context_length=context_length,  # type: ignore[arg-type]
    )  # fmt: skip


@pytest.fixture
def coca() -> model.Model:
    return model.initial("coca", architecture="micro_coca", seed=5)


@pytest.fixture
def clip() -> model.Model:
    return model.initial("clip", architecture="micro_clip", seed=8)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the Hugging Face hub, without a network."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    return tmp_path / "hub"


def cached(hub: Path, repository: str) -> Path:
    """The folder of the files of `repository` in the cache, at its newest revision."""
    folder = hub / f"models--{repository.replace('/', '--')}"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text("0" * 40)
    (folder / "snapshots" / ("0" * 40)).mkdir(parents=True)
    return folder / "snapshots" / ("0" * 40)


def test_a_folder_of_ours(coca: model.Model, tmp_path: Path) -> None:
    model.save(coca, tmp_path / "models" / "coca")
    found = open_model("models/coca", kind="coca", roots=[tmp_path])
    assert equal(found.model, coca)
    data = (tmp_path / "models" / "coca" / "model.safetensors").read_bytes()
    assert found.weights_sha256 == hashlib.sha256(data).hexdigest()
    again = begun("models/coca", tmp_path, architecture="micro_coca")
    assert equal(again.model, coca)
    assert again.weights_sha256 == found.weights_sha256


def test_a_checkpoint_as_open_clip_train_writes_it(coca: model.Model, tmp_path: Path) -> None:
    state = {f"module.{name}": value for name, value in coca.module.state_dict().items()}
    torch.save({"epoch": 3, "state_dict": state}, tmp_path / "epoch_3.pt")
    found = open_model("micro_coca:epoch_3.pt", kind="coca", roots=[tmp_path])
    assert equal(found.model, coca)
    assert found.model.architecture == "micro_coca"


def test_a_model_of_the_sigmoid_loss_keeps_its_bias(clip: model.Model, tmp_path: Path) -> None:
    biased = model.compared_by(clip, "sigmoid")
    torch.nn.init.constant_(biased.module.logit_bias, -3)
    torch.save(biased.module.state_dict(), tmp_path / "sigmoid.pt")
    found = begun("sigmoid.pt", tmp_path).model
    assert equal(found, biased)
    with pytest.raises(ValueError, match="set contrastive_loss: sigmoid"):
        model.compared_by(found, "softmax")


def test_random_weights_have_no_digest(tmp_path: Path) -> None:
    found = begun("random", tmp_path)
    assert found.weights_sha256 == ""
    assert equal(found.model, model.initial("clip", architecture="micro_clip", seed=5))


def test_a_path_is_sought_in_the_second_place_too(clip: model.Model, tmp_path: Path) -> None:
    (tmp_path / "mirror").mkdir()
    torch.save(clip.module.state_dict(), tmp_path / "mirror" / "a.pt")
    roots = [tmp_path, tmp_path / "mirror"]
    found = begin("clip", architecture="micro_clip", start=Start("a.pt"), seed=5, roots=roots)
    assert equal(found.model, clip)


def test_another_file_than_the_digest_means_is_refused(clip: model.Model, tmp_path: Path) -> None:
    torch.save(clip.module.state_dict(), tmp_path / "a.pt")
    digest = hashlib.sha256((tmp_path / "a.pt").read_bytes()).hexdigest()
    assert begun("a.pt", tmp_path, sha256=digest).weights_sha256 == digest
    with pytest.raises(ValueError, match=rf"a\.pt has the sha256 {digest}, not {'0' * 64}: get the file"):
        begun("a.pt", tmp_path, sha256="0" * 64)


def test_a_repository_of_the_hub(clip: model.Model, hub: Path, tmp_path: Path) -> None:
    files = cached(hub, "someone/micro")
    safetensors.torch.save_file(clip.module.state_dict(), files / "open_clip_model.safetensors")
    described = {"model_cfg": {}, "preprocess_cfg": {"mean": [0.1, 0.2, 0.3], "std": [0.4, 0.5, 0.6]}}
    (files / "open_clip_config.json").write_text(json.dumps(described))
    found = begun("hf:someone/micro", tmp_path)
    assert equal(found.model, clip)
    assert (found.model.mean, found.model.std) == ((0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
    assert found.weights_sha256 == hashlib.sha256((files / "open_clip_model.safetensors").read_bytes()).hexdigest()
    described["model_cfg"] = {"quick_gelu": True}
    (files / "open_clip_config.json").write_text(json.dumps(described))
    with pytest.raises(ValueError, match="trained with QuickGELU, and micro_clip is without"):
        begun("hf:someone/micro", tmp_path)


def test_a_tag_of_open_clip(clip: model.Model, hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tag = {"hf_hub": "someone/tagged/", "mean": (0.1, 0.2, 0.3), "std": (0.4, 0.5, 0.6)}
    monkeypatch.setitem(open_clip.pretrained._PRETRAINED, "micro_clip", {"best": tag})
    safetensors.torch.save_file(clip.module.state_dict(), cached(hub, "someone/tagged") / "open_clip_model.safetensors")
    found = begun("best", tmp_path)
    assert equal(found.model, clip)
    assert found.model.mean == (0.1, 0.2, 0.3)


@pytest.mark.parametrize(
    ("weights", "architecture", "named"),
    [
        ("hf:someone/else", "micro_clip", "hf download someone/else"),
        ("timm:r160_in1k", "micro_timm_clip", "hf download timm/test_efficientnet.r160_in1k"),
        ("laion2b_s32b_b82k", "ViT-L-14", "create_model"),
    ],
)
def test_without_a_network_what_is_not_cached_is_one_clear_error(
    weights: str, architecture: str, named: str, hub: Path, tmp_path: Path
) -> None:
    device = "meta" if architecture == "ViT-L-14" else "cpu"  # shapes only: the weights are gigabytes
    with (
        pytest.raises(ValueError, match="is not in the cache and cannot be downloaded: run") as refused,
        torch.device(device),
    ):
        begun(weights, tmp_path, architecture=architecture)
    assert named in str(refused.value)
    assert "give the path of the file of weights" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_timm_tower_leaves_the_rest_random(tmp_path: Path) -> None:
    import timm

    tower = timm.create_model("test_efficientnet", num_classes=7)
    safetensors.torch.save_file(tower.state_dict(), tmp_path / "tower.safetensors")
    for kind in ("clip", "coca"):
        found = begun("timm:tower.safetensors", tmp_path, architecture=f"micro_timm_{kind}")
        start = model.initial(kind, architecture=f"micro_timm_{kind}", seed=5).module.state_dict()
        for name, value in found.model.module.state_dict().items():
            trunk = name.startswith("visual.trunk.")
            expected = tower.state_dict()[name.removeprefix("visual.trunk.")] if trunk else start[name]
            assert torch.equal(value, expected), name
        assert found.notes == ("of the image tower alone: its projection and the text tower are random",)
    state = tower.state_dict()
    state["stranger"] = state.pop("conv_stem.weight")
    safetensors.torch.save_file(state, tmp_path / "odd.safetensors")
    with pytest.raises(ValueError, match=r"missing: conv_stem\.weight(.|\n)*unexpected: stranger"):
        begun("timm:odd.safetensors", tmp_path, architecture="micro_timm_clip")
    with pytest.raises(ValueError, match=r"image tower of micro_clip is not timm's.*sar_clip_mobilenet"):
        begun("timm:tower.safetensors", tmp_path)


def test_a_tag_of_timm_brings_its_mean_and_spread(hub: Path, tmp_path: Path) -> None:
    import timm

    tower = timm.create_model("test_efficientnet")
    files = cached(hub, "timm/test_efficientnet.r160_in1k")
    safetensors.torch.save_file(tower.state_dict(), files / "model.safetensors")
    found = begun("timm:r160_in1k", tmp_path, architecture="micro_timm_clip")
    assert torch.equal(found.model.module.visual.trunk.conv_stem.weight, tower.conv_stem.weight)
    known = timm.get_pretrained_cfg("test_efficientnet.r160_in1k")
    assert (found.model.mean, found.model.std) == (known.mean, known.std)


@pytest.mark.parametrize("kind", ["clip", "coca"])
def test_a_longer_context_is_interpolated_on_request_only(kind: str, tmp_path: Path) -> None:
    old = model.initial(kind, architecture=f"micro_{kind}", seed=8)
    torch.save(old.module.state_dict(), tmp_path / "short.pt")
    with pytest.raises(ValueError, match=r"mis-shaped: (text\.)?positional_embedding(.|\n)*`resize_positions: true`"):
        begun("short.pt", tmp_path, architecture=f"micro_{kind}", context_length=24)
    found = begun("short.pt", tmp_path, architecture=f"micro_{kind}", context_length=24, resize_positions=True)
    assert [note.split(" ")[0] for note in found.notes] == ["interpolated"]
    assert found.model.tokenizer.context_length == 24
    images = torch.zeros(1, 3, 16, 16)
    found.model.module(images, found.model.tokenizer(["one ship, " * 7]))
    model.save(found.model, tmp_path / "long")
    again = model.load(tmp_path / "long")
    assert again.tokenizer.context_length == 24
    assert equal(again, found.model)


def test_weights_that_do_not_fit_are_refused_key_by_key(coca: model.Model, tmp_path: Path) -> None:
    state = dict(coca.module.state_dict())
    del state["logit_scale"]
    state["extra"] = torch.zeros(2)
    torch.save(state, tmp_path / "odd.pt")
    with pytest.raises(ValueError, match=r"missing: logit_scale(.|\n)*unexpected: extra"):
        open_model("micro_coca:odd.pt", kind="coca", roots=[tmp_path])


def test_errors_say_what_to_do(coca: model.Model, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="does not exist: train the model"):
        open_model("models/optical/coca", kind="coca", roots=[tmp_path])
    with pytest.raises(ValueError, match=r"neither a file \(.*\) nor a tag of micro_coca \(its tags: none\)"):
        open_model("micro_coca:laion3b", kind="coca", roots=[tmp_path])
    with pytest.raises(ValueError, match=r"nor a tag of test_efficientnet \(its tags: r160_in1k\)"):
        begun("timm:best", tmp_path, architecture="micro_timm_clip")
    with pytest.raises(ValueError, match=r"none\.pt does not exist: correct the path.*SAR_TEXT_MIRROR"):
        begun("none.pt", tmp_path)
    model.save(model.initial("clip", architecture="micro_clip", seed=1), tmp_path / "clip")
    with pytest.raises(ValueError, match="kind 'clip'; a coca model is needed"):
        open_model("clip", kind="coca", roots=[tmp_path])
    with pytest.raises(ValueError, match="kind 'clip'; a coca model is needed"):
        begun("clip", tmp_path, architecture="micro_coca")


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"weights": ""}, "weights is empty"),
        ({"sha256": "0" * 64}, "random weights have no sha256"),
        ({"resize_positions": True}, "nothing to resize"),
        ({"weights": "timm:a.pt", "resize_positions": True}, "for weights of a whole model"),
        ({"weights": "a.pt", "sha256": "abc"}, "sha256sum"),
    ],
)
def test_settings_that_make_no_sense(settings: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Start(**settings)  # type: ignore[arg-type]
