"""Faults around a retrain: a second one, files changed by hand, a clock that is set back."""

import tempfile
from pathlib import Path
from random import Random

import psutil

from benchmarks.faults.commands import Ended
from benchmarks.faults.kills import kill_all, wait
from benchmarks.faults.project import Project, edit
from benchmarks.faults.trial import Fault, Undisturbed
from benchmarks.faults.works import PIPELINE, RETRAIN, TREE, Work

FAKETIME = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))  # of Debian's package libfaketime
REFUSED = "another retrain is at work"


def faults() -> list[Fault]:
    found = [
        Fault("two retrains at once", (RETRAIN,), _two, REFUSED, f"The second: `{REFUSED} in this checkout`.",
              "Nothing: the first one goes on."),
        Fault("dirty checkout", (RETRAIN,), _dirty_checkout, None,
              "Nothing: the retrain works in its own worktree, from the commit; what is changed here stays as it is."),
        Fault("dirty worktree of an interrupted retrain", (RETRAIN,), _dirty_worktree, None,
              "Nothing: what was changed there by hand is taken back, and the retrain goes on."),
    ]  # fmt: skip
    if FAKETIME:
        found.append(
            Fault("clock jumping back", (PIPELINE, RETRAIN), _clock, None,
                  "Times in MLflow and Prefect that end before they begin. Under libfaketime 0.9.10 also `[Errno 22]` "
                  "from any sleep: it moves the ends of monotonic sleeps too, which a real clock does not.")
        )  # fmt: skip
    else:
        print("no libfaketime (Debian: `apt install libfaketime`): `clock jumping back` is left out", flush=True)
    return found


def _two(project: Project, work: Work, rng: Random, expected: Undisturbed) -> Ended:
    """The second begins at a random moment of the first; it must be refused, and the first must not notice."""
    second: list[Ended] = []
    moment_s = rng.uniform(2, 0.7 * expected.took_s)

    def meanwhile(process: psutil.Process) -> None:
        wait(process, moment_s)
        second.append(work.run(project))

    first = work.run(project, meanwhile=meanwhile)
    if second[0].well or REFUSED not in second[0].said:
        return Ended(1, f"error: the second retrain was not refused: {second[0].said[-300:]}\n", first.took_s)
    return first


def _dirty_checkout(project: Project, work: Work, rng: Random, _: Undisturbed) -> Ended:
    edit(project.root / "params.yaml", {"seed": rng.randint(100, 999)})
    (project.root / "sources" / "stray.yaml").write_text("title: not finished\n")
    before = project.git("diff"), project.git("status", "--porcelain")
    ended = work.run(project)
    if (project.git("diff"), project.git("status", "--porcelain")) != before:
        return Ended(1, "error: what was changed by hand in the checkout was changed\n", ended.took_s)
    return ended


def _dirty_worktree(project: Project, work: Work, rng: Random, expected: Undisturbed) -> Ended:
    """Killed at a random moment; before the next run somebody changes settings and code in its worktree."""
    ended = kill_all(project, work, rng, expected)
    tree = project.root / TREE
    if (tree / "params.yaml").is_file():
        edit(tree / "params.yaml", {"seed": rng.randint(100, 999)})
        (tree / "tasks" / "gate" / "rules.py").write_text("broken by hand\n")
    return ended


def _clock(project: Project, work: Work, rng: Random, expected: Undisturbed) -> Ended:
    """Between a minute and a day, at a random moment."""
    with tempfile.NamedTemporaryFile("w", suffix=".faketime") as offset:
        offset.write("+0")
        offset.flush()
        faked = {
            "LD_PRELOAD": str(FAKETIME[-1]), "FAKETIME_TIMESTAMP_FILE": offset.name, "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }  # fmt: skip

        def meanwhile(process: psutil.Process) -> None:
            wait(process, rng.uniform(0, expected.took_s))
            Path(offset.name).write_text(f"-{rng.randint(60, 86_400)}")

        return work.run(project, meanwhile=meanwhile, place=faked)
