"""Each stage as a deployment run on the pool of its kind: seen, limited, timed out and cancelled by itself.

The deployments are `stage/cpu` and `stage/gpu` of prefect.yaml (flows/dvc_stage.py).
"""

import os
import threading
import time
from typing import TYPE_CHECKING
from uuid import UUID

from flows import here
from flows.deploy import client, online_workers
from flows.up import POOLS
from sar_models.settings import Hardware
from tasks import tracking
from tasks.plan import Planned
from tasks.retrain import exchange, unfinished

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State

CANCEL_S = 150.0  # for that, by a worker or, where it died too, for want of a heartbeat
LOOK_S = 1.0  # between two looks at a run
TRIES = 2  # of a run whose worker dies


def at_hand() -> bool:
    """Whether `PREFECT_API_URL` names a server that has both deployments."""
    from prefect.exceptions import ObjectNotFound

    url = os.environ.get("PREFECT_API_URL")
    if not url or not tracking.enabled():
        return False
    with client(url) as prefect:
        try:
            for pool in POOLS:
                prefect.read_deployment_by_name(f"stage/{pool}")
        except ObjectNotFound:
            print(f"stages run on this machine: {url} has no deployments stage/cpu and stage/gpu", flush=True)
            return False
    return True


class OnWorkers:
    """Runs stages on workers, so many side by side as `SAR_TEXT_LANES` says, times the workers of a pool. Who uses a
    GPU of theirs waits for it there."""

    one_on_device = False

    def __init__(self, hardware: Hardware) -> None:
        self._url = os.environ["PREFECT_API_URL"]
        workers = max(len(online_workers(pool, api_url=self._url)) for pool in POOLS)
        self.lanes = here.lanes(hardware.threads) * max(1, workers)
        self._gpus = 0 if hardware.device == "cpu" else hardware.processes
        self._running: set[UUID] = set()
        self._stopped = threading.Event()
        self._starts = threading.Lock()  # Prefect counts the runs of a parent, which is no work for two threads
        exchange.check()
        self._cancel_left_behind()

    def run(self, stage: Planned) -> None:
        """Run it to its end, once more if its worker dies. Raises `ValueError` when it does not complete."""
        if exchange.git_remote():
            exchange.offer(stage.name, reads=stage.reads)
        for left in reversed(range(TRIES)):
            state = self._follow(stage, self._start(stage))
            if not (state.is_crashed() and left):
                break
            print(f"{stage.name} crashed, and is started once more: {state.message}", flush=True)
        if not state.is_completed():
            raise ValueError(f"{stage.name} did not complete, but is {state.name}: {state.message}")
        if exchange.git_remote():
            exchange.take(stage.name)

    def stop(self) -> None:
        """Cancel what runs."""
        from prefect.states import Cancelling

        with self._starts:
            self._stopped.set()
        with client(self._url) as prefect:
            for run in list(self._running):
                prefect.set_flow_run_state(run, Cancelling())

    def _cancel_left_behind(self) -> None:
        """Of a retrain from here that was killed: only one runs at a time, so these have nobody who waits for them."""
        from prefect.client.schemas.filters import (
            FlowRunFilter,
            FlowRunFilterState,
            FlowRunFilterStateType,
            FlowRunFilterTags,
        )
        from prefect.client.schemas.objects import TERMINAL_STATES, StateType
        from prefect.states import Cancelling

        unfinished_states = [kind for kind in StateType if kind not in TERMINAL_STATES]
        wanted = FlowRunFilter(
            tags=FlowRunFilterTags(all_=[unfinished.home()]),
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=unfinished_states)),
        )
        ends_s = time.monotonic() + CANCEL_S
        with client(self._url) as prefect:
            for run in prefect.read_flow_runs(flow_run_filter=wanted):
                print(f"{run.name} of a retrain that was killed is cancelled: flow run {run.id}", flush=True)
                prefect.set_flow_run_state(run.id, Cancelling())
            while left := prefect.read_flow_runs(flow_run_filter=wanted):
                if time.monotonic() > ends_s:
                    raise ValueError(
                        f"{', '.join(run.name for run in left)} of an earlier retrain cannot be cancelled: "
                        f"`prefect flow-run ls` shows it, `prefect flow-run delete {left[0].id}` forgets it"
                    )
                time.sleep(LOOK_S)

    def _start(self, stage: Planned) -> UUID:
        from prefect.client.schemas.objects import FlowRun
        from prefect.deployments import run_deployment

        pool, home = "gpu" if stage.uses_device else "cpu", unfinished.home()
        if not online_workers(pool, api_url=self._url):
            raise ValueError(f"{stage.name} has nowhere to run: `prefect worker start --pool {pool}` starts a worker")
        parameters = {
            "stage": stage.name, "reads": list(stage.reads), "home": home,
            "gpus": self._gpus if stage.uses_device else 0,
        }  # fmt: skip
        with self._starts:
            if self._stopped.is_set():
                raise ValueError(f"{stage.name} was not started: this run was stopped")
            run = run_deployment(
                f"stage/{pool}", parameters=parameters, flow_run_name=stage.name, timeout=0, tags=[home]
            )
            assert isinstance(run, FlowRun), "a coroutine is for callers that are async"
            self._running.add(run.id)
        print(f"{stage.name} is sent to pool {pool}: flow run {run.id}", flush=True)
        return run.id

    def _follow(self, stage: Planned, run: UUID) -> "State":
        with client(self._url) as prefect:
            while True:
                state = prefect.read_flow_run(run).state
                if state is not None and state.is_final():
                    break
                if self._stopped.wait(LOOK_S):
                    raise ValueError(f"{stage.name} was stopped with this run")
        self._running.discard(run)
        return state
