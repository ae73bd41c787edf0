"""Download: one source becomes records, features and shards.

In   sources/<source>.yaml, and what it points to (or the simulated world)
Out  data/sources/<text>/<source>/{records.parquet,features.parquet,shards/,source.yaml}, data/groups/<source>.parquet
Run  python -m flows.download sim_ships        (what `dvc repro download@sim_ships` runs)
"""

from prefect import flow

from flows.stage import main, step, table
from tasks import tracking
from tasks.params import load


@flow(name="download", flow_run_name="download@{source}")
def download(source: str) -> None:
    from tasks.download.stage import download_source

    stage = f"download@{source}"
    with tracking.run(stage, experiment=load().tracking.experiment) as run:
        summary = step(download_source)(source)
        run.log(summary.metrics())
        table(stage, summary.rows(), description=f"What {source} holds")


if __name__ == "__main__":
    main(download, "SOURCE")
