"""Commands of a trial: each in a session of its own, its output kept, ended when it takes too long or a fault wants."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

GONE_S = 10.0  # that the system has to clear away what was killed
TOO_LONG = -1000  # exit code of a command that was ended, for it took longer than its limit


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    exit_code: int
    said: str
    took_s: float

    @property
    def well(self) -> bool:
        return self.exit_code == 0


def run(
    command: Sequence[str],
    *,
    cwd: Path,
    environment: Mapping[str, str],
    limit_s: float,
    meanwhile: Callable[[psutil.Process], None] | None = None,
) -> Ended:
    """`python -m command` to its end. `meanwhile` gets the process, does what a fault wants, and returns."""
    begin = time.monotonic()
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(
            [sys.executable, "-m", *command], cwd=cwd, env=dict(environment), stdin=subprocess.DEVNULL, stdout=out,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        try:
            if meanwhile is not None:
                meanwhile(psutil.Process(process.pid))
            code = process.wait(timeout=max(1.0, limit_s - (time.monotonic() - begin)))
        except subprocess.TimeoutExpired:
            code = TOO_LONG
        finally:
            kill(family(process.pid))
            process.wait()
        out.seek(0)
        return Ended(code, out.read().decode(errors="replace"), time.monotonic() - begin)


def family(pid: int) -> list[psutil.Process]:
    """A process and all that it started, itself first; empty when it has ended."""
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def kill(processes: Sequence[psutil.Process]) -> None:
    """`kill -9`, all at once as far as that goes: first none of them can start another."""
    for signal in (psutil.Process.suspend, psutil.Process.kill):
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                signal(process)
    end = time.monotonic() + GONE_S
    while any(runs(process) for process in processes) and time.monotonic() < end:
        time.sleep(0.02)  # not psutil's wait, which takes the exit code away from who started the process


def runs(process: psutil.Process) -> bool:
    """Whether it is still there; a zombie has ended."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def environment(root: Path, **more: str) -> dict[str, str]:
    """For commands in `root`: this Python, and nothing of the settings of who runs the faults."""
    ours = ("SAR_TEXT_", "DVC_", "PREFECT_", "MLFLOW_", "AWS_")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(ours) and key != "DATABASE_URL"}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**kept, "PYTHONPATH": str(root), "PATH": path, "NO_PROXY": "127.0.0.1,localhost",
            **{key: value for key, value in more.items() if value}}  # fmt: skip
