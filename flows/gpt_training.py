"""What pretrain_gpt, finetune_gpt and single_stage_gpt share: one step, its run in MLflow, its summary."""

from dataclasses import asdict
from typing import Literal

from flows.stage import step, table
from tasks import paths, tracking
from tasks.params import load


def train(flow_name: str, stage: Literal["optical", "sar", "two_stage"]) -> None:
    """Train SAR-GPT into `models/<stage>/gpt`, curves to MLflow as they come."""
    from tasks.train.gpt_stage import train_gpt

    params = load()
    settings = {"seed": params.seed, "hardware": asdict(params.hardware), "gpt": asdict(params.gpt)}
    with tracking.run(flow_name, experiment=params.tracking.experiment, settings=settings) as run:
        summary = step(train_gpt)(stage, params=params, log=run.log)
        run.log(summary.metrics())
        run.artifact(paths.model(stage, "gpt") / "training.json")
        table(flow_name, summary.rows(), description=f"Training of SAR-GPT, {stage}")
