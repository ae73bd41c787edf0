"""Where a retrain starts, that there is one at a time, and that names of revisions are names."""

import subprocess
import sys
from pathlib import Path

import pytest

from tasks import worktree
from tasks.retrain import steps, unfinished
from tasks.retrain.unfinished import Unfinished
from tasks.retrain.update import Changes


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), "-c", "user.name=Test", "-c", "user.email=test@localhost", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    monkeypatch.setenv("DVC_ROOT", str(root))
    monkeypatch.setenv("SAR_TEXT_STATE", str(tmp_path / "state"))
    git(root, "init", "--quiet", "--initial-branch=main")
    git(root, "commit", "--quiet", "--allow-empty", "--message=one")
    return root


@pytest.mark.parametrize(
    "revision",
    [
        "--upload-pack=touch hurt",
        "; touch hurt",
        "main; touch hurt",
        "$(touch hurt)",
        "`touch hurt`",
        "-q",
        "",
        "main\n",
    ],
)
def test_a_revision_cannot_be_an_option_or_a_command(project: Path, revision: str) -> None:
    with pytest.raises(ValueError, match="is no revision of git"):
        unfinished.start(revision)
    assert not list(project.glob("**/hurt"))


def test_a_revision_that_is_not_there(project: Path) -> None:
    with pytest.raises(ValueError, match="there is no revision 'nowhere'"):
        unfinished.start("nowhere")
    assert unfinished.start("main") == unfinished.start("HEAD") == git(project, "rev-parse", "HEAD")


def test_it_starts_from_the_last_retrain_as_long_as_that_has_everything(project: Path) -> None:
    assert unfinished.next_number() == 1
    git(project, "checkout", "--quiet", "-b", "retrain/9")
    git(project, "commit", "--quiet", "--allow-empty", "--message=pins")
    git(project, "branch", "retrain/10")
    git(project, "branch", "retrain/more")
    git(project, "checkout", "--quiet", "main")
    assert unfinished.next_number() == 11
    assert unfinished.start(None) == git(project, "rev-parse", "retrain/10")
    git(project, "commit", "--quiet", "--allow-empty", "--message=new code")
    assert unfinished.start(None) == git(project, "rev-parse", "main")


def test_what_was_tried_on_another_revision_is_not_gone_on_with(project: Path) -> None:
    def commit(name: str) -> None:
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_text(f"{name}\n")
        git(project, "add", name)
        git(project, "commit", "--quiet", f"--message={name}")

    git(project, "checkout", "--quiet", "-b", "retrain/1")
    for written in ("sources/a.sha256", "dvc.lock", "metrics/evaluate.json", "plots/curve.svg"):
        commit(written)
    git(project, "checkout", "--quiet", "-b", "tried", "main")
    commit("params.yaml")
    git(project, "checkout", "--quiet", "-b", "retrain/2")
    commit("dvc.lock")
    git(project, "checkout", "--quiet", "main")
    assert unfinished.start(None) == git(project, "rev-parse", "retrain/1")
    git(project, "branch", "--quiet", "-D", "retrain/1")
    assert unfinished.start(None) == git(project, "rev-parse", "main")
    git(project, "merge", "--quiet", "tried")
    assert unfinished.start(None) == git(project, "rev-parse", "retrain/2")


def test_what_is_unfinished_is_kept_as_it_was(project: Path) -> None:
    assert unfinished.load() is None
    changes = (Changes("a", new=("x", "é"), removed=("y",)), Changes("b", commits=("0" * 40, "1" * 40)))
    started = Unfinished(3, "f" * 40, changes, ({"name": "sar-gpt", "passed": False},), ("| a |",))
    unfinished.save(started)
    assert unfinished.load() == started
    (unfinished.folder() / "unfinished.json").write_text("{")
    with pytest.raises(ValueError, match="delete it, and the next retrain starts anew"):
        unfinished.load()


def test_one_at_a_time_and_a_killed_one_leaves_no_lock(project: Path) -> None:
    code = "from tasks.retrain import unfinished\nwith unfinished.only_one(): print('held', flush=True); input()"
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", code], stdin=pipe, stdout=pipe, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(ValueError, match="another retrain is at work"), unfinished.only_one():
            pass
        other.kill()
        other.wait()
    with unfinished.only_one():
        pass


def test_what_was_changed_by_hand_in_the_worktree_is_taken_back(project: Path) -> None:
    (project / "params.yaml").write_text("seed: 7\n")
    (project / "dvc.lock").write_text("stages: {}\n")
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message=settings")
    tree = unfinished.tree()
    worktree.place(tree, commit=git(project, "rev-parse", "HEAD"))
    (tree / "params.yaml").write_text("seed: 8\n")
    (tree / "stray.py").write_text("")
    (tree / "dvc.lock").write_text("stages: {narrate: {}}\n")
    (tree / "metrics").mkdir()
    (tree / "metrics/new.json").write_text("{}")
    steps.resume()
    assert (tree / "params.yaml").read_text() == "seed: 7\n"
    assert not (tree / "stray.py").exists()
    assert (tree / "dvc.lock").read_text() == "stages: {narrate: {}}\n", "what a run wrote is gone on with"
    assert (tree / "metrics/new.json").is_file()
