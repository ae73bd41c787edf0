"""A trained model by what a user calls it: a folder, or a version in the MLflow registry. The one way to open them."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Generic, Literal, TypeVar, overload

from tasks import paths

if TYPE_CHECKING:
    from sar_models.gpt_model import Gpt
    from sar_models.model import Model

REGISTRY = "models:/"
STAGE = "two_stage"
DIGITS = 12  # of the sha256 of weights, by which people tell models apart

Kind = Literal["clip", "coca", "gpt"]
M = TypeVar("M", covariant=True)


@dataclass(frozen=True)
class Opened(Generic[M]):
    """A model, and which one it is."""

    model: M
    version: str  # first digits of the sha256 of its weights


@overload
def open_model(name: str | None, *, kind: Literal["clip", "coca"]) -> "Opened[Model]": ...
@overload
def open_model(name: str | None, *, kind: Literal["gpt"]) -> "Opened[Gpt]": ...
def open_model(name: str | None, *, kind: Kind) -> "Opened[Model] | Opened[Gpt]":
    """The model of `kind` (`clip`, `coca`, `gpt`) called `name`.

    `models:/sar-rs-coca@champion` is a version in the registry; all else a folder with `model.safetensors` and
    `config.json`, or one with such a folder named like the kind, as `models/two_stage` is. None: that of the project.
    Raises `ValueError` when there is no such model, it is of another kind, or it does not load.
    """
    folder = _folder(name, kind)
    _check_kind(folder, kind, name=name)
    from sar_models import gpt_model, model
    from sar_models.pretrained import sha256_of

    version = sha256_of(folder / model.WEIGHTS)[:DIGITS]
    return Opened(gpt_model.load(folder), version) if kind == "gpt" else Opened(model.load(folder), version)


def _folder(name: str | None, kind: Kind) -> Path:
    if name is not None and name.startswith(REGISTRY):
        from tasks.registry.fetch import fetch

        return fetch(name)
    folder = Path(name) if name is not None else paths.model(STAGE, kind)
    for candidate in (folder / kind, folder):
        if (candidate / "config.json").is_file() and (candidate / "model.safetensors").is_file():
            return candidate
    raise ValueError(
        f"{folder} holds no {kind} model: build the models (`make repro`), fetch them (`dvc pull models`) or name "
        f"another with --model (a folder, or such as {REGISTRY}{_registered(kind)}@champion)"
    )


def _check_kind(folder: Path, kind: Kind, *, name: str | None) -> None:
    try:
        found = json.loads((folder / "config.json").read_text(encoding="utf-8"))["kind"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{folder / 'config.json'} is no description of a model: fetch it again") from error
    if found != kind:
        raise ValueError(f"{name or folder} is a model of kind '{found}'; a {kind} model is needed here")


def _registered(kind: Kind) -> str:
    return {"clip": "sar-rs-clip", "coca": "sar-rs-coca", "gpt": "sar-gpt"}[kind]
