"""Another profile in a small clone: built in its own worktree, results brought back, the default left as it was."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from clones import edit, run, small_clone, stages_run

pytestmark = pytest.mark.e2e


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A clone with a profile `tiny`: one source a text, its own names in MLflow."""
    folder = tmp_path_factory.mktemp("profile") / "clone"
    small_clone(folder)
    (folder / "profiles/tiny.yaml").write_text((folder / "params.yaml").read_text())
    edit(folder / "profiles/tiny.yaml", {
        "sources": {"sim_optical": "optical", "sim_ships": "sar"}, "pairs.sources": [], "model_text.sources": [],
        "tracking.experiment": "sar-text-tiny", "tracking.registry_suffix": "-tiny",
    })  # fmt: skip
    git(folder, "add", "--all")
    git(folder, "-c", "user.name=Test", "-c", "user.email=test@localhost", "commit", "--quiet", "--message=small")
    yield folder
    run(folder, "-m", "flows.cli", "down")


def test_a_profile_runs_beside_the_default_and_brings_its_results_back(clone: Path) -> None:
    lock = (clone / "dvc.lock").read_bytes()
    assert "download@sim_ships" in stages_run(run(clone, "-m", "flows.cli", "run", "tiny"))

    results = clone / "runs/tiny"
    measured = json.loads((results / "metrics/evaluate.json").read_text())
    assert {"optical/sim_optical", "sar/sim_ships"} <= set(measured)
    assert "simulated" in (results / "data_card_sar.md").read_text().lower()
    stages = yaml.safe_load((results / "dvc.lock").read_text())["stages"]
    assert {name for name in stages if name.startswith("download@")} == {"download@sim_optical", "download@sim_ships"}

    assert (clone / "dvc.lock").read_bytes() == lock
    assert not (clone / "models").exists()
    changed = {line[3:].split("/")[0] for line in git(clone, "status", "--porcelain").splitlines()}
    assert changed == {"runs"}

    from mlflow import MlflowClient

    store = f"sqlite:///{clone / '.state' / 'mlflow.db'}"
    client = MlflowClient(tracking_uri=store, registry_uri=store)  # else that of an earlier test
    registered = {model.name for model in client.search_registered_models()}
    assert registered == {"sar-rs-clip-tiny", "sar-rs-coca-tiny", "sar-gpt-tiny"}
    assert client.get_experiment_by_name("sar-text-tiny") is not None


def test_it_runs_only_what_changed_even_in_a_new_worktree(clone: Path) -> None:
    assert stages_run(run(clone, "-m", "flows.cli", "run", "tiny")) == set()
    shutil.rmtree(clone / ".state/tiny")
    assert stages_run(run(clone, "-m", "flows.cli", "run", "tiny")) == set()


def test_a_clone_that_was_moved_makes_its_worktree_anew(clone: Path) -> None:
    moved = clone.parent / "moved"
    run(clone, "-m", "flows.cli", "down")
    clone.rename(moved)
    try:
        assert stages_run(run(moved, "-m", "flows.cli", "run", "tiny")) == set()
    finally:
        run(moved, "-m", "flows.cli", "down")
        moved.rename(clone)


def test_an_unknown_profile_and_a_failing_step_are_one_line(clone: Path) -> None:
    unknown = run(clone, "-m", "flows.cli", "run", "unreal")
    assert unknown.returncode == 1
    assert "no profile 'unreal'; known: gpu, real, real_imagenet, tiny" in unknown.stderr
    (clone / "profiles/broken.yaml").write_text((clone / "profiles/tiny.yaml").read_text().replace("seed:", "sead:"))
    broken = run(clone, "-m", "flows.cli", "run", "broken")
    assert broken.returncode == 1
    assert re.fullmatch(
        r"error: \S+/profiles/broken.yaml: unknown key 'sead'; did you mean 'seed'\?.*\n", broken.stderr
    )
    assert not (clone / ".state/broken").exists()
    failing = run(clone, "-m", "flows.cli", "run", "tiny", SAR_TEXT_LANES="many")
    assert failing.returncode == 1
    assert "SAR_TEXT_LANES is 'many'" in failing.stderr
    assert failing.stderr.strip().splitlines()[-1].startswith("error: `flows.repro` failed")
