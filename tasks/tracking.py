"""Runs in MLflow: one a stage, named like the DVC stage. The one module of the stages that imports mlflow."""

import json
import os
import platform
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any

import yaml

from tasks import lock, paths

GENERATED = ("dvc.lock", "metrics", "plots")  # a run itself changes these
SQLITE = b"SQLite format 3\0"  # what every such file begins with
PROCESS = "process"  # tag of a run: host, process id and start time of who writes it
CLOCK_STEP_S = 5.0  # a start time is reckoned from the clock, which may be set in between
BATCH = 50  # metrics sent in one request: few requests, and curves that grow while one looks


def enabled() -> bool:
    """False with `SAR_TEXT_TRACKING=off`, which runs the same functions without Prefect and MLflow.

    Only the first process of a `torchrun` reports.
    """
    return os.environ.get("SAR_TEXT_TRACKING", "on") != "off" and os.environ.get("RANK", "0") == "0"


def uri() -> str:
    """`MLFLOW_TRACKING_URI`, else a SQLite file below `.state/`, by its absolute address."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{paths.state() / 'mlflow.db'}"


def shown_uri() -> str:
    """`uri()` for people: a password in it is not shown."""
    return shown(uri())


def shown(address: str) -> str:
    """`address` for people: a password in it is not shown."""
    return re.sub(r"(?<=://)([^/@:]*):[^/@]*@", r"\1:***@", address)


def client() -> Any:
    """An `MlflowClient` on `uri()`, for tracking and registry.

    Raises `ValueError` when a server is named that does not answer (MLflow itself would try for minutes), or what is
    named is no store of MLflow's.
    """
    import mlflow

    if uri().startswith(("http://", "https://")):
        _check_server(uri())
    elif uri().startswith("sqlite:///"):
        _check_file(Path(uri().removeprefix("sqlite:///")))
    mlflow.set_tracking_uri(uri())
    mlflow.set_registry_uri(uri())
    if uri().startswith("sqlite:"):
        _make_tables(uri())
    try:
        return mlflow.MlflowClient(tracking_uri=uri(), registry_uri=uri())
    except (mlflow.exceptions.MlflowException, ImportError) as error:  # no such scheme; no driver of that database
        raise ValueError(
            f"MLFLOW_TRACKING_URI is {shown_uri()}, where no runs can be kept ({error}): name a server as http://…, or "
            f"unset it to keep them in {paths.state() / 'mlflow.db'}"
        ) from error


def download(address: str) -> Path:
    """The files at an MLflow address such as `models:/sar-rs-clip/3`, as a folder of this machine.

    What a server sends lies there until this process ends: MLflow would leave each copy in the system's temporary
    folder for good, where no purge finds it.
    """
    import mlflow

    copy = None if uri().startswith("sqlite:") else mkdtemp(dir=_copies().name)
    return Path(mlflow.artifacts.download_artifacts(artifact_uri=address, dst_path=copy))


@cache
def _copies() -> TemporaryDirectory[str]:
    return TemporaryDirectory(prefix="sar-text-models-")


def keeps_artifacts(address: str) -> bool:
    """Whether MLflow's store has files at the `artifact_location` of a logged model: on a disk, a server, or S3."""
    return bool(_artifacts(address).list_artifacts())


def delete_artifacts(address: str) -> None:
    """Delete every file that `keeps_artifacts` finds there. MLflow itself keeps them when a version is deleted."""
    _artifacts(address).delete_artifacts()


def _artifacts(address: str) -> Any:
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    return get_artifact_repository(address, tracking_uri=uri(), registry_uri=uri())


@cache
def _make_tables(address: str) -> None:
    """MLflow makes its tables at the first question; two stages that begin together would both make them, and fail."""
    import mlflow
    from filelock import FileLock

    with FileLock(paths.state() / "mlflow.lock"):
        mlflow.MlflowClient(tracking_uri=address).search_experiments(max_results=1)


