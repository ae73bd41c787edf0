"""A trial from end to end, of a project with one small program: what is kept and what is broken is told apart."""

from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest

from benchmarks.faults import results
from benchmarks.faults.bucket import Bucket, bucket
from benchmarks.faults.commands import Ended
from benchmarks.faults.project import Project
from benchmarks.faults.trial import Fault, Trial, Undisturbed, attempt, undisturbed
from benchmarks.faults.works import Work
from tasks import lock

PROGRAM = """import pathlib, sys, time
if pathlib.Path("no").exists():
    sys.exit(pathlib.Path("no").read_text())
pathlib.Path("out").write_text("right")
"""
Disturb = Callable[[Project, Work, Random, Undisturbed], Ended]
WORK = Work(
    "program", ("program",), lambda project: None, lambda project: {"out": lock.digest_of(project.root / "out")}, 20.0
)  # fmt: skip


@pytest.fixture(scope="module")
def at() -> Iterator[Bucket]:
    with bucket() as found:
        yield found


@pytest.fixture
def project(tmp_path: Path, at: Bucket) -> Project:
    at.kept = {}
    (tmp_path / "built").mkdir()
    (tmp_path / "built" / "program.py").write_text(PROGRAM)
    return Project(tmp_path, at, "http://127.0.0.1:9/api")


def tried(project: Project, disturb: Disturb, *, says: str | None = "asked to") -> Trial:
    fault = Fault("a fault", (WORK,), disturb, says, "looks")
    return attempt(fault, WORK, project, rng=Random(1), expected=undisturbed(project, WORK))


def failing(text: str) -> Disturb:
    """Fails once with `text`."""

    def disturb(project: Project, work: Work, _: Random, __: Undisturbed) -> Ended:
        (project.root / "no").write_text(text)
        ended = work.run(project)
        (project.root / "no").unlink()
        return ended

    return disturb


def test_what_is_not_disturbed_completes(project: Project) -> None:
    trial = tried(project, lambda project, work, rng, expected: work.run(project))
    assert (trial.outcome, trial.broken, trial.reason) == ("completed", (), "")


def test_a_failure_with_a_clear_reason_is_made_good_by_the_next_run(project: Project) -> None:
    trial = tried(project, failing("error: asked to"))
    assert (trial.outcome, trial.broken) == ("failed, next run completed", ())
    assert trial.reason == "error: asked to"


@pytest.mark.parametrize("said", ["Traceback (most recent call last):", "error: something else", ""])
def test_a_failure_without_a_clear_reason_is_a_broken_promise(said: str, project: Project) -> None:
    trial = tried(project, failing(said or "x"))
    assert trial.outcome == "broken"
    assert trial.broken[0].startswith("it failed without a clear reason")
    assert tried(project, failing(said or "x"), says=None).outcome == "failed, next run completed", "it was killed"


def test_a_next_run_that_fails_too(project: Project) -> None:
    def disturb(project: Project, work: Work, _: Random, __: Undisturbed) -> Ended:
        (project.root / "no").write_text("error: asked to")
        return work.run(project)

    trial = tried(project, disturb)
    assert trial.broken[0] == "the next run failed too: error: asked to"


def test_an_output_that_differs_after_all_went_well(project: Project) -> None:
    def disturb(project: Project, work: Work, _: Random, __: Undisturbed) -> Ended:
        ended = work.run(project)
        (project.root / "out").write_text("wrong")
        return ended

    trial = tried(project, disturb)
    assert trial.outcome == "broken"
    assert trial.broken[0].startswith("out is ")


def test_a_command_that_does_not_end_in_its_time(project: Project) -> None:
    def disturb(project: Project, work: Work, _: Random, __: Undisturbed) -> Ended:
        return Ended(-1000, "busy", 20.0)

    assert tried(project, disturb).broken[0] == "it did not end: 'busy'"


def test_the_page_shows_every_broken_promise(project: Project) -> None:
    good = Trial("a", "push", "completed", "", (), 1.0)
    bad = Trial("a", "push", "broken", "", ("out is 1, in an undisturbed run 2",), 1.0)
    of = {"date": "2026-11-28", "seed": 7}
    found = {"looks": "so", "remedy": "that", "trials": [good.plain() | of, bad.plain() | of]}
    page = results.page({"a": found})
    assert "| a | push | 2 | 1 | 0 | 1 | 2026-11-28, 7 |" in page
    assert "- a, push: out is 1, in an undisturbed run 2" in page
    assert "No promise was broken." in results.page({"a": found | {"trials": [good.plain() | of]}})


def test_pieces_are_added_and_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "FILE", tmp_path / "results.json")
    monkeypatch.setattr(results, "PAGE", tmp_path / "page.md")
    (tmp_path / "page.md").write_text(f"before\n{results.BEGIN}\nold\n{results.END}\nafter\n")
    fault = Fault("a", (WORK,), failing("x"), None, "looks")
    for work, outcome in (("push", "completed"), ("pull", "completed"), ("push", "broken")):
        results.write(fault, work, [Trial("a", work, outcome, "", (), 1.0)], seed=7)
    page = (tmp_path / "page.md").read_text()
    assert "| a | pull, push | 2 | 1 | 0 | 1 |" in page
    assert (page.startswith("before\n"), page.endswith("after\n"), "old" in page) == (True, True, False)
