"""A model with all that belongs to it, new or from a folder: `model.safetensors` and `config.json`."""

import copy
import dataclasses
import functools
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, cast, get_args

import open_clip
import safetensors.torch
import torch
from open_clip.modified_resnet import ModifiedResNet
from open_clip.timm_model import TimmModel
from torch import nn

from sar_models.settings import Contrastive
from sar_models.short_text import ShortTextClip, with_short_texts
from sar_models.timm_tower import CellTower
from sar_models.token_pool import with_tokens
from sar_models.tokenizer import Tokenizer

Kind = Literal["clip", "coca"]
CONFIGS = Path(__file__).parent / "configs"
WEIGHTS = "model.safetensors"
CONFIG = "config.json"


@dataclass(frozen=True, eq=False)
class Model:
    """A network and how to feed it. The network is on the CPU in float32 until training or inference moves it."""

    kind: Kind
    architecture: str  # the name that `config` was found by
    seed: int  # of its random start
    config: Mapping[str, Any]  # in the format of open_clip's model configurations
    module: Any  # open_clip's CLIP, CustomTextCLIP or CoCa
    tokenizer: Tokenizer
    image_size_px: int
    mean: tuple[float, ...]  # of each channel, of values 0..1
    std: tuple[float, ...]

    @property
    def parameters(self) -> int:
        """Number of trained values."""
        return sum(parameter.numel() for parameter in self.module.parameters())


def initial(kind: str, *, architecture: str, seed: int, context_length: int = 0) -> Model:
    """A model with random weights, the same for the same seed.

    `architecture` is the name of a file in `sar_models/configs` or one of open_clip's own, such as `ViT-L-14` or
    `coca_ViT-L-14`; `context_length` tokens replace its own unless 0. Raises `ValueError` for an unknown one or one of
    the other kind.
    """
    config = configuration(architecture, context_length=context_length)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return _build(kind, architecture=architecture, seed=seed, config=config)


def compared_by(model: Model, loss: Contrastive) -> Model:
    """`model` for this contrastive loss: `sigmoid` needs a bias; where there is none, bias and scale get the values
    that its paper starts with, -10 and 10 (Zhai et al. 2023).

    Raises `ValueError` for a model with a bias and `softmax`, which would not learn it.
    """
    biased = model.module.logit_bias is not None
    if loss == "softmax" and biased:
        raise ValueError(f"'{model.architecture}' has a logit bias: set contrastive_loss: sigmoid for it")
    if loss == "softmax" or biased:
        return model
    scale, bias = math.log(10.0), -10.0
    with torch.no_grad():
        model.module.logit_scale.fill_(scale)
    model.module.logit_bias = nn.Parameter(torch.tensor(bias))
    return dataclasses.replace(model, config={**model.config, "init_logit_bias": bias, "init_logit_scale": scale})


