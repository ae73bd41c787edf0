"""A command of DVC in a process group of its own: its lines shown as they come, ended with all that it started."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

from tasks import worktree

END_S = 20.0  # that an interrupted command has to end by itself
LAST_LINES = 12  # of a command that failed, in the error


class DvcProcess:
    """`dvc ARGUMENTS` in `tree`, started at once; it waits for other commands of DVC there.

    `what` names it in errors. After `timeout_s` it is ended, and has failed.
    """

    def __init__(self, *arguments: str, what: str, tree: Path, timeout_s: float | None = None) -> None:
        self._what = what
        self._timeout_s = timeout_s
        self._ran_over = False
        self._process = subprocess.Popen(
            [sys.executable, "-m", "dvc", "--wait-for-lock", *arguments],
            cwd=tree, env={**worktree.environment(), "PYTHONUNBUFFERED": "1"}, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
        )  # fmt: skip

    def follow(self, show: Callable[[str], None]) -> None:
        """Give every line to `show`, to the end. Raises `ValueError` with the last lines when the command failed."""
        assert self._process.stdout is not None
        last: deque[str] = deque(maxlen=LAST_LINES)
        clock = threading.Timer(self._timeout_s, self._run_over) if self._timeout_s is not None else None
        if clock is not None:
            clock.daemon = True
            clock.start()
        try:
            for line in self._process.stdout:
                show(line.rstrip())
                if line.strip():
                    last.append(line.rstrip())
            code = self._process.wait()
        finally:
            if clock is not None:
                clock.cancel()
        if code != 0:
            why = f"ran longer than its {self._timeout_s:.0f} s" if self._ran_over else "failed"
            raise ValueError("\n".join([f"{self._what} {why}; its last lines:", *last]))

    def interrupt(self) -> None:
        """As Ctrl-C does: so DVC leaves no lock behind."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGINT)

    def end(self) -> None:
        """`interrupt` it, and kill it where it does not heed that."""
        self.interrupt()
        try:
            self._process.wait(timeout=END_S)
        except subprocess.TimeoutExpired:  # started where interrupts are ignored
            os.killpg(self._process.pid, signal.SIGKILL)

    def _run_over(self) -> None:
        self._ran_over = True
        self.end()


def run(*arguments: str, what: str, tree: Path, show: Callable[[str], None], timeout_s: float | None = None) -> None:
    """A `DvcProcess` from start to end; what interrupts this function ends it. Raises `ValueError` when it fails."""
    process = DvcProcess(*arguments, what=what, tree=tree, timeout_s=timeout_s)
    try:
        process.follow(show)
    except BaseException:
        process.end()
        raise


def end_left_behind(tree: Path, *, stage: str = "") -> None:
    """End each run of a stage (or of this one) in `tree` that outlived a killed program: it would block the next.

    Only for who knows that no other may run there. Raises `ValueError` where DVC's list of them is damaged.
    """
    file = tree / ".dvc" / "tmp" / "rwlock"
    if not file.is_file():
        return
    try:
        held = json.loads(file.read_text(encoding="utf-8") or "{}")
        readers = [holder for holders in held.get("read", {}).values() for holder in holders]
        pids = {int(holder["pid"]) for holder in [*readers, *held.get("write", {}).values()]}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{file} is damaged ({error}): delete it when no command of DVC runs there") from error
    for pid in sorted(pids):
        with suppress(psutil.NoSuchProcess, ProcessLookupError):
            process = psutil.Process(pid)
            ours = process.cwd() == str(tree) and "--single-item" in process.cmdline()
            if ours and (not stage or process.cmdline()[-1] == stage):
                os.killpg(pid, signal.SIGINT)
                if psutil.wait_procs([process], timeout=END_S)[1]:
                    os.killpg(pid, signal.SIGKILL)
