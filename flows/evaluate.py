"""Evaluate: every variant of every model on every test set, with intervals, plots and a page of captions.

In   data/{optical,sar}_text/, data/sources/, models/{optical,sar,two_stage}/*/
Out  metrics/{evaluate,compare,hygiene,zero_shot,slices}.json, data/predictions/, plots/
Run  python -m flows.evaluate                  (what `dvc repro evaluate` runs)
"""

from dataclasses import asdict

from prefect import flow

from flows.stage import main, step, table
from tasks import paths, tracking
from tasks.params import load


@flow(name="evaluate", flow_run_name="evaluate")
def evaluate() -> None:
    from tasks.evaluate.stage import evaluate as evaluate_models
    from tasks.report.page import write as write_report

    params = load()
    with tracking.run("evaluate", experiment=params.tracking.experiment, settings=asdict(params.evaluate)) as run:
        summary = step(evaluate_models)(params=params, log=run.log)
        for (model, data), metrics in summary.metrics().items():
            run.log_of(metrics, model=model, data=data)
        for name in ("evaluate", "compare", "hygiene", "zero_shot", "slices"):
            run.artifact(paths.metrics(name))
        run.artifact(paths.plots())
        run.artifact(step(write_report)())
        table("evaluate", summary.rows(), description="Mean recall, CIDEr and exact match with 95 % intervals")


if __name__ == "__main__":
    main(evaluate)
