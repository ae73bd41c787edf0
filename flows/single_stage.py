"""Single stage: a model learns from SAR-TEXT alone, so that what the optical stage is worth shows beside it.

In   data/sar_text/, the shards of its sources
Out  models/sar/<model>/{model.safetensors,config.json,training.json}
Run  python -m flows.single_stage clip         (what `dvc repro single_stage@clip` runs)
"""

from prefect import flow

from flows.launch import launch
from flows.training import train


@flow(name="single_stage", flow_run_name="single_stage@{model}")
def single_stage(model: str) -> None:
    train("single_stage", "sar", model)


if __name__ == "__main__":
    launch(single_stage, "MODEL")
