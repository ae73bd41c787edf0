"""The stages of a retrain that are out of date, then the registry: in the retrain's worktree, which starts this.

Each stage is a deployment run on a worker of its pool where `PREFECT_API_URL` names a server with `stage/cpu` and
`stage/gpu`; else all run here, as in `make repro`.

Run  python -m flows.retrain_stages
"""

from prefect import flow

from flows.on_workers import at_hand
from flows.repro import dvc_repro, register_built
from flows.stage import main, step


@flow(name="retrain_stages", flow_run_name="stages of a retrain")
def retrain_stages() -> None:
    step(dvc_repro)(on_workers=at_hand())
    register_built()


if __name__ == "__main__":
    main(retrain_stages)
