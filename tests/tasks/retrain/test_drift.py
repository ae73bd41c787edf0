"""New data against the champion's, which a real registry names and a real DVC cache keeps."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from tasks import paths, records, tracking
from tasks.retrain.drift import report, total_variation
from tests.tasks.gate.gate_world import keep

ROOT = Path(__file__).resolve().parents[3]
NAME = "sar-rs-clip"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    from dvc.repo import Repo

    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.setenv("SAR_TEXT_STATE", str(tmp_path / ".state"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    Repo.init(str(tmp_path), no_scm=True).close()
    shutil.copyfile(ROOT / "params.yaml", tmp_path / "params.yaml")
    return tmp_path


def write(modality: str, images: dict[str, tuple[float, str, str]]) -> None:
    """Name → mean grey level, caption, class."""
    rows: list[dict[str, Any]] = []
    for name, (_, text, subject) in images.items():
        claim = {"kind": "count", "subject": subject, "value": "1"}
        rows.append({"record_id": name, "sha256": f"bytes of {name}", "text": text, "claims": [claim]})
    features = [{"record_id": name, "mean": mean} for name, (mean, _, _) in images.items()]
    shutil.rmtree(paths.text(modality), ignore_errors=True)  # links into the cache are not written through
    paths.text(modality).mkdir(parents=True)
    (paths.sources_data(modality) / "things").mkdir(parents=True, exist_ok=True)
    records.write(paths.text(modality) / "train.parquet", rows, schema=records.TEXT)
    records.write(paths.sources_data(modality) / "things" / "features.parquet", features, schema=records.FEATURES)


def test_it_tells_what_is_new_and_how_far_it_is(root: Path) -> None:
    client = tracking.client()
    client.create_registered_model(NAME)
    assert report(root) == [], "no champion"

    write("optical", {"a": (0.5, "a farm", "farm")})
    write("sar", {"a": (0.1, "two ships", "ship"), "b": (0.12, "two ships", "ship"), "c": (0.9, "gone", "ship")})
    digests = {f"dvc.data.{modality}": keep(paths.text(modality)) for modality in ("optical", "sar")}
    client.create_model_version(NAME, source=root.as_uri(), tags=digests)
    client.set_registered_model_alias(NAME, "champion", "1")
    images = {"a": (0.1, "two ships", "ship"), "b": (0.12, "two ships", "ship"), "d": (0.9, "two cranes", "crane")}
    write("sar", images)
    lines = report(root)
    assert lines[0] == f"Against the training data of {NAME} version 1."
    assert lines[-2:] == [
        "| optical | 0 | 0 | none | none | none |",
        "| sar | 1 | 1 | 1.000 | 1.000 | 0.600 |",  # champion's words: two and ships 2/5 each, gone 1/5
    ]

    shutil.rmtree(root / ".dvc" / "cache")
    assert len(report(root)) == 1
    assert "learned from cannot be had" in report(root)[0]


def test_total_variation_by_hand() -> None:
    assert total_variation({"a": 1, "b": 1}, {"b": 4}) == 0.5
    assert total_variation({"a": 3}, {"a": 1}) == 0.0
    assert total_variation({}, {"a": 1}) is None
