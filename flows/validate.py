"""Validate: the captions of a modality pass the Great Expectations gate, or go to quarantine with the reason.

In   data/text/<text>/ and data/sources/<text>/ of the text's sources, data/groups/ of all
Out  data/<modality>_text/, metrics/validate_<modality>.json; Data Docs below .state/data_docs
Run  python -m flows.validate sar              (what `dvc repro validate@sar` runs)
"""

from dataclasses import asdict

from prefect import flow

from flows.stage import main, step, table
from tasks import paths, tracking
from tasks.params import load


@flow(name="validate", flow_run_name="validate@{modality}")
def validate(modality: str) -> None:
    from tasks.validate.stage import validate_text

    params = load()
    stage = f"validate@{modality}"
    with tracking.run(stage, experiment=params.tracking.experiment, settings=asdict(params.validate)) as run:
        summary = step(validate_text)(modality, params=params)
        run.log(summary.metrics())
        run.artifact(paths.metrics(f"validate_{modality}"))
        run.artifact(paths.text(modality) / "README.md")
        table(stage, summary.rows(), description=f"What passed the gate of the {modality} text, and what did not")


if __name__ == "__main__":
    main(validate, "MODALITY")
