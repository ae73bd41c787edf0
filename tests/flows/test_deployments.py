"""prefect.yaml names flows that are there, with parameters that they take."""

from pathlib import Path

import yaml
from prefect.client.schemas.schedules import CronSchedule
from prefect.flows import load_flow_from_entrypoint

from flows.up import POOLS

ROOT = Path(__file__).resolve().parents[2]


def test_every_deployment_loads_its_flow() -> None:
    deployments = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
    assert deployments
    for deployment in deployments:
        path, name = deployment["entrypoint"].split(":")
        flow = load_flow_from_entrypoint(f"{ROOT / path}:{name}")
        pool = deployment["work_pool"]["name"]
        assert pool in POOLS
        assert deployment["name"] == {"repro": "pipeline", "stage": pool}.get(flow.name, flow.name)
        for schedule in deployment.get("schedules", []):
            CronSchedule(**schedule)
            assert schedule["timezone"]
        assert set(deployment.get("parameters", {})) <= set(flow.parameters.properties)
