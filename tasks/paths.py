"""Every path of the project, once. All are relative to the repository root unless the environment says otherwise."""

import os
from pathlib import Path


def root() -> Path:
    """The repository root: `DVC_ROOT` inside a DVC stage, else the nearest folder upwards that holds `dvc.yaml`."""
    if "DVC_ROOT" in os.environ:
        return Path(os.environ["DVC_ROOT"])
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "dvc.yaml").is_file():
            return folder
    return Path(__file__).resolve().parent.parent


def state() -> Path:
    """Where what is not versioned lives (servers, caches, checkpoints): `SAR_TEXT_STATE`, else `.state/`."""
    folder = Path(os.environ.get("SAR_TEXT_STATE") or root() / ".state").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def params_file() -> Path:
    return root() / "params.yaml"


def source_file(source: str) -> Path:
    return root() / "sources" / f"{source}.yaml"


def source_data(source: str) -> Path:
    """`records.parquet`, `features.parquet` and `shards/` of a source: the output of its download stage."""
    return root() / "data" / "sources" / source


def source_text(source: str) -> Path:
    """`captions.parquet` of a source: the output of its narrate stage."""
    return root() / "data" / "text" / source


def text(modality: str) -> Path:
    """The validated data set of a modality (`sar` or `optical`): the output of its validate stage."""
    return root() / "data" / {"sar": "sar_text", "optical": "optical_text"}[modality]


def model(stage: str, name: str) -> Path:
    """Weights of model `name` (`clip`, `coca`) after `stage` (`optical`, `sar`, `two_stage`)."""
    return root() / "models" / stage / name


def metrics(name: str) -> Path:
    return root() / "metrics" / f"{name}.json"


def plots() -> Path:
    return root() / "plots"


def data_docs(modality: str) -> Path:
    """Data Docs carry clocks, so they stay outside the DVC outputs."""
    return state() / "data_docs" / modality
