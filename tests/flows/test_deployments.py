"""prefect.yaml names flows that are there, with parameters that they take."""

from pathlib import Path

import pytest
import yaml
from prefect.client.schemas.schedules import CronSchedule
from prefect.flows import load_flow_from_entrypoint

from flows.crashes import MOST, check
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


def test_every_stage_has_a_time_and_the_pool_of_its_kind() -> None:
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    on_device = {name for name, stage in stages.items() if "hardware" in stage.get("do", stage).get("params", [])}
    deployments = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
    timeouts_s = {
        each["name"]: each["parameters"]["timeouts_s"] for each in deployments if "dvc_stage" in each["entrypoint"]
    }
    assert timeouts_s["gpu"].keys() == on_device
    assert timeouts_s["cpu"].keys() == stages.keys() - on_device
    assert all(seconds > 0 for pool in timeouts_s.values() for seconds in pool.values())


def test_what_crashes_time_and_again_is_given_up() -> None:
    for crashes in range(MOST):
        check(crashes)
    with pytest.raises(ValueError, match="crashed 3 times in a row"):
        check(MOST)
