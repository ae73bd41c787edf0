"""A model by its name: our folder, or a checkpoint of open_clip; loaded strictly."""

import hashlib
from pathlib import Path

import pytest
import torch
from micro_training import HARDWARE  # noqa: F401  # registers the micro architectures

from sar_models import model
from sar_models.pretrained import open_model


def equal(left: model.Model, right: model.Model) -> bool:
    theirs = right.module.state_dict()
    return all(torch.equal(value, theirs[name]) for name, value in left.module.state_dict().items())


@pytest.fixture
def coca() -> model.Model:
    return model.initial("coca", architecture="micro_coca", seed=5)


def test_a_folder_of_ours(coca: model.Model, tmp_path: Path) -> None:
    model.save(coca, tmp_path / "models" / "coca")
    found = open_model("models/coca", kind="coca", roots=[tmp_path])
    assert equal(found.model, coca)
    data = (tmp_path / "models" / "coca" / "model.safetensors").read_bytes()
    assert found.weights_sha256 == hashlib.sha256(data).hexdigest()


def test_a_checkpoint_as_open_clip_train_writes_it(coca: model.Model, tmp_path: Path) -> None:
    state = {f"module.{name}": value for name, value in coca.module.state_dict().items()}
    torch.save({"epoch": 3, "state_dict": state}, tmp_path / "epoch_3.pt")
    found = open_model("micro_coca:epoch_3.pt", kind="coca", roots=[tmp_path])
    assert equal(found.model, coca)
    assert found.model.architecture == "micro_coca"


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
    with pytest.raises(ValueError, match=r"neither a file nor a tag of micro_coca \(its tags: none\)"):
        open_model("micro_coca:laion3b", kind="coca", roots=[tmp_path])
    model.save(model.initial("clip", architecture="micro_clip", seed=1), tmp_path / "clip")
    with pytest.raises(ValueError, match="kind 'clip'; a coca model is needed"):
        open_model("clip", kind="coca", roots=[tmp_path])
    (tmp_path / "broken.pt").write_bytes(b"not a checkpoint")
    with pytest.raises(ValueError, match=r"broken\.pt is no checkpoint"):
        open_model("micro_coca:broken.pt", kind="coca", roots=[tmp_path])
