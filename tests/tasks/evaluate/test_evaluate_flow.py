"""The flow of evaluate leaves a report of what it measured."""

import json
import shutil

import pytest

from flows import evaluate
from tasks import paths
from tasks.params import Params


def test_the_flow_writes_the_report_of_what_it_measured(trained: Params, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SAR_TEXT_STATE", raising=False)
    monkeypatch.setattr(evaluate, "load", lambda: trained)
    for description in (paths.root() / "data" / "sources").glob("*/*/source.yaml"):
        kept = paths.source_file(description.parent.name)
        kept.parent.mkdir(exist_ok=True)
        shutil.copyfile(description, kept)
    evaluate.evaluate.fn()
    page = (paths.state() / "report" / "report.html").read_text(encoding="utf-8")
    measured = json.loads(paths.metrics("evaluate").read_text(encoding="utf-8"))
    assert f"{measured['sar/all']['two_stage']['mean_recall']['value']:.1f}" in page
    assert "The first right image is number 1." in page
    assert "the licence of real_ships is not known to allow redistribution use" in page
