"""Narrate pairs: the optical image of each pair of one source is captioned, the caption rewritten for the SAR image.

In   data/sources/sar/<source>/, models/optical/coca/, data/optical_text/
Out  data/text/sar/<source>.pairs/{captions.parquet,report.json}
Run  python -m flows.narrate_pairs sim_pairs   (what `dvc repro narrate_pairs@sim_pairs` runs)
"""

from dataclasses import asdict

from prefect import flow

from flows.stage import main, step, table
from tasks import tracking
from tasks.params import load


@flow(name="narrate_pairs", flow_run_name="narrate_pairs@{source}")
def narrate_pairs(source: str) -> None:
    from tasks.narrate.pair_stage import narrate_pairs as narrate_source_pairs

    params = load()
    stage = f"narrate_pairs@{source}"
    with tracking.run(stage, experiment=params.tracking.experiment, settings=asdict(params.pairs)) as run:
        summary = step(narrate_source_pairs)(source, params=params)
        run.log(summary.metrics())
        table(stage, summary.rows(), description=f"Captions of the pairs of {source}")


if __name__ == "__main__":
    main(narrate_pairs, "SOURCE")
