from pathlib import Path

import pytest
from report_world import write_run


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project in `tmp_path` that was evaluated."""
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.chdir(tmp_path)  # DVC takes paths from here
    monkeypatch.delenv("SAR_TEXT_STATE", raising=False)
    write_run(tmp_path)
    return tmp_path
