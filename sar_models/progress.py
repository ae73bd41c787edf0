"""How far a training is: a bar on a terminal, a line at a time in a log."""

import contextlib
import sys
import time
from collections.abc import Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

LINE_SECONDS = 10.0


class TrainingProgress:
    """Steps done of all, with the loss, images a second and the time left."""

    def __init__(self, label: str, *, steps: int, done: int, shown: bool) -> None:
        self._label, self._steps, self._done, self._first, self._shown = label, steps, done, done, shown
        self._images = 0
        self._started = self._lined = time.perf_counter()
        self._bar: Progress | None = None
        if shown and sys.stderr.isatty():
            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[state]}"),
                TimeElapsedColumn(),
                TextColumn("left"),
                TimeRemainingColumn(),
                console=Console(stderr=True),
            )
            self._task = self._bar.add_task(label, total=steps, completed=done, state="")
            self._bar.start()

    @property
    def images_per_s(self) -> float:
        """Since the start, validation included."""
        return self._images / max(time.perf_counter() - self._started, 1e-9)

    def step(self, *, images: int, loss: float | None = None) -> None:
        """One more step is done, with a loss if it is one of training."""
        self._done += 1
        self._images += images
        state = f"{self.images_per_s:.0f} images/s"
        if loss is not None:
            state = f"loss {loss:.3f}, {state}"
        if self._bar:
            self._bar.update(self._task, completed=self._done, state=state)
        elif self._shown and time.perf_counter() - self._lined > LINE_SECONDS:
            self._lined = time.perf_counter()
            left_s = (self._lined - self._started) / (self._done - self._first) * (self._steps - self._done)
            self.say(f"step {self._done} of {self._steps}, {state}, {left_s:.0f} s left")

    def say(self, line: str) -> None:
        """A line that stays."""
        if self._bar:
            self._bar.console.print(f"{self._label}: {line}", markup=False, highlight=False)
        elif self._shown:
            print(f"{self._label}: {line}", file=sys.stderr, flush=True)

    def close(self) -> None:
        """Leave the terminal as it was."""
        if self._bar:
            self._bar.stop()


@contextlib.contextmanager
def training_progress(label: str, *, steps: int, done: int, shown: bool) -> Iterator[TrainingProgress]:
    """A progress display that ends with the block."""
    progress = TrainingProgress(label, steps=steps, done=done, shown=shown)
    try:
        yield progress
    finally:
        progress.close()
