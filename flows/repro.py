"""Repro: the whole pipeline as one flow: DVC's stages, those side by side that do not wait for each other, and then the
registry. `make repro` runs it here; the deployment in prefect.yaml runs it on a worker.

DVC decides what runs; each stage that runs is a flow of its own on the same server. `SAR_TEXT_LANES` is how many stages
run at a time (default: as many as have `hardware.threads` processors each); on a GPU, one that uses it at a time.

Run  python -m flows.repro
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from pathlib import Path

from prefect import flow

from flows.stage import main, step, table
from tasks import paths
from tasks.download import catalog
from tasks.evaluate import external
from tasks.params import load
from tasks.plan import Planned, plan
from tasks.train.start import check_files

END_S = 20.0  # that an interrupted stage has to end by itself


def dvc_repro() -> None:
    """Run every stage that is out of date, in DVC's order.

    Raises `ValueError` before anything runs when a source is not described as it must be or weights to start from are
    missing, and when a stage fails; those that run beside it are let end, no other is started.
    """
    params = load()
    for source in params.sources:
        catalog.load(source)  # else a mistake in one would be found when others are done
    lanes = _lanes(params.hardware.threads)
    one_on_device = params.hardware.device != "cpu"
    waiting = {stage.name: stage for stage in plan()}
    if not waiting:
        print("every stage is up to date", flush=True)
        return
    check_files(params)
    external.check_files(params)
    total, running, failed = len(waiting), dict[Future[int], Planned](), list[str]()
    processes: list[subprocess.Popen[str]] = []
    with ThreadPoolExecutor(lanes) as pool, _ended_with_us(processes):
        while running or (waiting and not failed):
            while not failed and len(running) < lanes and (stage := _next(waiting, running, one_on_device)):
                del waiting[stage.name]
                processes.append(_start(stage.name))
                running[pool.submit(_follow, processes[-1], stage.name)] = stage
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                stage = running.pop(future)
                if future.result() != 0:
                    failed.append(stage.name)
            print(f"{total - len(waiting) - len(running) - len(failed)} of {total} stages done", flush=True)
    if failed:
        raise ValueError(f"{', '.join(failed)} failed; the stage's own message stands above")


def _lanes(threads: int) -> int:
    given = os.environ.get("SAR_TEXT_LANES")
    if given is None:
        return max(1, (os.cpu_count() or 1) // threads)
    if not given.isdecimal() or int(given) < 1:
        raise ValueError(f"SAR_TEXT_LANES is {given!r}; it must be a whole number of stages, at least 1")
    return int(given)


def _next(waiting: dict[str, Planned], running: dict[Future[int], Planned], one_on_device: bool) -> Planned | None:
    """The stage to start now: of those that wait for nothing more, the one with the most behind it."""
    unfinished = waiting.keys() | {stage.name for stage in running.values()}
    taken = one_on_device and any(stage.uses_device for stage in running.values())
    ready = [stage for stage in waiting.values() if not stage.after & unfinished and not (taken and stage.uses_device)]
    return max(ready, key=lambda stage: stage.stages_behind, default=None)


def _start(stage: str) -> "subprocess.Popen[str]":
    """Let DVC run one stage."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # `python` in dvc.yaml is this one
    command = [sys.executable, "-m", "dvc", "--wait-for-lock", "repro", "--single-item", stage]
    return subprocess.Popen(
        command, cwd=paths.root(), env={**os.environ, "PATH": path, "PYTHONUNBUFFERED": "1"}, start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
    )  # fmt: skip


def _follow(process: "subprocess.Popen[str]", stage: str) -> int:
    """Print every line of a stage with the stage's name before it; returns the exit code."""
    assert process.stdout is not None
    for line in process.stdout:
        print(f"{stage:<23} | {line.rstrip()}" if line.strip() else "", flush=True)
    return process.wait()


@contextmanager
def _ended_with_us(processes: "list[subprocess.Popen[str]]") -> Iterator[None]:
    """Pass an interrupt, or the end of the flow by Prefect, on to the stages: so DVC leaves no lock behind."""
    try:
        yield
    except BaseException:
        for process in processes:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGINT)
        for process in processes:
            try:
                process.wait(timeout=END_S)
            except subprocess.TimeoutExpired:  # started where interrupts are ignored
                os.killpg(process.pid, signal.SIGKILL)
        raise


@flow(name="repro", flow_run_name="repro")
def repro() -> None:
    from tasks.lineage.card import attach
    from tasks.registry.register import register

    step(dvc_repro)()
    versions = step(register)(load())
    step(attach)([f"{version.name}/{version.version}" for version in versions])
    table("registered", [vars(version) for version in versions], description="Versions in the registry")


if __name__ == "__main__":
    main(repro)
