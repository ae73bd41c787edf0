"""Progress of long transfers: a bar with rate and time left on a terminal, a plain line now and then elsewhere."""

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Literal

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn


class Stopped(Exception):
    """Raised into a worker thread whose work is no longer wanted, because another one failed."""


class Bar:
    """Counts steps (bytes, or files with their bytes) towards `total`. Safe to share between threads."""

    def __init__(
        self,
        title: str,
        *,
        total: int | None = None,
        unit: Literal["bytes", "files"] = "bytes",
        every_s: float = 5.0,  # between plain lines
        console: Console | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._title, self._total, self._unit = title, total, unit
        self._every_s, self._clock = every_s, clock
        self._console = console or Console(stderr=True)
        self._lock = threading.RLock()
        self._done = self._before = self._moved_bytes = 0
        self._start_s = self._line_s = clock()
        self._rich: Progress | None = None

    def __enter__(self) -> "Bar":
        self._start_s = self._line_s = self._clock()
        if self._console.is_terminal:
            columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[text]}"))
            self._rich = Progress(*columns, console=self._console)
            self._task = self._rich.add_task(self._title, total=self._total, text="")
            self._rich.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._rich is not None:
            self._draw(self._rich)
            self._rich.stop()
        elif kind is None:
            self._console.print(f"{self._title}: {self.text()}", highlight=False, markup=False, soft_wrap=True)

    def resume(self, done: int, *, of: int | None) -> None:
        """Set the bytes of one file: those already here, which do not count for the rate, and all of them."""
        with self._lock:
            if self._unit == "bytes":
                self._done, self._before, self._total = done, done, of

    def expect(self, total: int) -> None:
        """Set how many steps there will be."""
        with self._lock:
            self._total = total

    def moved(self, size: int) -> None:
        """Count `size` bytes."""
        with self._lock:
            self._moved_bytes += size
            if self._unit == "bytes":
                self._done += size
            self._show()

    def finished(self, files: int = 1) -> None:
        """Count files that are done; only for a bar of files."""
        assert self._unit == "files"
        with self._lock:
            self._done += files
            self._show()

    def text(self) -> str:
        """Amount, rate and time left, such as `12.0 MB of 48.0 MB, 4.0 MB/s, 0:09 left`."""
        elapsed_s = max(self._clock() - self._start_s, 1e-6)
        amount = _size(self._done) if self._unit == "bytes" else f"{self._done}"
        if self._total is not None:
            amount += f" of {_size(self._total) if self._unit == 'bytes' else self._total}"
        if self._unit == "files":
            amount += f" files, {_size(self._moved_bytes)}"
        parts = [amount, f"{_size(self._moved_bytes / elapsed_s)}/s"]
        if self._total is not None and self._before < self._done < self._total:
            parts.append(f"{_clock_text(elapsed_s * (self._total - self._done) / (self._done - self._before))} left")
        return ", ".join(parts)

    def _show(self) -> None:
        if self._rich is not None:
            self._draw(self._rich)
        elif self._clock() - self._line_s >= self._every_s:
            self._line_s = self._clock()
            self._console.print(f"{self._title}: {self.text()}", highlight=False, markup=False, soft_wrap=True)

    def _draw(self, bar: Progress) -> None:
        bar.update(self._task, completed=self._done, total=self._total, text=self.text())


class Branch:
    """Reports to a bar for a group of threads, and ends them all when `stop` was called on it."""

    def __init__(self, bar: "Meter") -> None:
        self._bar = bar
        self._stopped = False

    def stop(self) -> None:
        """Make every thread that reports here end, by `Stopped`, at its next step."""
        self._stopped = True

    def resume(self, done: int, *, of: int | None) -> None:
        self._bar.resume(done, of=of)

    def moved(self, size: int) -> None:
        if self._stopped:
            raise Stopped
        self._bar.moved(size)

    def finished(self, files: int = 1) -> None:
        self._bar.finished(files)


Meter = Bar | Branch


def _size(size: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if abs(size) < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def _clock_text(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