def _check_file(path: Path) -> None:
    """MLflow would try for minutes to open what is no database."""
    if path.is_dir():
        raise ValueError(f"{path} is a folder where MLflow's database should be: move it elsewhere")
    if path.is_file() and path.stat().st_size:
        with path.open("rb") as file:
            head = file.read(len(SQLITE))
        if head != SQLITE:
            raise ValueError(f"{path} is damaged, or no SQLite database: move it elsewhere, and a new one is made")


@cache
def _check_server(address: str) -> None:
    import httpx

    try:
        httpx.get(f"{address.rstrip('/')}/health", timeout=10.0)
    except httpx.HTTPError as error:
        raise ValueError(
            f"MLflow at {shown_uri()} does not answer ({error}): start it, or unset MLFLOW_TRACKING_URI to keep runs "
            f"in {paths.state() / 'mlflow.db'}; SAR_TEXT_TRACKING=off runs without tracking"
        ) from None


def lost_server(error: Exception) -> str | None:
    """What to say of an error by which MLflow tells that its server went away; None of any other."""
    from mlflow.exceptions import MlflowException

    if not isinstance(error, MlflowException) or not str(error).startswith("API request to "):
        return None
    return (
        f"MLflow at {shown_uri()} does not answer any more ({error}): start it (`make up`), then run the same command "
        "again, which goes on from here"
    )


def experiment_id(name: str) -> str:
    """The experiment `name`, made if need be; artifacts of the embedded default lie below `.state/mlartifacts`."""
    from mlflow.exceptions import MlflowException

    found = client().get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    local = uri().startswith("sqlite:")
    location = (paths.state() / "mlartifacts" / name).as_uri() if local else None
    try:
        return str(client().create_experiment(name, artifact_location=location))
    except MlflowException:  # another stage, which began at the same moment, made it
        found = client().get_experiment_by_name(name)
        if found is None:
            raise
        return str(found.experiment_id)


class Run:
    """One run. With tracking off every call does nothing."""

    def __init__(self, run_id: str | None) -> None:
        self.run_id = run_id
        self._waiting: list[Any] = []

    def log(self, metrics: Mapping[str, float], step: int = 0) -> None:
        """Keep `metrics` for the next batch."""
        if self.run_id is None:
            return
        import time

        from mlflow.entities import Metric

        now_ms = int(time.time() * 1000)
        self._waiting += [Metric(name, float(value), now_ms, step) for name, value in metrics.items()]
        if len(self._waiting) >= BATCH:
            self.flush()

    def flush(self) -> None:
        """Send what waits."""
        while self._waiting:
            client().log_batch(self.run_id, metrics=self._waiting[:1000])
            self._waiting = self._waiting[1000:]

    def log_of(self, metrics: Iterable[tuple[str, float]], *, model: str, data: str) -> None:
        """Keep metrics with the model and the data set that they are of: `models/two_stage/clip`, `data/sar_text`.

        Both are outputs in `dvc.lock`, and known to MLflow by that digest; what is none is not attached.
        """
        if self.run_id is None:
            return
        import time

        from mlflow.entities import Dataset, DatasetInput, LoggedModelInput, Metric

        digests = lock.output_digests()
        named: dict[str, str] = {}
        if data in digests:
            named = {"dataset_name": data, "dataset_digest": digests[data]}
            source = json.dumps({"path": data, "md5": digests[data]})
            given = Dataset(name=data, digest=digests[data], source_type="dvc", source=source)
            client().log_inputs(self.run_id, datasets=[DatasetInput(given)])
        if model in digests:
            named["model_id"] = self._model(model, digests[model])
            client().log_inputs(self.run_id, models=[LoggedModelInput(named["model_id"])])
        now_ms = int(time.time() * 1000)
        self._waiting += [Metric(name, float(value), now_ms, 0, run_id=self.run_id, **named) for name, value in metrics]
        self.flush()

    def _model(self, path: str, digest: str) -> str:
        """The id of MLflow's entry for these weights, made if need be."""
        experiment = client().get_run(self.run_id).info.experiment_id
        known = client().search_logged_models(
            experiment_ids=[experiment], filter_string=f"tags.`dvc.path` = '{path}' AND tags.`dvc.weights` = '{digest}'"
        )
        if known:
            return str(known[0].model_id)
        tags = {"dvc.path": path, "dvc.weights": digest}
        made = client().create_logged_model(experiment, name=path.replace("/", "-"), tags=tags)
        client().finalize_logged_model(made.model_id, "READY")
        return str(made.model_id)

    def tag(self, tags: Mapping[str, str]) -> None:
        if self.run_id is not None:
            for name, value in tags.items():
                client().set_tag(self.run_id, name, value[:5000])

    def artifact(self, path: Path) -> None:
        """Keep a file, or a folder with all below it, with the run."""
        if self.run_id is not None:
            send = client().log_artifacts if path.is_dir() else client().log_artifact
            send(self.run_id, str(path), *([path.name] if path.is_dir() else []))


