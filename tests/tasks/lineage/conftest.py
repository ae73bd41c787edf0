"""A history of three revisions, and a real registry beside it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tasks import tracking
from tasks.lineage.cache import Cache
from tasks.lineage.collect import Lineage
from tasks.lineage.history import History
from tasks.lineage.versions import Version
from tests.fakes.world import World

Register = Callable[..., None]


def lineage_of(world: World) -> Lineage:
    return Lineage(History(world.root), Cache(world.root, folder=world.cache))


def check_out(world: World) -> None:
    """Copy every output from the cache into the working tree."""
    cache = lineage_of(world).cache
    for path, digest in world.outputs[0].items():
        for name, md5 in (cache.listing(digest) or {} if digest.endswith(".dir") else {}).items():
            target = world.root / path / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(cache.path(md5).read_bytes())


def version_of(outputs: dict[str, str], *, commit: str, number: str = "1", **tags: str) -> Version:
    """As the registry would give it, where nothing that only MLflow knows is asked."""
    return Version(
        model="sar-rs-clip", number=number, run_id="", created_s=0.0, aliases=(),
        tags={"dvc.weights": outputs["models/two_stage/clip"], "dvc.metrics": outputs["metrics/evaluate.json"],
              "git.commit": commit} | tags,
    )  # fmt: skip


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow database with its tables, which take seconds to make."""
    folder = tmp_path_factory.mktemp("store")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder / 'mlflow.db'}")
        patch.setenv("SAR_TEXT_STATE", str(folder / "state"))
        tracking.client()
    return folder / "mlflow.db"


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_store: Path) -> Register:
    """Makes a version in an MLflow store of its own."""
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    monkeypatch.setenv("SAR_TEXT_STATE", str(tmp_path / "state"))

    def register(
        version: Version, *, metrics: dict[str, float], alias: str | None = None, source: str = "runs:/x"
    ) -> None:
        client = tracking.client()
        if not client.search_registered_models(filter_string=f"name = '{version.model}'"):
            client.create_registered_model(version.model)
        run = client.create_run(tracking.experiment_id("test"), tags=dict(version.tags)).info.run_id
        for name, value in metrics.items():
            client.log_metric(run, name, value)
        made = client.create_model_version(version.model, source=source, run_id=run, tags=dict(version.tags))
        assert made.version == version.number or str(made.version) == version.number
        if alias:
            client.set_registered_model_alias(version.model, alias, made.version)

    return register
