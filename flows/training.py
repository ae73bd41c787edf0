"""What pretrain, finetune and single_stage share: one step, its run in MLflow, its summary."""

from dataclasses import asdict
from typing import Literal

from flows.stage import step, table
from tasks import paths, tracking
from tasks.params import load


def train(flow_name: str, stage: Literal["optical", "sar", "two_stage"], kind: str) -> None:
    """Train model `kind` into `models/<stage>/<kind>`, curves to MLflow as they come."""
    from tasks.train.stage import train_model

    params = load()
    model = params.model(kind)
    name = f"{flow_name}@{kind}"
    recipe = "pretrain" if stage == "optical" else "finetune"
    settings = {
        "architecture": model.architecture,
        "start": asdict(model.start),
        "context_length": model.context_length,
        "seed": params.seed,
        "hardware": asdict(params.hardware),
        recipe: asdict(getattr(model, recipe)),
    }
    with tracking.run(name, experiment=params.tracking.experiment, settings=settings) as run:
        summary = step(train_model)(stage, kind, params=params, log=run.log)
        run.log(summary.metrics())
        run.artifact(paths.model(stage, kind) / "training.json")
        table(name, summary.rows(), description=f"Training of {kind}, {stage}")
