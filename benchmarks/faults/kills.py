"""`kill -9` at a random moment: of a stage alone, or of the command with all that it started, as if a machine died."""

import time
from random import Random

import psutil

from benchmarks.faults import commands
from benchmarks.faults.commands import Ended
from benchmarks.faults.project import Project
from benchmarks.faults.trial import Fault, Undisturbed
from benchmarks.faults.works import PIPELINE, RETRAIN, Work, stage

LATEST_S = 30.0  # that a stage has to begin


def faults(names: list[str]) -> list[Fault]:
    looks = "The stage ends without a word; DVC says `failed to run …, exited with -9`, or nothing when it died too."
    return [
        Fault("kill -9 of a stage alone", tuple(stage(name) for name in names), kill_stage, "exited with -9", looks),
        Fault("kill -9 of a stage with DVC", tuple(stage(name) for name in names), kill_all, None, looks),
        Fault(
            "kill -9 of pipeline or retrain", (PIPELINE, RETRAIN), kill_all, None,
            "The command and its stages are gone.",
        ),
    ]  # fmt: skip


def kill_all(project: Project, work: Work, rng: Random, expected: Undisturbed) -> Ended:
    moment_s = rng.uniform(0, expected.took_s)

    def meanwhile(process: psutil.Process) -> None:
        wait(process, moment_s)
        commands.kill(commands.family(process.pid))

    return work.run(project, meanwhile=meanwhile)


def kill_stage(project: Project, work: Work, rng: Random, expected: Undisturbed) -> Ended:
    """At a moment of the stage's own life, or where it ends before, of its end."""
    share = rng.random()

    def meanwhile(process: psutil.Process) -> None:
        begin = time.monotonic()
        while not (found := _stage(process)) and commands.runs(process) and time.monotonic() - begin < LATEST_S:
            time.sleep(0.02)
        wait(process, share * max(0.0, expected.took_s - (time.monotonic() - begin)))
        commands.kill(_stage(process) or found)

    return work.run(project, meanwhile=meanwhile)


def _stage(process: psutil.Process) -> list[psutil.Process]:
    """The Python process of the stage that DVC runs."""
    found = []
    for each in commands.family(process.pid)[1:]:
        try:
            line = each.cmdline()
        except (psutil.NoSuchProcess, psutil.ZombieProcess):
            continue
        if len(line) > 2 and line[1] == "-m" and line[2].startswith("flows."):
            found.append(each)
    return found


def wait(process: psutil.Process, moment_s: float) -> None:
    """Until the moment, or the end of the process."""
    end = time.monotonic() + moment_s
    while time.monotonic() < end and commands.runs(process):
        time.sleep(0.02)
