"""Finetune SAR-GPT: stage 2, a SAR-GPT that knows optical images learns from the SAR questions.

In   models/optical/gpt/, models/two_stage/clip/, data/sar_text/, the shards of its sources
Out  models/two_stage/gpt/{model.safetensors,config.json,training.json}
Run  python -m flows.finetune_gpt              (what `dvc repro finetune_gpt` runs)
"""

from prefect import flow

from flows.gpt_training import train
from flows.launch import launch


@flow(name="finetune_gpt", flow_run_name="finetune_gpt")
def finetune_gpt() -> None:
    train("finetune_gpt", "two_stage")


if __name__ == "__main__":
    launch(finetune_gpt)
