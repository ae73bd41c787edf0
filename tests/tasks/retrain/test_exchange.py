"""Two clones that hand a stage over by git and a DVC remote; what is refused before."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tasks.retrain import exchange, one_stage, unfinished

DVC_YAML = """
stages:
  first: {cmd: cat in > first.out, deps: [in], outs: [first.out]}
  second:
    cmd: cat first.out > second.out; echo 2 > second.json
    deps: [first.out]
    outs: [second.out]
    metrics: [second.json: {cache: false}]
"""


def call(folder: Path, *command: str) -> str:
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def dvc(folder: Path, *arguments: str) -> str:
    return call(folder, sys.executable, "-m", "dvc", *arguments)


@pytest.fixture
def clones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    call(one, "git", "init", "--quiet")
    dvc(one, "init", "--quiet")
    dvc(one, "remote", "add", "--default", "storage", str(tmp_path / "storage"))
    (one / "dvc.yaml").write_text(DVC_YAML)
    (one / "in").write_text("in\n")
    with (one / ".gitignore").open("a") as ignored:
        ignored.write("/.state\n/first.out\n/second.out\n")
    call(one, "git", "add", "--all")
    call(one, "git", *exchange.WHO, "commit", "--quiet", "--message=start")
    call(tmp_path, "git", "clone", "--quiet", "--bare", str(one), "between.git")
    call(one, "git", "remote", "add", "hub", str(tmp_path / "between.git"))
    call(tmp_path, "git", "clone", "--quiet", "--origin=hub", str(tmp_path / "between.git"), str(other))
    for name in ("DVC_ROOT", "SAR_TEXT_STATE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SAR_TEXT_GIT_REMOTE", "hub")
    return one, other


def test_a_stage_goes_to_another_machine_and_comes_back(
    clones: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = clones
    monkeypatch.chdir(one)
    home, tree = unfinished.home(), unfinished.tree()
    call(one, "git", "worktree", "add", "--quiet", "--detach", str(tree))
    said: list[str] = []
    one_stage.run("first", home=home, reads=[], timeout_s=300, show=said.append)
    assert "Running stage 'first':" in said
    assert (tree / "first.out").read_text() == "in\n"
    exchange.offer("second", reads=["first"])

    monkeypatch.chdir(other)
    assert unfinished.home() != home
    one_stage.run("second", home=home, reads=["first"], timeout_s=300, show=said.append)
    assert not exchange.own_tree("second").exists()
    assert len([line for line in said if line.startswith("Running stage")]) == 2

    monkeypatch.chdir(one)
    exchange.take("second")
    assert (tree / "second.out").read_text() == "in\n"
    assert (tree / "second.json").read_text() == "2\n"
    assert list(yaml.safe_load((tree / "dvc.lock").read_text())["stages"]) == ["first", "second"]
    assert "up to date" in dvc(tree, "status")
    assert call(one, "git", "ls-remote", "hub", "refs/sar-text/*") == ""
    assert call(other, "git", "for-each-ref", "refs/sar-text") == ""


def test_a_retrain_elsewhere_needs_remotes(clones: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(clones[1])
    asked = {"home": "0" * 32, "reads": ["first"], "timeout_s": 60.0, "show": print}
    monkeypatch.delenv("SAR_TEXT_GIT_REMOTE")
    with pytest.raises(ValueError, match="second is of a retrain on another machine: set SAR_TEXT_GIT_REMOTE"):
        one_stage.run("second", **asked)
    dvc(clones[1], "remote", "remove", "storage")
    monkeypatch.setenv("SAR_TEXT_GIT_REMOTE", "hub")
    with pytest.raises(ValueError, match="no DVC remote is: `dvc remote add"):
        one_stage.run("second", **asked)


@pytest.mark.parametrize("name", ["--force", "a;b", "a b", "", "a@", "a@-b", "a/b"])
def test_what_is_no_stage_never_reaches_a_command(name: str) -> None:
    with pytest.raises(ValueError, match="is no name of a stage"):
        one_stage.run(name, home="0" * 32, reads=[], timeout_s=1.0, show=print)
    with pytest.raises(ValueError, match="is no name of a stage"):
        one_stage.run("good", home="0" * 32, reads=[name], timeout_s=1.0, show=print)


def test_what_is_no_place_of_a_retrain_is_refused() -> None:
    with pytest.raises(ValueError, match="is no place of a retrain"):
        one_stage.run("good", home="../../x", reads=[], timeout_s=1.0, show=print)


@pytest.mark.parametrize("name", ["--upload-pack=x", "https://host/x", "a b"])
def test_what_is_no_remote_of_git_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAR_TEXT_GIT_REMOTE", name)
    with pytest.raises(ValueError, match="name a remote of git"):
        exchange.git_remote()
