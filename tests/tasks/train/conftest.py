from pathlib import Path

import pytest
from train_world import settings, write_text

from tasks import params


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> params.Params:
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.setenv("SAR_TEXT_STATE", str(tmp_path / ".state"))
    for modality in ("optical", "sar"):
        write_text(modality, "train", 20, seed=1)
        write_text(modality, "val", 8, seed=2)
    return settings()
