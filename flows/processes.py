"""Processes of this checkout that outlive the command that starts them, each known by a file below `.state/`.

A process counts as ours only if it is still the one that we started (same id, start time and last arguments), so that
another checkout's is never taken, nor one that got the id of ours after a restart of the machine.
"""

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

START_TIMEOUT_S = 90.0
CLOCK_STEP_S = 5.0  # a start time is reckoned from the clock, which may be set in between
END_S = 20.0  # that a process has to end by itself


@dataclass(frozen=True)
class Known:
    """A process as its file keeps it."""

    pid: int
    started: float  # seconds since 1970
    ends_with: list[str]  # the last two arguments of its command line
    address: str  # where it answers; of one that does not listen: what it is


def running(file: Path) -> Known | None:
    """The process that `file` names, or None when it does not run."""
    known = _read(file)
    return known if known is not None and _process(known) is not None else None


def started_with(file: Path) -> tuple[list[str], dict[str, str]] | None:
    """Command line and environment with which the process that `file` names was started; None when it does not run."""
    known = _read(file)
    process = _process(known) if known is not None else None
    return (process.cmdline(), process.environ()) if process is not None else None


def start(
    module: str,
    arguments: Sequence[str],
    *,
    file: Path,
    log: Path,
    environment: Mapping[str, str],
    address: str,
    ready: Callable[[], bool],
) -> Known:
    """Run `python -m module arguments` in a session of its own, wait until it is `ready`, and note it in `file`.

    Raises `ValueError` when it ends before, or is not ready in time; nothing is left running then.
    """
    command = [sys.executable, "-m", module, *arguments]
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=dict(environment), start_new_session=True
        )
    known = Known(process.pid, psutil.Process(process.pid).create_time(), command[-2:], address)
    deadline = time.monotonic() + START_TIMEOUT_S
    try:
        while not ready():
            if process.poll() is not None or time.monotonic() > deadline:
                raise ValueError(f"`{module} {arguments[0]}` did not start, see {log}")
            time.sleep(0.1)
        partial = file.with_suffix(".partial")
        partial.write_text(json.dumps(asdict(known), indent=2) + "\n", encoding="utf-8")
        partial.replace(file)  # at once: a file half written would be a process that nobody can end
    except BaseException:  # an interrupt too: a process that nobody knows of would stay for ever
        with contextlib.suppress(psutil.NoSuchProcess):  # it has ended by itself: that is what is told
            _end(psutil.Process(process.pid))
        raise
    return known


def stop(file: Path) -> bool:
    """End the process that `file` names, and all that it started; False when it did not run."""
    known = _read(file)
    if known is None:
        return False
    process = _process(known)
    if process is not None:
        _end(process)
    file.unlink()
    return process is not None


def _read(file: Path) -> Known | None:
    """None where there is no file. Raises `ValueError` where it cannot be understood: passing over it would leave its
    process running for ever."""
    if not file.is_file():
        return None
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
        return Known(int(said["pid"]), float(said["started"]), list(said["ends_with"]), str(said["address"]))
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(
            f"{file} is damaged ({error}): end the process that it named (`pgrep -af 'prefect|mlflow'` shows such "
            "processes with their ids), then delete the file"
        ) from error


def _process(known: Known) -> psutil.Process | None:
    try:
        process = psutil.Process(known.pid)
        close = abs(process.create_time() - known.started) < CLOCK_STEP_S
        same = close and process.cmdline()[-2:] == known.ends_with
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.NoSuchProcess:
        return None


def _end(process: psutil.Process) -> None:
    """The process first, so that it ends its own in order; what is left of them after it."""
    family = process.children(recursive=True)
    for members, patience_s in (([process], END_S), (family, END_S / 2)):
        for member in members:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.terminate()
        for member in psutil.wait_procs(members, timeout=patience_s)[1]:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.kill()
