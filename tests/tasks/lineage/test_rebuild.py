"""A version is built anew by DVC itself, in a small project of three stages, one of which may tell the time."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from tasks import paths, worktree
from tasks.lineage.full import full_audit
from tasks.lineage.rebuild import other_packages
from tasks.lineage.versions import load_all
from tasks.lock import output_digests
from tests.tasks.lineage.conftest import Register, version_of

pytestmark = pytest.mark.e2e
STAGES = """
stages:
  download:
    foreach: [ships]
    do:
      cmd: python build.py sources/${item}.yaml data/sources/sar/${item}/source.yaml
      deps: ['sources/${item}.yaml']
      outs: ['data/sources/sar/${item}']
  finetune:
    foreach: [clip]
    do:
      cmd: python build.py data/sources/sar/ships/source.yaml models/two_stage/${item}/model.safetensors
      deps: [data/sources/sar/ships]
      outs: ['models/two_stage/${item}']
  evaluate:
    cmd: python build.py models/two_stage/clip/model.safetensors metrics/evaluate.json
    deps: [models/two_stage/clip]
    outs: [{metrics/evaluate.json: {cache: false}}]
"""
BUILD = """
import os, sys
from pathlib import Path
read, write = map(Path, sys.argv[1:])
write.parent.mkdir(parents=True, exist_ok=True)
text = read.read_text() if read.suffix != ".safetensors" else "{}"
write.write_text(text + (str(os.getpid()) if "CLOCK" in text and "models" in sys.argv[2] else ""))
"""
WHO = ("-c", "user.name=Ada", "-c", "user.email=ada@localhost")


def project(root: Path, *, description: str) -> None:
    """Built by DVC, and committed."""
    for name, text in {"dvc.yaml": STAGES, "build.py": BUILD, "sources/ships.yaml": description,
                       ".gitignore": "/data\n/models\n", "requirements.lock": "pytest==0.1\n"}.items():  # fmt: skip
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    worktree.git("init", "--quiet", "--initial-branch=main", cwd=root)
    for command in (["init", "--quiet"], ["repro", "--quiet"]):
        subprocess.run([sys.executable, "-m", "dvc", *command], cwd=root, env=worktree.environment(), check=True)
    worktree.git("add", "--all", cwd=root)
    worktree.git(*WHO, "commit", "--quiet", "--message=built", cwd=root)


@pytest.mark.parametrize("description", ["title: ships\n", "title: CLOCK\n"])
def test_stages_come_out_equal_or_are_named(
    description: str, tmp_path: Path, registry: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "project"
    monkeypatch.setenv("DVC_ROOT", str(root))
    monkeypatch.setenv("SAR_TEXT_STATE", str(tmp_path / "state"))
    root.mkdir()
    project(root, description=description)
    registry(version_of(output_digests(), commit=worktree.git("rev-parse", "HEAD", cwd=root)), metrics={})
    result = full_audit(load_all()[0], verified=False, rebuilt=True)
    assert result.rebuilt is not None
    is_sound = "CLOCK" not in description
    assert {stage["stage"]: stage["equal"] for stage in result.rebuilt} == {
        "download@ships": True,
        "finetune@clip": is_sound,
    }
    other = [finding for finding in result.findings if "rebuilt, finetune@clip wrote another models/" in finding]
    assert bool(other) != is_sound
    assert any("pytest" in note and "for 0.1" in note for note in result.notes)
    assert not list(paths.state().glob("rebuild-*"))
    assert "rebuild-" not in worktree.git("worktree", "list", cwd=root)


def test_what_cannot_be_built_is_a_finding(tmp_path: Path, registry: Register, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "project"
    monkeypatch.setenv("DVC_ROOT", str(root))
    root.mkdir()
    project(root, description="title: ships\n")
    (root / "build.py").write_text("raise SystemExit(1)")
    worktree.git(*WHO, "commit", "--quiet", "--all", "--message=broken", cwd=root)
    registry(version_of(output_digests(), commit=worktree.git("rev-parse", "HEAD", cwd=root)), metrics={})
    result = full_audit(load_all()[0], verified=False, rebuilt=True)
    assert any("it cannot be rebuilt from commit" in finding for finding in result.findings)
    assert result.rebuilt is None
    assert not list(paths.state().glob("rebuild-*"))


def test_packages_of_another_version_are_told() -> None:
    lines = f"pytest==0.1 \\\n    --hash=sha256:abc\ndvc=={version('dvc')} \\\nno-such==1 ; python_version > '3'\n"
    elsewhere = "pytest==0.2 ; sys_platform == 'win32' \\\n"
    assert other_packages((lines + elsewhere).encode()) == [
        f"pytest {pytest.__version__} for 0.1",
        "no-such missing for 1",
    ]
