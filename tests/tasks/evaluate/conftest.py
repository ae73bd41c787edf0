from pathlib import Path

import pytest
from evaluate_world import write_models, write_project

from tasks.params import Params


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Params:
    """Settings of a project in `tmp_path` without models."""
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    return write_project(tmp_path)


@pytest.fixture
def trained(project: Params, monkeypatch: pytest.MonkeyPatch) -> Params:
    """Settings of a project with models; a handful of images is enough to be asked about."""
    monkeypatch.setattr("sar_models.metrics.vqa.LEAST_IMAGES", 3)
    write_models(project)
    return project
