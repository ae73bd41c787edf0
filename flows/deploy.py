"""What the Prefect server is told: pools, limits, deployments of prefect.yaml, and what to do when a run falls silent.

Telling it again changes nothing that is as it should be.
"""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from flows import gpu
from tasks import paths

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.responses import DeploymentResponse
    from prefect.events.schemas.automations import AutomationCore

AGAIN_AFTER = timedelta(seconds=10)  # by then the place of the crashed run is free
COUNTED = "crashes"
ENDS = ("Completed", "Failed", "Cancelled", "Crashed")


def deploy(*, pools: Sequence[str], api_url: str, silence_s: float, environment: Mapping[str, str]) -> None:
    """Make pools and limits, deploy prefect.yaml, and set the automations. Raises `ValueError` when Prefect refuses."""
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.exceptions import ObjectAlreadyExists
    from prefect.workers.process import ProcessWorker

    with client(api_url) as prefect:
        for pool in pools:
            template = ProcessWorker.get_default_base_job_template()
            try:
                prefect.create_work_pool(WorkPoolCreate(name=pool, type="process", base_job_template=template))
            except ObjectAlreadyExists:
                continue
        prefect.upsert_global_concurrency_limit_by_name(gpu.limit_name(), gpu.count())
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"]
    # left open here, `{{ $SAR_TEXT_ROOT }}` is each worker's own; else it would be this clone for all of them
    told = {name: value for name, value in environment.items() if name != "SAR_TEXT_ROOT"}
    answer = subprocess.run(command, cwd=paths.root(), env=told, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        raise ValueError(f"prefect.yaml could not be deployed:\n{(answer.stdout + answer.stderr)[-4000:]}")
    with client(api_url) as prefect:
        again = [each for each in prefect.read_deployments() if COUNTED in each.parameters]
        for automation in [_silent_run_crashed(silence_s), *map(_crashed_run_again, again)]:
            known = prefect.read_automations_by_name(automation.name)
            if known:
                prefect.update_automation(known[0].id, automation)
            else:
                prefect.create_automation(automation)


def _silent_run_crashed(silence_s: float) -> "AutomationCore":
    """A run whose process or machine died says nothing any more: it becomes Crashed."""
    from prefect.client.schemas.objects import StateType
    from prefect.events.actions import ChangeFlowRunState
    from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture

    said = "no heartbeat: its process is gone"
    runs: dict[str, Any] = {"prefect.resource.id": "prefect.flow-run.*"}
    return AutomationCore(
        name="a silent run has crashed",
        description=f"no heartbeat for {silence_s:.0f} s: its process, worker or machine is gone",
        trigger=EventTrigger(
            match=runs, for_each={"prefect.resource.id"}, posture=Posture.Proactive, threshold=1,
            within=timedelta(seconds=silence_s), after={"prefect.flow-run.heartbeat"},
            expect={"prefect.flow-run.heartbeat", *(f"prefect.flow-run.{end}" for end in ENDS)},
        ),
        actions=[ChangeFlowRunState(name="Crashed", state=StateType.CRASHED, message=said, force=False)],
    )  # fmt: skip


def _crashed_run_again(deployment: "DeploymentResponse") -> "AutomationCore":
    """A crashed run of `deployment` is run again as it was asked for; its `crashes` counts (flows/crashes.py)."""
    from prefect.events.actions import RunDeployment
    from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture

    runs: dict[str, Any] = {"prefect.resource.id": "prefect.flow-run.*"}
    of_it: dict[str, Any] = {
        "prefect.resource.role": "deployment", "prefect.resource.id": f"prefect.deployment.{deployment.id}"
    }  # fmt: skip
    parameters = {name: f"{{{{ flow_run.parameters['{name}'] }}}}" for name in deployment.parameters}
    parameters[COUNTED] = f"{{{{ (flow_run.parameters['{COUNTED}'] + 1) }}}}"  # Prefect puts `| tojson` behind
    return AutomationCore(
        name=f"a crashed {deployment.name} is started again",
        description="three times in a row at most, which it counts itself",
        trigger=EventTrigger(
            match=runs, match_related=of_it, posture=Posture.Reactive, threshold=1, expect={"prefect.flow-run.Crashed"}
        ),
        actions=[
            RunDeployment(
                source="selected", deployment_id=deployment.id, parameters=parameters, job_variables=None,
                schedule_after=AGAIN_AFTER,
            )
        ],
    )  # fmt: skip


def online_workers(pool: str, *, api_url: str) -> list[str]:
    """Names of the workers that poll `pool` now; empty where there is no such pool."""
    from prefect.client.schemas.objects import WorkerStatus
    from prefect.exceptions import ObjectNotFound

    with client(api_url) as prefect:
        try:
            found = prefect.read_workers_for_work_pool(pool)
        except ObjectNotFound:
            return []
    return [worker.name for worker in found if worker.status == WorkerStatus.ONLINE]


def client(api_url: str) -> "SyncPrefectClient":
    """Prefect's client, of the server at `api_url`."""
    from prefect.client.orchestration import SyncPrefectClient

    return SyncPrefectClient(api_url, auth_string=os.environ.get("PREFECT_API_AUTH_STRING"))
