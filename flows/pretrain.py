"""Pretrain: stage 1, a model learns from the optical text.

In   data/optical_text/, the shards of its sources
Out  models/optical/<model>/{model.safetensors,config.json,training.json}
Run  python -m flows.pretrain clip             (what `dvc repro pretrain@clip` runs)
"""

from prefect import flow

from flows.launch import launch
from flows.training import train


@flow(name="pretrain", flow_run_name="pretrain@{model}")
def pretrain(model: str) -> None:
    train("pretrain", "optical", model)


if __name__ == "__main__":
    launch(pretrain, "MODEL")
