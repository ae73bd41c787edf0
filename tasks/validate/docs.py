"""The Data Docs of a modality's text, for `make docs-data`."""

from pathlib import Path

from tasks import paths
from tasks.params import Params
from tasks.validate import features, question_suite, questions, suites


def index(modality: str, *, params: Params) -> Path:
    """The first page of the Data Docs, made anew unless they are of the inputs as they lie here.

    They live outside the DVC outputs, so after `dvc checkout`, or a stage that DVC took from its cache, they are absent
    or of another version. Raises `ValueError` when an input is missing.
    """
    docs = paths.data_docs(modality)
    stamp = docs / suites.STAMP
    if not stamp.is_file() or stamp.read_text(encoding="utf-8") != features.digest(modality, params=params):
        tables = features.assemble(modality, params=params)
        judged = (question_suite.question_checks(modality=modality), questions.assemble(tables).rows)
        suites.run(tables, settings=params.validate, docs=docs, questions=judged)
    return docs / "index.html"
