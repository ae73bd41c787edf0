"""What a user can set or type is documented where they look for it."""

import dataclasses
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sar_models.settings import Hardware, Training

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("flows", "tasks", "sar_models")


def test_every_environment_variable_is_in_the_table() -> None:
    pattern = re.compile(
        r"""environ(?:\.get\(|\[|\.setdefault\()\s*["']([A-Z_]+)["']|["']((?:SAR_TEXT|PET)_[A-Z_]+)["']"""
    )
    used = {
        next(filter(None, match))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        for match in pattern.findall(path.read_text(encoding="utf-8"))
    }
    not_for_users = {
        "PATH",
        "PYTHONPATH",
        "RANK",
        "WORLD_SIZE",
        "LOCAL_RANK",
        "CUBLAS_WORKSPACE_CONFIG",
    }  # torchrun's and CUDA's own
    table = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert {"SAR_TEXT_STATE", "PREFECT_API_URL"} <= used
    assert {name for name in used - not_for_users if f"`{name}`" not in table} == set()


@pytest.mark.parametrize("document", ["README.md", "docs/operations.md"])
def test_documented_make_targets_and_commands_exist(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z][a-z0-9-]*):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    assert {name for name in re.findall(r"`?\bmake ([a-z][a-z-]+)\b", text) if name not in targets} == set()
    helped = subprocess.run(
        [sys.executable, "-m", "flows.cli", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    commands = set(re.findall(r"^    ([a-z][a-z-]+) ", helped, flags=re.MULTILINE))
    assert {name for name in re.findall(r"\bsar-text ([a-z][a-z-]+)\b", text) if name not in commands} == set()


@pytest.mark.parametrize("settings", [Training, Hardware])
def test_every_option_of_training_is_documented(settings: type) -> None:
    text = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    assert {field.name for field in dataclasses.fields(settings) if f"`{field.name}`" not in text} == set()


def test_every_make_target_has_a_line_of_help() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = re.findall(r"^\.PHONY: (\S+)", makefile, flags=re.MULTILINE)
    helped = re.findall(r"^([a-z][a-z0-9-]*):.*## \S", makefile, flags=re.MULTILINE)
    assert phony
    assert set(phony) == set(helped)
