"""SAR-GPT as TinyGPT-V has it, from captions to answers: a Phi language model, frozen, with LoRA adapters."""

import dataclasses
from pathlib import Path
from typing import Any

import micro_phi
import numpy as np
import pytest
import safetensors.torch
import torch
from train_world import TRAINING

from sar_models import gpt_model, model
from sar_models.answer import answers
from sar_models.settings import Answering, GptSettings, Hardware, Lora
from tasks import params, paths
from tasks.train.gpt_stage import train_gpt

ADAPTED = {"q_proj", "k_proj", "v_proj", "dense", "fc1", "fc2"}  # all linear layers of PhiDecoderLayer


@pytest.fixture
def phi(project: params.Params, tmp_path: Path) -> params.Params:
    """The project with image towers and a Phi with adapters of rank 4."""
    micro_phi.save(tmp_path / "phi")
    for seed, stage in enumerate(("optical", "two_stage")):
        model.save(model.initial("clip", architecture="micro_clip", seed=seed), paths.model(stage, "clip"))
    recipe = dataclasses.replace(TRAINING, epochs=8, learning_rate=0.01)
    gpt = GptSettings(
        str(tmp_path / "phi"), Lora(rank=4), align=recipe, pretrain=recipe, finetune=recipe, tower_layer=-1
    )
    return dataclasses.replace(project, gpt=gpt)


def test_all_stages_and_answers(phi: params.Params) -> None:
    curves: dict[str, list[float]] = {}

    def log(metrics: Any, step: int) -> None:
        for name, value in metrics.items():
            curves.setdefault(name, []).append(value)

    for stage in ("optical", "two_stage"):
        train_gpt(stage, params=phi, log=log)  # type: ignore[arg-type]
    assert curves["align/val/loss"][-1] < curves["align/val/loss"][0], "captions, by the projector alone"
    assert min(curves["val/loss"]) < 0.5 * curves["val/loss"][0], "questions, by projector and adapters"

    folder = paths.model("two_stage", "gpt")
    stored = safetensors.torch.load_file(folder / model.WEIGHTS)
    adapters = {name.split(".")[-4] for name in stored if "lora_" in name}
    assert adapters == ADAPTED
    language = [name for name in stored if name.startswith("language_model.") and "lora_" not in name]
    assert not language, "Phi's own weights come from where they came from"

    trained = gpt_model.load(folder)
    base = safetensors.torch.load_file(Path(phi.gpt.language_model) / "model.safetensors")
    found = trained.module.language_model.get_base_model().state_dict()
    kept = {name.replace(".base_layer", ""): value for name, value in found.items() if "lora_" not in name}
    assert kept.keys() == base.keys()
    assert all(torch.equal(kept[name], value) for name, value in base.items())

    pictures = [np.full((20, 24, 1), value, np.uint8) for value in (40, 45, 160, 165)]
    asked = [["Is it bright?", "What is it?"]] * len(pictures)
    said = answers(trained, pictures, asked, answering=Answering(4, 3), hardware=Hardware(threads=1))
    assert said == [["no", "dark"]] * 2 + [["yes", "bright"]] * 2
