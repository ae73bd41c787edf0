"""Every path of the project, once. All are relative to the repository root unless the environment says otherwise."""

import os
from pathlib import Path

import yaml

PAIRS = ".pairs"  # ends the folder of a source's pair text


def root() -> Path:
    """The repository root: `DVC_ROOT` inside a DVC stage, else the nearest folder upwards that holds `dvc.yaml`."""
    if given := os.environ.get("DVC_ROOT"):
        return Path(given)
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "dvc.yaml").is_file():
            return folder
    return Path(__file__).resolve().parent.parent


def state() -> Path:
    """Where what is not versioned lives (servers, caches, checkpoints): `SAR_TEXT_STATE`, else `.state/`.

    Raises `ValueError` when it cannot be made there.
    """
    folder = (root() / (os.environ.get("SAR_TEXT_STATE") or ".state")).resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"{folder} cannot be made ({error}): set SAR_TEXT_STATE to a folder that can") from error
    return folder


def input_cache() -> Path:
    """Decoded pictures and tokens, which any training may use and anyone may delete."""
    return state() / "input"


def params_file() -> Path:
    return root() / "params.yaml"


def source_file(source: str) -> Path:
    return root() / "sources" / f"{source}.yaml"


def text_of(source: str) -> str:
    """The text data set (`sar` or `optical`) that the captions of `source` belong to, as `params.yaml` says.

    Raises `ValueError` when `source` takes no part.
    """
    sources = yaml.safe_load(params_file().read_text(encoding="utf-8")).get("sources", {})
    if source not in sources:
        raise ValueError(f"'{source}' is not among the sources in {params_file()}; add it there as `{source}: sar`")
    return str(sources[source])


def sources_data(modality: str) -> Path:
    """Data of all sources of one text. One folder a text, so that its validate stage depends on these alone:
    DVC cannot template a list of dependencies, but a dependency on a folder covers the outputs below it."""
    return root() / "data" / "sources" / modality


def source_data(source: str) -> Path:
    """`records.parquet`, `features.parquet`, `shards/` and the description as built: output of a download stage."""
    return sources_data(text_of(source)) / source


def groups() -> Path:
    """Groups of all sources. Both validate stages depend on them, so that a group never stands in two splits, and a
    source that changes without changing its groups re-runs only its own text."""
    return root() / "data" / "groups"


def source_groups(source: str) -> Path:
    """The groups of a source: output of its download stage."""
    return groups() / f"{source}.parquet"


def sources_text(modality: str) -> Path:
    """Captions of all sources of one text."""
    return root() / "data" / "text" / modality


def source_text(source: str) -> Path:
    """`captions.parquet` of a source: the output of its narrate stage."""
    return sources_text(text_of(source)) / source


def pair_text(source: str) -> Path:
    """`captions.parquet` and `report.json` of a source's pairs: the output of its narrate_pairs stage. Beside the
    output of narrate, so that the text's validate stage depends on it too."""
    return sources_text(text_of(source)) / f"{source}{PAIRS}"


def model_text() -> Path:
    """Captions by SAR-RS-CoCa of images without annotation: the output of narrate_model. No training reads it."""
    return root() / "data" / "model_text"


def text(modality: str) -> Path:
    """The validated data set of a modality (`sar` or `optical`): the output of its validate stage.

    Raises `ValueError` for another modality.
    """
    if modality not in ("sar", "optical"):
        raise ValueError(f"no text '{modality}'; there are sar and optical")
    return root() / "data" / f"{modality}_text"


def reviews() -> Path:
    """What people said of captions and questions: `*.csv` from review sheets, kept in git."""
    return root() / "reviews"


def model(stage: str, name: str) -> Path:
    """Weights of model `name` (`clip`, `coca`, `gpt`) after `stage` (`optical`, `sar`, `two_stage`)."""
    return root() / "models" / stage / name


def weights() -> list[Path]:
    """Where weights with a relative path lie: below the repository, else below `SAR_TEXT_MIRROR`."""
    mirror = os.environ.get("SAR_TEXT_MIRROR")
    return [root(), *([Path(mirror)] if mirror else [])]


def metrics(name: str) -> Path:
    return root() / "metrics" / f"{name}.json"


def predictions(name: str) -> Path:
    """What the models said of the test images, `captions` or `answers`: an output of evaluate."""
    return root() / "data" / "predictions" / f"{name}.parquet"


def plots() -> Path:
    return root() / "plots"


def data_docs(modality: str) -> Path:
    """Data Docs carry clocks, so they stay outside the DVC outputs."""
    return state() / "data_docs" / modality
