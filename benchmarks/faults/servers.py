"""Faults of an installation of `sar-text up`: a server or the worker killed, the database restarted."""

import json
import time
from contextlib import ExitStack
from dataclasses import replace
from random import Random

import psutil

from benchmarks.faults import commands, postgres
from benchmarks.faults.commands import Ended
from benchmarks.faults.kills import wait
from benchmarks.faults.project import Project
from benchmarks.faults.trial import Fault, Undisturbed
from benchmarks.faults.works import PIPELINE, Work

UP_LIMIT_S = 400.0
BY_WORKER = replace(
    PIPELINE, command=("prefect", "deployment", "run", "repro/pipeline", "--watch"), limit_s=1800.0
)  # fmt: skip
FILES = {"worker": "workers/gpu.json", "Prefect server": "prefect/server.json", "MLflow server": "mlflow/server.json"}


def faults() -> list[Fault]:
    """Each with an installation of its own, up before the fault and ended after the trial."""
    up_again = "`sar-text up`, then the same command again."
    found = [
        _kill(
            "worker",
            BY_WORKER,
            "Crashed|crashed",
            "The run becomes *Crashed* when three heartbeats are missing.",
            up_again,
        ),
        _kill(
            "Prefect server",
            PIPELINE,
            "Prefect|connect",
            "Stages end with `Prefect at … does not answer any more`, after its client has tried for minutes.",
            up_again,
        ),
        _kill("MLflow server", PIPELINE, "MLflow|connect", "Stages end with `MLflow at … does not answer`.", up_again),
    ]
    return [*found, Restart().fault()]


def up(project: Project, **more: str) -> dict[str, str]:
    """Bring the installation up; returns the settings by which commands find it."""
    ended = project.run("flows.cli", "up", limit_s=UP_LIMIT_S, PREFECT_API_URL="", **more)
    assert ended.well, f"the installation does not come up: {ended.said[-2000:]}"
    known = {name: json.loads((project.state / file).read_text()) for name, file in FILES.items()}
    return {
        "PREFECT_API_URL": known["Prefect server"]["address"], "MLFLOW_TRACKING_URI": known["MLflow server"]["address"],
        # Else every request waits for minutes for a server that is gone, and a run sends several.
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3", "PREFECT_CLIENT_MAX_RETRIES": "3",
    }  # fmt: skip


def down(project: Project) -> None:
    project.run("flows.cli", "down", limit_s=UP_LIMIT_S, PREFECT_API_URL="")


def _kill(which: str, by: Work, says: str, looks: str, remedy: str) -> Fault:
    """`by` is how the pipeline is started."""

    def disturb(project: Project, _: Work, rng: Random, expected: Undisturbed) -> Ended:
        place = up(project)
        pid = json.loads((project.state / FILES[which]).read_text())["pid"]
        moment_s = rng.uniform(0, expected.took_s)

        def meanwhile(process: psutil.Process) -> None:
            wait(process, moment_s)
            commands.kill(commands.family(pid))

        return by.run(project, meanwhile=meanwhile, place=place)

    def again(project: Project, _: Work) -> Ended:
        return by.run(project, place=up(project))

    return Fault(f"kill -9 of the {which}", (PIPELINE,), disturb, says, looks, remedy, again, down)


class Restart:
    """PostgreSQL, behind both servers, is restarted as if its machine had been."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._server: postgres.Postgres | None = None

    def fault(self) -> Fault:
        looks = "Stages end with `Prefect at … answers 500`; the servers find the database again by themselves."
        return Fault(
            "PostgreSQL restart", (PIPELINE,), self._disturb, ".", looks, again=self._again, end=self._end,
            registry=self._registry,
        )  # fmt: skip

    def _disturb(self, project: Project, work: Work, rng: Random, expected: Undisturbed) -> Ended:
        server = self._server = self._stack.enter_context(postgres.postgres())
        place = up(project, DATABASE_URL=server.url)
        moment_s = rng.uniform(0, expected.took_s)

        def meanwhile(process: psutil.Process) -> None:
            wait(process, moment_s)
            server.control("--mode=immediate", "stop")
            time.sleep(rng.uniform(0, 3))
            server.control("start")

        return work.run(project, meanwhile=meanwhile, place=place)

    def _again(self, project: Project, work: Work) -> Ended:
        assert self._server is not None
        return work.run(project, place=up(project, DATABASE_URL=self._server.url))

    def _registry(self, project: Project) -> str | None:
        assert self._server is not None
        return self._server.url.replace("postgresql://", "postgresql+psycopg2://") + "_mlflow"

    def _end(self, project: Project) -> None:
        down(project)
        self._stack.close()
