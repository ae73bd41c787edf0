"""Repro: the whole pipeline as one flow on a worker, `dvc repro` and then the registry. The deployment in prefect.yaml.

DVC decides what runs; each stage that runs is a flow of its own on the same server.

Run  python -m flows.repro
"""

import os
import subprocess
import sys
from pathlib import Path

from prefect import flow

from flows.stage import main, step, table
from tasks import paths
from tasks.params import load


def dvc_repro() -> None:
    """Run `dvc repro` in the repository. Raises `ValueError` when a stage fails."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # `python` in dvc.yaml is this one
    command = [sys.executable, "-m", "dvc", "repro"]
    answer = subprocess.run(command, cwd=paths.root(), env={**os.environ, "PATH": path}, check=False)
    if answer.returncode != 0:
        raise ValueError("`dvc repro` failed; the stage's own message stands above")


@flow(name="repro", flow_run_name="repro")
def repro() -> None:
    from tasks.registry.register import register

    step(dvc_repro)()
    versions = step(register)(load())
    table("registered", [vars(version) for version in versions], description="Versions in the registry")


if __name__ == "__main__":
    main(repro)
