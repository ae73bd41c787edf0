"""Each test gets a project folder of its own."""

from collections.abc import Callable
from pathlib import Path

import pytest
from validate_world import World


@pytest.fixture
def make_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], World]:
    """A world in a folder of its own, which becomes the project's root."""

    def make(folder: str) -> World:
        root = tmp_path / folder
        root.mkdir()
        monkeypatch.setenv("DVC_ROOT", str(root))
        monkeypatch.setenv("SAR_TEXT_STATE", str(root / ".state"))
        return World(root)

    return make


@pytest.fixture
def world(make_world: Callable[[str], World]) -> World:
    return make_world("project")
