"""The steps of a retrain. Each can be called again after an interruption, and then does only what is left.

They run as commands in the worktree, so that code, settings and sources are those of its revision.
"""

import json
import subprocess
import sys
from dataclasses import replace

from tasks import dvc_process, strict, torn_lock, tracking, worktree
from tasks.retrain import drift, exchange, undamaged, unfinished
from tasks.retrain.unfinished import Unfinished
from tasks.retrain.update import Changes

KEPT_CHARACTERS = 8000  # of what the stages say last
END_S = 25.0  # for the stages to be cancelled; Prefect kills a cancelled run after 30
REFUSED = 3  # exit code of `sar-text gate` that judged, and refused one


def prepare(revision: str | None) -> str:
    """Bring the worktree to the commit to start from, with the data that cache or remote have; returns the commit."""
    commit, tree = unfinished.start(revision), unfinished.tree()
    before = worktree.git("rev-parse", "HEAD", cwd=tree) if (tree / ".git").exists() else None
    worktree.place(tree, commit=commit)
    worktree.git("clean", "-d", "--force", "--quiet", cwd=tree)
    if before != commit:  # of a source that takes no part any more nothing may lie there
        worktree.git("clean", "-d", "--force", "--quiet", "-x", "--", "data", "models", cwd=tree)
    torn_lock.drop(tree)
    worktree.share_cache(tree)
    bring = ("pull" if exchange.dvc_remote() else "checkout", "--quiet", "--force", "--allow-missing")
    if (tree / "dvc.lock").is_file():
        worktree.run("dvc", *bring, cwd=tree, environment=worktree.environment())
    return commit


def look() -> list[Changes]:
    """Take what is new of the moving sources into the worktree's pins."""
    return [
        strict.parse(Changes, each, where="sar-text watch --json")
        for each in json.loads(_said("flows.cli", "watch", "--json"))
    ]


def out_of_date() -> list[str]:
    """Stages that DVC would run in the worktree, those behind them left out."""
    return sorted(json.loads(_said("dvc", "status", "--json")))


def begin(base: str, changes: list[Changes]) -> Unfinished:
    """Open the branch and commit the new pins on it; from here on an interrupted retrain is gone on with.

    Raises `ValueError` before that when the cache gave other bytes than `dvc.lock` says.
    """
    undamaged.check(unfinished.tree())
    started = Unfinished(unfinished.next_number(), base, tuple(changes))
    tree = unfinished.tree()
    worktree.git("checkout", "--quiet", "-b", started.branch, cwd=tree)
    told = [f"New data for {started.branch}", "", *(each.text() for each in changes if each)]
    _commit("\n".join(told), unfinished.PINS)
    unfinished.save(started)
    return started


def resume() -> None:
    """Take back what was changed by hand in the worktree since: only what a run itself writes is gone on with."""
    tree, ours = unfinished.tree(), (".", *(f":!{name}" for name in tracking.GENERATED))
    worktree.git("checkout", "--force", "HEAD", "--", *ours, cwd=tree)
    worktree.git("clean", "-d", "--force", "--quiet", "--", *ours, cwd=tree)


def train() -> None:
    """Run every stage that is out of date, and register what was built. Raises `ValueError` with what failed."""
    dvc_process.end_left_behind(unfinished.tree())
    process = subprocess.Popen(
        [sys.executable, "-m", "flows.retrain_stages"], cwd=unfinished.tree(), env=worktree.environment(),
        stderr=subprocess.PIPE, text=True, errors="replace",
    )  # fmt: skip
    assert process.stderr is not None
    said = ""
    try:
        for line in process.stderr:
            print(line, end="", file=sys.stderr, flush=True)
            said = (said + line)[-KEPT_CHARACTERS:]
        code = process.wait()
    except BaseException:
        process.terminate()  # it cancels its stages
        try:
            process.wait(timeout=END_S)
        except subprocess.TimeoutExpired:
            process.kill()
        raise
    if code != 0:
        raise ValueError(said.rpartition("\nerror: ")[2].strip() or "the stages ended without a word")


def judge(started: Unfinished) -> Unfinished:
    """Hold the new data against the champion's; let the gate judge every challenger, and promote those that pass."""
    compared = drift.report(unfinished.tree())
    decisions = json.loads(_said("flows.cli", "gate", "--json", fine=(0, REFUSED)))
    judged = replace(started, decisions=tuple(decisions), drift=tuple(compared))
    unfinished.save(judged)
    return judged


def push() -> bool:
    """Send data and weights to the default remote; False where none is configured."""
    if not exchange.dvc_remote():
        return False
    worktree.run("dvc", "push", "--quiet", cwd=unfinished.tree(), environment=worktree.environment())
    return True


def commit_results(message: str) -> str:
    """Commit lock, metrics and plots with `message`; returns the commit."""
    _commit(message, *unfinished.RESULTS)
    return worktree.git("rev-parse", "HEAD", cwd=unfinished.tree())


def _commit(message: str, *places: str) -> None:
    """Commit what changed below `places`, if anything did."""
    tree = unfinished.tree()
    worktree.git("add", "--all", "--", *places, cwd=tree)
    if worktree.git("diff", "--cached", "--name-only", cwd=tree):
        worktree.git(*exchange.WHO, "commit", "--quiet", "--no-verify", f"--message={message}", cwd=tree)


def _said(module: str, *arguments: str, fine: tuple[int, ...] = (0,)) -> str:
    """What `python -m module arguments` prints in the worktree, its messages shown."""
    answer = subprocess.run(
        [sys.executable, "-m", module, *arguments], cwd=unfinished.tree(), env=worktree.environment(),
        stdout=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    if answer.returncode not in fine:
        raise ValueError(f"`{' '.join((module, *arguments))}` failed; its own message stands above")
    return answer.stdout
