"""The whole round on a real installation, typed from docs/operations.md: each test is the next part of it.

Servers, workers, schedule, S3-protocol server and trainings are real, the images few. `make scenario` runs it; it takes
about half an hour.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from prefect.client.schemas.filters import FlowFilter, FlowFilterName
from prefect.client.schemas.objects import FlowRun
from walk import Shell

from benchmarks.faults import promises, registry
from flows.deploy import client
from flows.server import free_port

pytestmark = pytest.mark.scenario
MODELS = ("sar-rs-clip", "sar-rs-coca", "sar-gpt")
RETRAIN_LIMIT_S, LOOK_S = 3600.0, 2.0


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    typed = Shell(tmp_path_factory.mktemp("round"), replace={"5055": str(free_port())})
    typed.type("A project to practise with")
    try:
        yield typed
    finally:
        typed.type("The end")


def test_the_first_models_are_built_by_a_worker_and_a_person_makes_them_champions(shell: Shell) -> None:
    shell.type("The installation and the first models")
    (pipeline,) = runs(shell, "repro")
    assert (pipeline.state_name, pipeline.work_pool_name) == ("Completed", "gpu")
    assert champions(shell) == dict.fromkeys(MODELS, "1")


def test_the_schedule_fires_and_new_images_make_a_better_champion(shell: Shell) -> None:
    shell.type("New images, and the schedule")
    fired = retrained(shell, number=1)
    assert fired.auto_scheduled
    assert (fired.state_name, fired.work_pool_name) == ("Completed", "gpu")
    pools = {run.name: run.work_pool_name for run in runs(shell, None) if run.work_pool_name and "@" in run.name}
    assert pools["download@vehicles"] == pools["narrate@vehicles"] == pools["validate@sar"] == "cpu"
    assert pools["finetune@clip"] == pools["finetune@coca"] == "gpu"

    said = shell.type("A better champion")
    assert "| vehicles | 240 | 0 | 0 |" in said
    after = champions(shell)
    for model in MODELS:
        passed = tags(shell, model, "2")["gate.decision"] == "passed"
        assert after[model] == ("2" if passed else "1")
    assert after["sar-rs-clip"] == after["sar-rs-coca"] == "2", "it can tell the vehicles apart now"
    assert not promises.registered(registry.read(state(shell)))


def test_a_worse_model_is_refused(shell: Shell) -> None:
    before = champions(shell)
    said = shell.type("A worse model")
    assert "sar-rs-coca version 3 against version 2: **refused**" in said
    worse = tags(shell, "sar-rs-coca", "3")
    assert (worse["gate.decision"], worse["gate.against"]) == ("refused", "2")
    assert "not above the margin" in worse["gate.reasons"]
    assert champions(shell) == before
    assert not promises.registered(registry.read(state(shell)))


def test_a_withdrawn_source_is_gone(shell: Shell) -> None:
    learned = [(version.name, version.number) for version in registry.read(state(shell)).versions]
    shell.type("A source is withdrawn")
    for model, number in learned:
        assert json.loads(tags(shell, model, number)["withdrawn"])["what"] == "sim_ships"
    assert champions(shell) == {}
    kept = {(version.name, version.number): version.weights for version in registry.read(state(shell)).versions}
    assert {kept[version] for version in learned} == {"0 sets of weights"}, "they are deleted"

    assert retrained(shell, number=3).state_name == "Completed"
    said = shell.type("It is gone")
    assert "withdrawn, and" not in said
    now = champions(shell)
    assert set(now) >= {"sar-rs-clip"}
    assert not set(now.items()) & set(learned)
    audit = json.loads(shell.answer("sar-text audit sar-rs-clip@champion --json 2>/dev/null"))
    assert audit["findings"] == []
    impact = json.loads(shell.answer("sar-text impact --source sim_ships --json 2>/dev/null || true"))
    assert impact["current"] == {}
    assert not any(f"{model}/{number}" in impact["versions"] for model, number in now.items())
    found = registry.read(state(shell))
    sound = tuple(version for version in found.versions if "withdrawn" not in version.tags)
    assert not promises.registered(replace(found, versions=sound))


def state(shell: Shell) -> Path:
    return shell.cwd / ".state"


def champions(shell: Shell) -> dict[str, str]:
    """Model → version."""
    aliases = registry.read(state(shell)).aliases
    return {model: named["champion"] for model, named in aliases.items() if "champion" in named}


def tags(shell: Shell, model: str, number: str) -> dict[str, str]:
    found = registry.read(state(shell)).versions
    return next(version.tags for version in found if (version.name, version.number) == (model, number))


def runs(shell: Shell, name: str | None) -> list[FlowRun]:
    """Flow runs that began, of a flow or all."""
    of = FlowFilter(name=FlowFilterName(any_=[name])) if name else None
    with client(shell.variables["PREFECT_API_URL"]) as prefect:
        return [run for run in prefect.read_flow_runs(flow_filter=of) if run.start_time]


def retrained(shell: Shell, *, number: int) -> FlowRun:
    """The retrain with this number, from the first on, once it has ended."""
    ends_s = time.monotonic() + RETRAIN_LIMIT_S
    while time.monotonic() < ends_s:
        begun = sorted(runs(shell, "retrain"), key=lambda run: str(run.start_time))
        if len(begun) >= number and begun[number - 1].state.is_final():
            return begun[number - 1]
        time.sleep(LOOK_S)
    raise AssertionError(f"retrain {number} did not end in {RETRAIN_LIMIT_S:.0f} s")
