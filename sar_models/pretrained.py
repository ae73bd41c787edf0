"""A model by what a user calls it: a folder of ours, or an architecture of open_clip with a checkpoint or tag."""

import dataclasses
import hashlib
import pickle
from pathlib import Path

from open_clip.factory import load_state_dict
from open_clip.pretrained import download_pretrained, get_pretrained_cfg, list_pretrained_tags_by_model

from sar_models.model import WEIGHTS, Kind, Model, initial, load, load_weights


@dataclasses.dataclass(frozen=True)
class Named:
    """A model, and which one it is."""

    model: Model
    weights_sha256: str  # of the file of weights


def open_model(name: str, *, kind: Kind, root: Path) -> Named:
    """The model called `name`; relative paths start at `root`.

    `models/optical/coca` is a folder with `model.safetensors` and `config.json`; `coca_ViT-L-14:PATH` a checkpoint of
    open_clip; `coca_ViT-L-14:laion2b_s13b_b90k` a tag of open_clip, downloaded once. Weights are loaded strictly.
    Raises `ValueError` when there is no such model, it is of another kind, or the weights do not fit.
    """
    folder = root / name
    if folder.is_dir() or ":" not in name:
        found = Named(load(folder), sha256_of(folder / WEIGHTS))
        if found.model.kind != kind:
            raise ValueError(f"{folder} holds a model of kind '{found.model.kind}'; a {kind} model is needed")
        return found
    architecture, _, which = name.partition(":")
    model = initial(kind, architecture=architecture, seed=0)
    path = root / which
    if not path.is_file():
        path, model = _fetched(model, which, name=name)
    try:
        tensors = load_state_dict(str(path))
    except (OSError, RuntimeError, ValueError, EOFError, pickle.UnpicklingError) as error:
        raise ValueError(f"{path} is no checkpoint that can be read: {error}") from error
    load_weights(model.module, tensors, where=str(path))
    return Named(model, sha256_of(path))


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fetched(model: Model, tag: str, *, name: str) -> tuple[Path, Model]:
    """The checkpoint of a tag, and the model with the mean and spread that it was trained with."""
    config = get_pretrained_cfg(model.architecture, tag)
    if not config:
        tags = ", ".join(list_pretrained_tags_by_model(model.architecture)) or "none"
        raise ValueError(f"'{name}': {tag} is neither a file nor a tag of {model.architecture} (its tags: {tags})")
    try:
        path = download_pretrained(config)
    except (OSError, RuntimeError) as error:
        raise ValueError(f"'{name}' cannot be downloaded: give the path of its checkpoint instead ({error})") from error
    mean, std = tuple(config.get("mean") or model.mean), tuple(config.get("std") or model.std)
    return Path(path), dataclasses.replace(model, mean=mean, std=std)
