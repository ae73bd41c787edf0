"""Finetune: stage 2, a model that knows optical remote sensing learns from SAR-TEXT.

In   models/optical/<model>/, data/sar_text/, the shards of its sources
Out  models/two_stage/<model>/{model.safetensors,config.json,training.json}
Run  python -m flows.finetune clip             (what `dvc repro finetune@clip` runs)
"""

from prefect import flow

from flows.launch import launch
from flows.training import train


@flow(name="finetune", flow_run_name="finetune@{model}")
def finetune(model: str) -> None:
    train("finetune", "two_stage", model)


if __name__ == "__main__":
    launch(finetune, "MODEL")
