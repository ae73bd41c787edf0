"""Repro: the whole pipeline as one flow: DVC's stages, those side by side that do not wait for each other, and then the
registry. `make repro` runs it here; the deployment in prefect.yaml runs it on a worker.

DVC decides what runs; each stage that runs is a flow of its own on the same server. `SAR_TEXT_LANES` is how many stages
run at a time (default: as many as have `hardware.threads` processors each); on a GPU, one that uses it at a time.

Run  python -m flows.repro
"""

from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from contextvars import copy_context
from typing import Protocol

from prefect import flow

from flows import crashes as in_a_row
from flows.here import Here
from flows.stage import main, step, table
from sar_models.settings import Hardware
from tasks import gone_stages, paths
from tasks.download import catalog
from tasks.evaluate import external
from tasks.params import load
from tasks.plan import Planned, plan
from tasks.train.start import check_files


class Runner(Protocol):
    """Where a stage runs. The order, and what is said of it, are the same everywhere."""

    lanes: int  # stages side by side
    one_on_device: bool  # of those that use the device, one at a time

    def run(self, stage: Planned) -> None:
        """Run it to its end. Raises `ValueError` when it fails."""

    def stop(self) -> None:
        """End all that runs."""


def dvc_repro(*, on_workers: bool = False) -> None:
    """Run every stage that is out of date, in DVC's order: here, or each as a deployment run.

    Raises `ValueError` before anything runs when a source is not described as it must be or weights to start from are
    missing, and when a stage fails; those that run beside it are let end, no other is started.
    """
    params = load()
    for source in params.sources:
        catalog.load(source)  # else a mistake in one would be found when others are done
    runner = _runner(params.hardware, on_workers=on_workers)
    waiting = {stage.name: stage for stage in plan()}
    if gone := gone_stages.drop(paths.root()):
        print(f"no stage any more, so no longer in dvc.lock: {', '.join(gone)}", flush=True)
    if not waiting:
        print("every stage is up to date", flush=True)
        return
    check_files(params)
    external.check_files(params)
    total, running, failures = len(waiting), dict[Future[None], Planned](), list[str]()
    with ThreadPoolExecutor(runner.lanes) as pool, _stopped_with_us(runner):
        while running or (waiting and not failures):
            while not failures and len(running) < runner.lanes:
                stage = _next(waiting, running, runner.one_on_device)
                if stage is None:
                    break
                del waiting[stage.name]
                running[pool.submit(copy_context().run, runner.run, stage)] = stage
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                del running[future]
                try:
                    future.result()
                except ValueError as error:
                    failures.append(str(error))
            print(f"{total - len(waiting) - len(running) - len(failures)} of {total} stages done", flush=True)
    if failures:
        raise ValueError("\n".join(failures))


def _runner(hardware: Hardware, *, on_workers: bool) -> Runner:
    if not on_workers:
        return Here(hardware)
    from flows.on_workers import OnWorkers

    return OnWorkers(hardware)


def _next(waiting: dict[str, Planned], running: dict[Future[None], Planned], one_on_device: bool) -> Planned | None:
    """The stage to start now: of those that wait for nothing more, the one with the most behind it."""
    unfinished = waiting.keys() | {stage.name for stage in running.values()}
    taken = one_on_device and any(stage.uses_device for stage in running.values())
    ready = [stage for stage in waiting.values() if not stage.after & unfinished and not (taken and stage.uses_device)]
    return max(ready, key=lambda stage: stage.stages_behind, default=None)


@contextmanager
def _stopped_with_us(runner: Runner) -> Iterator[None]:
    """Pass an interrupt, or the end of the flow by Prefect, on to the stages."""
    try:
        yield
    except BaseException:
        runner.stop()
        raise


def register_built() -> None:
    """Put what was built into the registry."""
    from tasks.lineage.card import attach
    from tasks.registry.register import register

    versions = step(register)(load())
    step(attach)([f"{version.name}/{version.version}" for version in versions])
    table("registered", [vars(version) for version in versions], description="Versions in the registry")


@flow(name="repro", flow_run_name="repro")
def repro(crashes: int = 0) -> None:
    in_a_row.check(crashes)
    step(dvc_repro)()
    register_built()


if __name__ == "__main__":
    main(repro)
