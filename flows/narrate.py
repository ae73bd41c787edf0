"""Narrate: the annotations of one source become captions, each with the facts that it claims.

In   data/sources/<text>/<source>/{records.parquet,source.yaml}
Out  data/text/<text>/<source>/captions.parquet
Run  python -m flows.narrate sim_ships         (what `dvc repro narrate@sim_ships` runs)
"""

from dataclasses import asdict

from prefect import flow

from flows.stage import main, step, table
from tasks import tracking
from tasks.params import load


@flow(name="narrate", flow_run_name="narrate@{source}")
def narrate(source: str) -> None:
    from tasks.narrate.stage import narrate_source

    params = load()
    stage = f"narrate@{source}"
    with tracking.run(stage, experiment=params.tracking.experiment, settings=asdict(params.narrate)) as run:
        summary = step(narrate_source)(source, params=params.narrate)
        run.log(summary.metrics())
        table(stage, summary.rows(), description=f"Captions of {source}")


if __name__ == "__main__":
    main(narrate, "SOURCE")
