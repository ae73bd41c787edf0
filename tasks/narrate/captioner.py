"""The pair of models that narrates a folder, from a folder of the project or from the registry."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tasks import paths

if TYPE_CHECKING:
    from sar_models.model import Kind, Model

DEFAULT = "models/two_stage"
REGISTRY = "models:/"


@dataclass(frozen=True)
class Captioner:
    """SAR-RS-CoCa writes, SAR-RS-CLIP scores."""

    coca: "Model"
    clip: "Model"
    version: dict[str, str]  # kind → first 12 digits of the sha256 of its weights


def open_captioner(name: str | None = None) -> Captioner:
    """The models called `name`.

    A folder that holds `coca/` and `clip/`, as `models/two_stage` does (the default); or a CoCa model of the MLflow
    registry such as `models:/sar-rs-coca@champion`, whose CLIP is the version of `sar-rs-clip` with the same alias or
    number. Raises `ValueError` when one of them is missing or does not load.
    """
    folders = _registered(name) if name is not None and name.startswith(REGISTRY) else _folders(name)
    from sar_models.model import WEIGHTS, load
    from sar_models.pretrained import sha256_of

    kinds: tuple[Kind, Kind] = ("coca", "clip")
    models = {kind: load(folders[kind]) for kind in kinds}
    for kind, model in models.items():
        if model.kind != kind:
            raise ValueError(f"{folders[kind]} holds a model of kind '{model.kind}', not {kind}")
    version: dict[str, str] = {kind: sha256_of(folders[kind] / WEIGHTS)[:12] for kind in kinds}
    return Captioner(models["coca"], models["clip"], version)


def _folders(name: str | None) -> dict[str, Path]:
    folder = Path(name) if name is not None else paths.root() / DEFAULT
    if not (folder / "coca").is_dir() or not (folder / "clip").is_dir():
        raise ValueError(
            f"{folder} holds no folders coca and clip: build the models (`make repro`), fetch them (`dvc pull models`) "
            "or name others with --model (a folder with both, or models:/sar-rs-coca@champion)"
        )
    return {"coca": folder / "coca", "clip": folder / "clip"}


def _registered(uri: str) -> dict[str, Path]:
    from tasks.registry.fetch import fetch

    if "coca" not in uri:
        raise ValueError(f"{uri} is no captioner: give a registered CoCa model such as models:/sar-rs-coca@champion")
    return {"coca": fetch(uri), "clip": fetch(uri.replace("coca", "clip"))}
