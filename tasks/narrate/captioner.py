"""The pair of models that narrates a folder, from a folder of the project or from the registry."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tasks.models import REGISTRY, open_model

if TYPE_CHECKING:
    from sar_models.model import Model


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
    scorer = name
    if name is not None and name.startswith(REGISTRY):
        if "coca" not in name:
            raise ValueError(
                f"{name} is no captioner: give a registered CoCa model such as models:/sar-rs-coca@champion"
            )
        scorer = name.replace("coca", "clip")
    coca, clip = open_model(name, kind="coca"), open_model(scorer, kind="clip")
    return Captioner(coca.model, clip.model, {"coca": coca.version, "clip": clip.version})
