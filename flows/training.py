"""What pretrain and finetune share: the launch of several processes, one step, its run in MLflow, its summary."""

import os
import subprocess
import sys
from dataclasses import asdict
from typing import Any, Literal

from flows.stage import main, step, table
from tasks import paths, tracking
from tasks.params import load


def train(flow_name: Literal["pretrain", "finetune"], stage: Literal["optical", "two_stage"], kind: str) -> None:
    """Train model `kind` into `models/<stage>/<kind>`, curves to MLflow as they come."""
    from tasks.train.stage import train_model

    params = load()
    model = params.model(kind)
    name = f"{flow_name}@{kind}"
    settings = {
        "architecture": model.architecture,
        "seed": params.seed,
        "hardware": asdict(params.hardware),
        flow_name: asdict(getattr(model, flow_name)),
    }
    with tracking.run(name, experiment=params.tracking.experiment, settings=settings) as run:
        summary = step(train_model)(stage, kind, params=params, log=run.log)
        run.log(summary.metrics())
        run.artifact(paths.model(stage, kind) / "training.json")
        table(name, summary.rows(), description=f"Training of {kind}, {stage}")


def launch(flow: Any) -> None:
    """`main` for a training stage: with `hardware.processes` above 1 it starts itself again under torchrun.

    Only the first of the processes reports to Prefect and MLflow.
    """
    processes = load().hardware.processes
    if processes == 1 or "RANK" in os.environ:
        main(flow, "MODEL")
        return
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    sys.exit(subprocess.run([*torchrun, "-m", f"flows.{flow.name}", *sys.argv[1:]], check=False).returncode)
