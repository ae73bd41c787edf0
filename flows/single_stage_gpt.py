"""Single stage of SAR-GPT: it learns from the SAR questions alone, behind the image tower of a CLIP that did likewise.

In   models/sar/clip/, data/sar_text/, the shards of its sources
Out  models/sar/gpt/{model.safetensors,config.json,training.json}
Run  python -m flows.single_stage_gpt          (what `dvc repro single_stage_gpt` runs)
"""

from prefect import flow

from flows.gpt_training import train
from flows.launch import launch


@flow(name="single_stage_gpt", flow_run_name="single_stage_gpt")
def single_stage_gpt() -> None:
    train("single_stage_gpt", "sar")


if __name__ == "__main__":
    launch(single_stage_gpt)
