"""Evaluate: every variant of every model on every test set, with intervals, plots and a page of captions.

In   data/{optical,sar}_text/{test,test_questions,train_questions}.parquet, models/{optical,sar,two_stage}/*/
Out  metrics/evaluate.json, metrics/compare.json, plots/
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
        run.log(summary.metrics())
        for artifact in (paths.metrics("evaluate"), paths.metrics("compare"), paths.plots()):
            run.artifact(artifact)
        run.artifact(step(write_report)())
        table("evaluate", summary.rows(), description="Mean recall, CIDEr and exact match with 95 % intervals")


if __name__ == "__main__":
    main(evaluate)
