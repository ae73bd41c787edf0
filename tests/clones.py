"""A small clone of this repository, and commands run in it as a stranger would: shared by the tests of pipelines."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
SCENES = 30
SOURCES = ["sim_aircraft", "sim_bare", "sim_landcover", "sim_optical", "sim_pairs", "sim_ships", "sim_twins"]


def edit(path: Path, change: dict[str, Any]) -> None:
    """Set nested keys, such as `clip.pretrain.epochs`, in a YAML file."""
    content = yaml.safe_load(path.read_text())
    for key, value in change.items():
        *parents, last = key.split(".")
        place = content
        for parent in parents:
            place = place[parent]
        place[last] = value
    path.write_text(yaml.safe_dump(content, sort_keys=False))


def small_clone(folder: Path) -> None:
    """Clone into `folder`, with few scenes a source and one short epoch a model."""
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    for source in SOURCES:
        edit(folder / "sources" / f"{source}.yaml", {"simulate.scenes": SCENES})
    small = {"epochs": 1, "batch_size": 8, "warmup_steps": 1}
    edit(
        folder / "params.yaml",
        {
            **{f"{m}.{s}.{k}": v for m in ("clip", "coca") for s in ("pretrain", "finetune") for k, v in small.items()},
            **{f"gpt.{s}.{k}": v for s in ("align", "pretrain", "finetune") for k, v in small.items()},
            "evaluate.bootstrap_draws": 50,
            "evaluate.decoding": {"method": "greedy", "beams": 1, "max_tokens": 12, "batch_size": 64},
        },
    )


def environment(folder: Path) -> dict[str, str]:
    """For a process in the clone: its own state, tracking on, this Python."""
    inherited = {
        key: value
        for key, value in os.environ.items()
        if key not in ("PREFECT_API_URL", "MLFLOW_TRACKING_URI", "SAR_TEXT_STATE", "DVC_ROOT")
    }
    return inherited | {
        "SAR_TEXT_TRACKING": "on",
        "PYTHONPATH": str(folder),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }


def run(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run Python in the clone, with `more` in its environment."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder, env=environment(folder) | more, capture_output=True, text=True, check=False,
    )  # fmt: skip


def stages_run(answer: subprocess.CompletedProcess[str]) -> set[str]:
    """The DVC stages that ran. Fails the test, with what was printed, where the command failed."""
    assert answer.returncode == 0, answer.stdout[-4000:] + answer.stderr[-4000:]
    return set(re.findall(r"Running stage '([^']+)'", answer.stdout))
