"""One stage of a retrain as a deployment run: `stage/cpu` and `stage/gpu` of prefect.yaml, started by a retrain.

In   what the stages that it reads wrote, in the retrain's worktree or on the DVC remote
Out  the outputs of the stage, at the same place
"""

from functools import partial

from prefect import flow

from flows import gpu


@flow(name="stage", flow_run_name="{stage}", log_prints=True)
def dvc_stage(stage: str, home: str, timeouts_s: dict[str, float], reads: list[str], gpus: int) -> None:
    from tasks.retrain import one_stage

    name = stage.partition("@")[0]
    if name not in timeouts_s:
        raise ValueError(f"prefect.yaml says in `timeouts_s` of no deployment of its pool how long {name} may take")
    with gpu.slots(gpus):
        one_stage.run(stage, home=home, reads=reads, timeout_s=timeouts_s[name], show=partial(print, flush=True))
