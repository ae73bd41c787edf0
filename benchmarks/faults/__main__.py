"""Put faults into a small real project and write down what came of it.

    python -m benchmarks.faults                                        every fault, 3 times in each piece of work
    python -m benchmarks.faults --repeats 10 --seed 5 --only "S3" "kill"     those whose names begin so

Results go to `results.json` beside this file as they come, and from it to the table of docs/reliability.md.
The exit code is 1 when a promise was broken.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random

from benchmarks.faults import catalogue, results
from benchmarks.faults.bucket import bucket
from benchmarks.faults.project import Project, build
from benchmarks.faults.trial import Fault, Trial, attempt, undisturbed
from benchmarks.faults.works import Work


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults", description="faults in a small real project")
    parser.add_argument("--repeats", type=int, default=3, help="of each fault in each piece of work; default: 3")
    parser.add_argument("--seed", type=int, default=7, help="of the moments; default: 7")
    parser.add_argument("--only", nargs="+", default=[""], metavar="NAME", help="beginnings of names of faults")
    parser.add_argument("--work", nargs="+", metavar="NAME", help="only in these, such as push; default: all")
    parser.add_argument("--folder", type=Path, help="keeps the project, for the next call; default: a temporary one")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="faults-") as name, bucket() as at:
        from flows import server

        folder = (arguments.folder or Path(name)).resolve()
        os.environ["SAR_TEXT_STATE"] = str(folder / "state")  # of the Prefect server that all trials report to
        try:
            project = Project(folder, at, server.ensure())
            build(project)
            broken = _all(project, arguments)
        finally:
            server.stop()
    sys.exit(1 if broken else 0)


def _all(project: Project, arguments: argparse.Namespace) -> int:
    """Put the wanted faults, write each down; returns how many trials broke a promise."""
    broken = tried = 0
    for fault in catalogue.faults(project):
        works = [work for work in fault.works if not arguments.work or work.name in arguments.work]
        if not fault.name.startswith(tuple(arguments.only)):
            continue
        for work in works:
            trials = list(_repeat(fault, work, project, repeats=arguments.repeats, seed=arguments.seed))
            results.write(fault, work.name, trials, seed=arguments.seed)
            broken += sum(trial.outcome == "broken" for trial in trials)
            tried += len(trials)
    if not tried:
        sys.exit("no fault has such a name in such a piece of work: docs/reliability.md has both")
    return broken


def _repeat(fault: Fault, work: Work, project: Project, *, repeats: int, seed: int) -> Iterator[Trial]:
    expected = undisturbed(project, work)
    for number in range(repeats):
        rng = Random(f"{seed} {fault.name} {work.name} {number}")
        trial = attempt(fault, work, project, rng=rng, expected=expected)
        print(f"{fault.name}, {work.name}, {number + 1}: {trial.outcome} ({trial.took_s:.0f} s)", flush=True)
        for line in (*trial.broken, *filter(None, [trial.reason])):
            print(f"    {line}", flush=True)
        yield trial


if __name__ == "__main__":
    main()