@contextmanager
def run(stage: str, *, experiment: str, settings: Mapping[str, Any] | None = None) -> Iterator[Run]:
    """A run for `stage` (as in `narrate@sim_ships`); fails with the stage. `settings` become parameters."""
    if not enabled():
        yield Run(None)
        return
    from mlflow.entities import Param

    tags = {"dvc.stage": stage, "git.commit": git_commit(), PROCESS: this_process(), **input_digests(stage)}
    experiment_of = experiment_id(experiment)
    end_left_open(stage, experiment=experiment_of)
    run_id = client().create_run(experiment_of, run_name=stage, tags=tags).info.run_id
    params = [Param(name, str(value)[:6000]) for name, value in flat(settings or {}).items()]
    client().log_batch(run_id, params=params)
    current = Run(run_id)
    try:
        yield current
    except BaseException as error:
        if not isinstance(error, Exception) or lost_server(error) is None:  # else nobody is there to be told
            current.flush()
            client().set_terminated(run_id, status="FAILED")
        raise
    current.flush()
    client().set_terminated(run_id, status="FINISHED")


def this_process() -> str:
    """Host, process id and start time: what `end_left_open` knows a run's writer by."""
    import psutil

    return f"{platform.node()} {os.getpid()} {psutil.Process().create_time():.0f}"


def end_left_open(run_name: str, *, experiment: str) -> None:
    """Mark as killed the runs called so whose process on this machine is gone: it could not end them itself."""
    running = f"attributes.run_name = '{run_name}' and attributes.status = 'RUNNING'"
    for found in client().search_runs([experiment], filter_string=running):
        if _is_gone(found.data.tags.get(PROCESS, "")):
            client().set_terminated(found.info.run_id, status="KILLED")


def _is_gone(process: str) -> bool:
    """Of a process on another machine nothing is known here."""
    import psutil

    known = re.fullmatch(r"(.+) (\d+) (\d+)", process)
    if known is None or known[1] != platform.node():
        return False
    try:
        return abs(psutil.Process(int(known[2])).create_time() - int(known[3])) > CLOCK_STEP_S
    except psutil.NoSuchProcess:
        return True


def git_commit() -> str:
    """The commit of the working tree, `+` behind it when files that people write are changed; empty outside git."""
    head = _git("rev-parse", "HEAD")
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", ".", *(f":!{name}" for name in GENERATED))
    return f"{head}+" if changed else head


def _git(*arguments: str) -> str:
    command = ["git", *arguments]
    return subprocess.run(command, cwd=paths.root(), capture_output=True, text=True, check=False).stdout.strip()


def input_digests(stage: str) -> dict[str, str]:
    """`dvc.input.<path>` → digest, for the outputs of earlier stages that `stage` reads."""
    graph = yaml.safe_load((paths.root() / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    name, _, item = stage.partition("@")
    body = graph[name].get("do", graph[name])
    text = paths.text_of(item) if "${key}" in str(body) else item
    deps = {dep.replace("${key}", item).replace("${item}", text) for dep in body["deps"]}
    outputs = lock.output_digests() if lock.file().is_file() else {}
    return {
        f"dvc.input.{path}": digest
        for path, digest in outputs.items()
        if any(path == dep or path.startswith(f"{dep}/") for dep in deps)
    }


def flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested keys joined by dots."""
    found: dict[str, Any] = {}
    for name, value in settings.items():
        found |= flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": value}
    return found
