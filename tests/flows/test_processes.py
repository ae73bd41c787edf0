"""A process that cannot start says where to look, and leaves nothing behind."""

import os
from pathlib import Path

import pytest

from flows import processes


def test_a_process_that_ends_at_once_names_its_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with pytest.raises(ValueError, match=rf"did not start, see {log}"):
        processes.start(
            "platform", ["--no-such", "--option"], file=tmp_path / "known.json", log=log,
            environment=dict(os.environ), address="nowhere", ready=lambda: False,
        )  # fmt: skip
    assert not (tmp_path / "known.json").exists()
