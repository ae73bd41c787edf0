"""The registry of a trial as it stands: versions with tags, aliases and the digest of their weights, and open runs."""

import sqlite3
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tasks import lock


@dataclass(frozen=True)
class Version:
    """A version of a registered model."""

    name: str
    number: str
    status: str
    tags: dict[str, str]
    weights: str  # DVC digest of what the registry keeps; why there is none


@dataclass(frozen=True)
class Registry:
    """All that is registered."""

    versions: tuple[Version, ...]
    aliases: dict[str, dict[str, str]]  # model → alias → number of a version
    changes: dict[str, dict[str, str]]  # model → tag `promoted.…` → JSON
    open_runs: tuple[str, ...]  # names of runs that never ended


def read(state: Path, *, address: str | None = None) -> Registry:
    """The registry in `state`, by a copy of its SQLite file, or at a SQLAlchemy `address`."""
    if address is not None:
        return _read(state, address)
    if not (state / "mlflow.db").is_file():
        return Registry((), {}, {}, ())
    with tempfile.TemporaryDirectory() as folder:  # a new path each time: MLflow keeps what it opened once
        copy = Path(folder) / "mlflow.db"
        _copy(state / "mlflow.db", copy)
        return _read(state, f"sqlite:///{copy}")


def _read(state: Path, address: str) -> Registry:
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=address, registry_uri=address)
    models = client.search_registered_models()
    versions = [found for model in models for found in client.search_model_versions(f"name = '{model.name}'")]
    experiments = [found.experiment_id for found in client.search_experiments()]
    left = client.search_runs(experiments, filter_string="attributes.status = 'RUNNING'")
    return Registry(
        versions=tuple(
            Version(
                found.name, str(found.version), str(found.status), dict(found.tags),
                _weights(client.get_logged_model(_model_id(found.source)).artifact_location, state=state),
            )
            for found in versions
        ),
        aliases={model.name: {name: str(number) for name, number in model.aliases.items()} for model in models},
        changes={
            model.name: {key: value for key, value in model.tags.items() if key.startswith("promoted.")}
            for model in models
        },
        open_runs=tuple(str(run.info.run_name) for run in left),
    )  # fmt: skip


def _model_id(source: str) -> str:
    """Of `models:/m-0123…`."""
    return source.removeprefix("models:/")


def _copy(database: Path, copy: Path) -> None:
    """While a server may have it open."""
    source, target = sqlite3.connect(database), sqlite3.connect(copy)
    try:
        source.backup(target)
    finally:
        source.close()
        target.close()


def _weights(location: str, *, state: Path) -> str:
    parts = urlsplit(location)
    folder = state / "mlartifacts" / parts.path.lstrip("/") if parts.scheme == "mlflow-artifacts" else Path(parts.path)
    found = sorted(path.parent for path in Path(unquote(str(folder))).glob("artifacts/*/model.safetensors"))
    return lock.digest_of(found[0]) if len(found) == 1 else f"{len(found)} sets of weights"
