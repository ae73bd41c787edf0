"""Narrate by model: SAR-RS-CoCa captions the images that have no annotation; only what can be trusted is kept.

In   models/two_stage/{coca,clip}/, data/sar_text/val.parquet, data/sources/sar/
Out  data/model_text/{captions.parquet,quarantine.parquet,report.json,README.md}
Run  python -m flows.narrate_model             (what `dvc repro narrate_model` runs)
"""

from dataclasses import asdict

from prefect import flow

from flows.stage import main, step, table
from tasks import tracking
from tasks.params import load


@flow(name="narrate_model", flow_run_name="narrate_model")
def narrate_model() -> None:
    from tasks.narrate.model_stage import narrate_model as caption_bare_images

    params = load()
    experiment, settings = params.tracking.experiment, asdict(params.model_text)
    with tracking.run("narrate_model", experiment=experiment, settings=settings) as run:
        summary = step(caption_bare_images)(params=params)
        run.log(summary.metrics())
        table("narrate_model", summary.rows(), description="Captions of images without annotation")


if __name__ == "__main__":
    main(narrate_model)
