"""Models that begin with given weights: a folder of ours, a file, or what is downloaded by tag or id."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import timm
import torch
from open_clip.pretrained import (
    download_pretrained,
    download_pretrained_from_hf,
    get_pretrained_cfg,
    list_pretrained_tags_by_model,
)

from sar_models import positions
from sar_models.checkpoint_file import read_checkpoint
from sar_models.model import WEIGHTS, Model, compared_by, copy_weights, initial, load, read_weights
from sar_models.settings import RANDOM, TIMM, Start
from sar_models.weight_files import located

HUB = "hf:"


@dataclasses.dataclass(frozen=True)
class Named:
    """A model, and which weights it has."""

    model: Model
    weights_sha256: str  # of the file of weights; empty for random ones
    notes: tuple[str, ...] = ()  # what a person should know of how they were loaded


@dataclasses.dataclass(frozen=True)
class _Weights:
    """A file of weights, and what is known of their training."""

    path: Path
    preprocess: Mapping[str, Any] = dataclasses.field(default_factory=dict)  # mean and std, where known
    quick_gelu: bool | None = None  # OpenAI's approximation of GELU; None: unknown


def open_model(name: str, *, kind: str, roots: Sequence[Path]) -> Named:
    """The model called `name`: a folder of ours such as `models/optical/coca`, or an architecture with weights, as in
    `coca_ViT-L-14:PATH` or `coca_ViT-L-14:laion2b_s13b_b90k`, where all that `begin` takes may stand.

    Raises `ValueError` when there is no such model, it is of another kind, or the weights do not fit.
    """
    architecture, colon, weights = name.partition(":")
    if not colon:
        folder = located(name, roots) or roots[0] / name
        found = Named(load(folder), sha256_of(folder / WEIGHTS))
        _check_kind(found.model.kind, kind, folder)
        return found
    return begin(kind, architecture=architecture, start=Start(weights), seed=0, roots=roots)


def begin(
    kind: str, *, architecture: str, start: Start, seed: int, roots: Sequence[Path], context_length: int = 0
) -> Named:
    """A model of `architecture` with the weights that `start` names; what they do not cover is random by `seed`.

    `random`; a path of a file or of a folder of ours, sought below `roots` in turn if relative; a tag of open_clip for
    the architecture; `hf:ORG/NAME`, or `hf:ORG/NAME@REVISION`, a repository of open_clip on the Hugging Face hub;
    `timm:` with a path or a tag: the image tower alone. What is downloaded is kept in the cache of the hub.

    Weights are loaded whole or not at all. Raises `ValueError` when they cannot be had, have another digest than
    `start` says, or do not fit: then every missing, unexpected and mis-shaped key is listed.
    """
    model = initial(kind, architecture=architecture, seed=seed, context_length=context_length)
    if start.weights == RANDOM:
        return Named(model, "")
    if tower := start.weights.startswith(TIMM):
        weights = _of_timm(model, start.weights.removeprefix(TIMM), roots)
    else:
        weights = _of_model(model, start.weights, roots)
    digest = sha256_of(weights.path)
    if start.sha256 and digest != start.sha256:
        raise ValueError(
            f"{weights.path} has the sha256 {digest}, not {start.sha256}: get the file that start.sha256 means, or "
            "change it to use this one"
        )
    gelu = bool(model.config.get("quick_gelu", False))
    if weights.quick_gelu not in (None, gelu):
        raise ValueError(
            f"'{start.weights}' was trained {'without' if gelu else 'with'} QuickGELU, and {architecture} is "
            f"{'with' if gelu else 'without'}: use the architecture of the same name "
            f"{'without' if gelu else 'with'} '-quickgelu'"
        )
    tensors = read_checkpoint(weights.path)
    if "logit_bias" in tensors:
        model = compared_by(model, "sigmoid")
    notes = _fill_tower(model, tensors, weights.path) if tower else _fill(model, tensors, weights.path, start)
    mean, std = (tuple(weights.preprocess.get(name) or getattr(model, name)) for name in ("mean", "std"))
    return Named(dataclasses.replace(model, mean=mean, std=std), digest, tuple(notes))


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _of_model(model: Model, name: str, roots: Sequence[Path]) -> _Weights:
    """The weights of a whole model."""
    if name.startswith(HUB):
        repository, _, revision = name.removeprefix(HUB).partition("@")
        config = json.loads(_downloaded(name, repository, "open_clip_config.json", revision).read_text("utf-8"))
        return _Weights(
            _downloaded(name, repository, None, revision),
            config.get("preprocess_cfg", {}),
            bool(config.get("model_cfg", {}).get("quick_gelu", False)),
        )
    if path := located(name, roots):
        if path.is_file():
            return _Weights(path)
        described, _ = read_weights(path)
        _check_kind(described["kind"], model.kind, path)
        return _Weights(path / WEIGHTS, described, bool(described["model"].get("quick_gelu", False)))
    tag = get_pretrained_cfg(model.architecture, name)
    if not tag:
        raise ValueError(
            _nowhere(name, roots, of=model.architecture, tags=list_pretrained_tags_by_model(model.architecture))
        )
    try:
        path = Path(download_pretrained(tag))
    except (OSError, RuntimeError) as error:
        raise ValueError(_not_downloaded(name, str(error))) from error
    return _Weights(path, tag, bool(tag.get("quick_gelu", False)))


def _of_timm(model: Model, name: str, roots: Sequence[Path]) -> _Weights:
    """The weights of an image tower."""
    tower = model.config["vision_cfg"].get("timm_model_name")
    if tower is None:
        raise ValueError(
            f"the image tower of {model.architecture} is not timm's, so that '{TIMM}{name}' does not fit it: use an "
            "architecture whose vision_cfg has a timm_model_name, such as sar_clip_mobilenet"
        )
    if (path := located(name, roots)) and path.is_file():
        return _Weights(path)
    tags = [each.partition(".")[2] for each in timm.list_pretrained(f"{tower}.*")]
    if name not in tags:
        raise ValueError(_nowhere(name, roots, of=tower, tags=tags))
    known = timm.get_pretrained_cfg(f"{tower}.{name}")
    assert known is not None, "timm lists what it has weights of"
    path = _downloaded(TIMM + name, str(known.hf_hub_id), known.hf_hub_filename or WEIGHTS, "")
    return _Weights(path, {"mean": known.mean, "std": known.std})


def _fill(model: Model, tensors: Mapping[str, torch.Tensor], path: Path, start: Start) -> list[str]:
    wanted = model.module.state_dict()
    odd = positions.mis_shaped(wanted, tensors)
    hint = ""
    if odd and start.resize_positions:
        tensors = positions.resized(wanted, tensors)
    elif odd:
        hint = "\n`resize_positions: true` beside `weights` interpolates the positions for this image size and context"
    try:
        copy_weights(wanted, tensors, where=str(path))
    except ValueError as error:
        raise ValueError(f"{error}{hint}") from error
    return [f"interpolated to {tuple(wanted[name].shape)}: {name}" for name in odd]


def _fill_tower(model: Model, tensors: Mapping[str, torch.Tensor], path: Path) -> list[str]:
    """Fill the trunk of a timm tower, whose classifier of natural images has no use here."""
    trunk = model.module.visual.trunk
    classifier = trunk.pretrained_cfg.get("classifier") or ()
    left = tuple(f"{each}." for each in ([classifier] if isinstance(classifier, str) else classifier))
    wanted = trunk.state_dict()
    kept = {name: value for name, value in tensors.items() if name in wanted or not name.startswith(left)}
    copy_weights(wanted, kept, where=str(path))
    return ["of the image tower alone: its projection and the text tower are random"]


def _downloaded(name: str, repository: str, file: str | None, revision: str) -> Path:
    """A file of the hub, or by default open_clip's weights there; from the cache where that has it."""
    try:
        return Path(download_pretrained_from_hf(repository, filename=file, revision=revision or None))
    except (OSError, ValueError) as error:
        raise ValueError(_not_downloaded(name, str(error), f"`hf download {repository}`")) from error


def _not_downloaded(name: str, why: str, command: str = "`open_clip.create_model(ARCHITECTURE, TAG)`") -> str:
    return (
        f"'{name}' is not in the cache and cannot be downloaded: run {command} where there is a network and copy the "
        f"cache (~/.cache/huggingface, or HF_HOME), or give the path of the file of weights ({why})"
    )


def _nowhere(name: str, roots: Sequence[Path], *, of: str, tags: Sequence[str]) -> str:
    places = " or ".join(dict.fromkeys(str(root / name) for root in roots))
    return f"'{name}' is neither a file ({places}) nor a tag of {of} (its tags: {', '.join(tags) or 'none'})"


def _check_kind(kind: str, wanted: str, folder: Path) -> None:
    if kind != wanted:
        raise ValueError(f"{folder} holds a model of kind '{kind}'; a {wanted} model is needed")