def save(model: Model, folder: Path) -> None:
    """Write weights and configuration into `folder`, byte for byte the same for the same model."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: value.detach().cpu().contiguous() for name, value in model.module.state_dict().items()}
    (folder / WEIGHTS).write_bytes(safetensors.torch.save(tensors))
    described = {
        "architecture": model.architecture,
        "image_size_px": model.image_size_px,
        "kind": model.kind,
        "mean": list(model.mean),
        "model": model.config,
        "seed": model.seed,
        "std": list(model.std),
    }
    (folder / CONFIG).write_text(json.dumps(described, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def load(folder: Path) -> Model:
    """The model that `save` wrote into `folder`.

    Raises `ValueError` when a file is missing or damaged, or when the weights do not fit the configuration: then every
    missing, unexpected and mis-shaped key is listed.
    """
    described, tensors = read_weights(folder)
    if described["kind"] not in get_args(Kind):
        raise ValueError(f"{folder} holds a model of kind '{described['kind']}'; a clip or coca model is needed")
    model = _build(
        described["kind"],
        architecture=described["architecture"],
        seed=described["seed"],
        config=described["model"],
    )
    load_weights(model.module, tensors, where=str(folder / WEIGHTS))
    return replace(model, mean=tuple(described["mean"]), std=tuple(described["std"]))


def read_weights(folder: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """What `config.json` and `model.safetensors` in `folder` hold. Raises `ValueError` for a missing or damaged one."""
    for name in (CONFIG, WEIGHTS):
        if not (folder / name).is_file():
            raise ValueError(
                f"{folder / name} does not exist: train the model (`dvc repro`) or fetch it (`dvc checkout`)"
            )
    try:
        tensors = safetensors.torch.load((folder / WEIGHTS).read_bytes())
    except safetensors.SafetensorError as error:
        raise ValueError(f"{folder / WEIGHTS} is damaged ({error}): fetch it again (`dvc checkout`)") from error
    return json.loads((folder / CONFIG).read_text(encoding="utf-8")), tensors


def load_weights(module: nn.Module, tensors: Mapping[str, torch.Tensor], *, where: str) -> None:
    """Copy `tensors` into `module`; `ValueError` lists every key that is missing, unexpected or mis-shaped."""
    copy_weights(module.state_dict(), tensors, where=where)


def copy_weights(wanted: Mapping[str, torch.Tensor], tensors: Mapping[str, torch.Tensor], *, where: str) -> None:
    """Likewise, into the weights `wanted` of a module."""
    problems = [f"missing: {name} {tuple(wanted[name].shape)}" for name in wanted if name not in tensors]
    problems += [f"unexpected: {name} {tuple(tensors[name].shape)}" for name in tensors if name not in wanted]
    problems += [
        f"mis-shaped: {name} is {tuple(tensors[name].shape)}, the model has {tuple(wanted[name].shape)}"
        for name in wanted
        if name in tensors and tensors[name].shape != wanted[name].shape
    ]
    if problems:
        raise ValueError(f"{where} does not fit the model:\n  " + "\n  ".join(sorted(problems)))
    with torch.no_grad():
        for name, value in wanted.items():
            value.copy_(tensors[name])


@functools.cache
def _register_configs() -> None:
    open_clip.add_model_config(CONFIGS)


def configuration(architecture: str, *, context_length: int = 0) -> dict[str, Any]:
    """What open_clip builds `architecture` from. Raises `ValueError` for an unknown one."""
    _register_configs()
    if architecture not in open_clip.list_models():
        ours = ", ".join(sorted(path.stem for path in CONFIGS.glob("*.json") if path.stem in open_clip.list_models()))
        raise ValueError(
            f"architecture '{architecture}' is unknown: give one of ours ({ours}) or of open_clip "
            "(`python -c 'import open_clip; print(open_clip.list_models())'`)"
        )
    config = cast(dict[str, Any], open_clip.get_model_config(architecture))
    for part in ("text_cfg", "multimodal_cfg"):
        if context_length and part in config:
            config[part]["context_length"] = context_length
    return config


def _build(kind: str, *, architecture: str, seed: int, config: Mapping[str, Any]) -> Model:
    if kind not in get_args(Kind):
        raise ValueError(f"there is no kind of model '{kind}'; choose one of {', '.join(get_args(Kind))}")
    if (kind == "coca") != ("multimodal_cfg" in config):
        raise ValueError(f"architecture '{architecture}' is not of kind '{kind}'")
    text = config["text_cfg"]
    if "hf_model_name" in text or "hf_tokenizer_name" in text:
        raise ValueError(f"architecture '{architecture}' has a text tower of Hugging Face, which is not supported")
    arguments = copy.deepcopy(dict(config))
    custom_text = arguments.pop("custom_text", False)
    preprocess = arguments.pop("preprocess_cfg", {})  # as in the open_clip_config.json of the Hugging Face hub
    if kind == "coca":
        module = open_clip.CoCa(**arguments)
        # open_clip leaves the decoder's projection as uninitialised memory; the value is CoCa's own for this layer.
        decoder = module.text_decoder
        nn.init.normal_(decoder.text_projection, std=decoder.width**-0.5)
        with_short_texts(module)
        if isinstance(module.visual, ModifiedResNet):
            with_tokens(module.visual)
        elif isinstance(module.visual, TimmModel):
            module.visual = CellTower(module.visual, image_size_px=config["vision_cfg"]["image_size"])
    elif custom_text:
        module = open_clip.CustomTextCLIP(**arguments, output_dict=True)
    else:
        module = ShortTextClip(**arguments, output_dict=True)
    return Model(
        kind=cast(Kind, kind),
        architecture=architecture,
        seed=seed,
        config=config,
        module=module,
        tokenizer=Tokenizer(vocab_size=text.get("vocab_size", 49408), context_length=text.get("context_length", 77)),
        image_size_px=int(config["vision_cfg"]["image_size"]),
        mean=tuple(preprocess.get("mean", open_clip.OPENAI_DATASET_MEAN)),
        std=tuple(preprocess.get("std", open_clip.OPENAI_DATASET_STD)),
    )
