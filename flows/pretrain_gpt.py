"""Pretrain SAR-GPT: stage 0, its projector learns from optical captions; stage 1, it learns from optical questions.

In   models/optical/clip/, data/optical_text/, the shards of its sources
Out  models/optical/gpt/{model.safetensors,config.json,training.json}
Run  python -m flows.pretrain_gpt              (what `dvc repro pretrain_gpt` runs)
"""

from prefect import flow

from flows.gpt_training import train
from flows.launch import launch


@flow(name="pretrain_gpt", flow_run_name="pretrain_gpt")
def pretrain_gpt() -> None:
    train("pretrain_gpt", "optical")


if __name__ == "__main__":
    launch(pretrain_gpt)
