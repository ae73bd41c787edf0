"""SAR-GPT with all that belongs to it, new or from a folder: `model.safetensors` and `config.json`.

The file holds all weights but those of a language model that was fetched and stays frozen: these come from where they
came from.
"""

import copy
import dataclasses
import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path

import safetensors.torch
import torch

from sar_models import model as clip_model
from sar_models.freezing import without_gradient
from sar_models.gpt import SarGpt
from sar_models.language_model import open_language_model
from sar_models.model import CONFIG, WEIGHTS, Model, copy_weights, read_weights
from sar_models.settings import GptShape, Lora
from sar_models.words import Words

KIND = "gpt"


@dataclass(frozen=True, eq=False)
class Gpt:
    """A network and how to feed it. The network is on the CPU in float32 until training or inference moves it."""

    shape: GptShape
    tower: str  # architecture of the CLIP whose image tower it has
    seed: int  # of its random start
    module: SarGpt
    words: Words
    fetched: bool  # the language model's own weights come from the hub or a folder
    image_size_px: int
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @property
    def parameters(self) -> int:
        """Number of values, those of a fetched language model included."""
        return sum(parameter.numel() for parameter in self.module.parameters())

    @property
    def trained(self) -> int:
        """Number of values that training changes."""
        return sum(parameter.numel() for parameter in self.module.parameters() if parameter.requires_grad)

    @property
    def longest(self) -> int:
        """Tokens that a question with its answer may have."""
        positions = getattr(self.module.language_model.config, "max_position_embeddings", 2048)
        return int(positions) - len(self.module.projector.place) - len(self.words.opening)


def initial(clip: Model, shape: GptShape, *, seed: int) -> Gpt:
    """A SAR-GPT with the image tower of `clip`; what is random is the same for the same seed."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        language = open_language_model(shape.language_model, revision=shape.revision, lora=shape.lora)
        module = SarGpt(
            tower=copy.deepcopy(clip.module.visual), layer=shape.tower_layer, image_size_px=clip.image_size_px,
            language_model=language.network, opening=language.words.opening,
        )  # fmt: skip
    return Gpt(
        shape=shape, tower=clip.architecture, seed=seed, module=module, words=language.words, fetched=language.fetched,
        image_size_px=clip.image_size_px, mean=clip.mean, std=clip.std,
    )  # fmt: skip


def with_tower(gpt: Gpt, clip: Model) -> Gpt:
    """`gpt` with the image tower of `clip`, which must be of the same architecture; the rest is shared."""
    if clip.architecture != gpt.tower:
        raise ValueError(f"the SAR-GPT has the image tower of a '{gpt.tower}', not of a '{clip.architecture}'")
    gpt.module.tower.load_state_dict(clip.module.visual.state_dict())
    return dataclasses.replace(gpt, mean=clip.mean, std=clip.std)


def aligning(gpt: Gpt) -> AbstractContextManager[None]:
    """Within the block the projector alone is trained, for a language model that can speak already; one that begins
    with random weights learns along with it."""
    return without_gradient(gpt.module.language_model.parameters() if gpt.fetched else [])


def save(gpt: Gpt, folder: Path) -> None:
    """Write weights and configuration into `folder`, byte for byte the same for the same model."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: value.detach().cpu().contiguous() for name, value in _stored(gpt).items()}
    (folder / WEIGHTS).write_bytes(safetensors.torch.save(tensors))
    described = {
        "image_size_px": gpt.image_size_px,
        "kind": KIND,
        "mean": list(gpt.mean),
        "seed": gpt.seed,
        "shape": asdict(gpt.shape),
        "std": list(gpt.std),
        "tower": gpt.tower,
    }
    (folder / CONFIG).write_text(json.dumps(described, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def load(folder: Path) -> Gpt:
    """The SAR-GPT that `save` wrote into `folder`.

    Raises `ValueError` when a file is missing or damaged, the folder holds another kind of model, its language model
    cannot be had, or the weights do not fit: then every missing, unexpected and mis-shaped key is listed.
    """
    described, tensors = read_weights(folder)
    if described["kind"] != KIND:
        raise ValueError(f"{folder} holds a model of kind '{described['kind']}'; a gpt model is needed")
    shape = GptShape(**{**described["shape"], "lora": Lora(**described["shape"]["lora"])})
    clip = clip_model.initial("clip", architecture=described["tower"], seed=0)
    gpt = initial(clip, shape, seed=described["seed"])
    copy_weights(_stored(gpt), tensors, where=str(folder / WEIGHTS))
    return dataclasses.replace(gpt, mean=tuple(described["mean"]), std=tuple(described["std"]))


def _stored(gpt: Gpt) -> Mapping[str, torch.Tensor]:
    """The weights that the file holds, by name; of weights with several names the first."""
    parameters = dict(gpt.module.named_parameters())
    again = {
        name for name, value in parameters.items()
        if gpt.fetched and name.startswith("language_model.") and not value.requires_grad
    }  # fmt: skip
    kept = (parameters.keys() - again) | dict(gpt.module.named_buffers()).keys()
    return {name: value for name, value in gpt.module.state_dict().items() if name in kept}
