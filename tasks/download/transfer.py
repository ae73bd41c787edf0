"""What every fetcher shares: its interface, its settings, retries and parallel work."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from tasks.download.errors import FetchError
from tasks.download.progress import Branch, Meter, Stopped

T = TypeVar("T")


@dataclass(frozen=True)
class Transfer:
    """How bytes are moved over a network."""

    threads: int = 8
    part_size_bytes: int = 16 << 20  # of an S3 object fetched by ranges
    attempts: int = 5  # in a row without a byte gained
    first_wait_s: float = 1.0  # doubles with every failed attempt
    timeout_s: float = 60.0  # without a byte


class Origin(Protocol):
    """A place that files come from."""

    def get(self, path: str, part: Path, *, bar: Meter, threads: int) -> None:
        """Bring the whole file `path` (empty: the one that the address names) to `part`; go on where `part` ends."""

    def place(self, path: str) -> str:
        """Where `path` lies, for messages."""

    def close(self) -> None:
        """Let connections go."""


class Transient(Exception):
    """A failure of the network that another attempt may not meet again."""

    def __init__(self, message: str, *, reached: int = 0, wait_s: float = 0.0) -> None:
        super().__init__(message)
        self.reached = reached  # bytes of the file that are here; the count of attempts starts anew when it grows
        self.wait_s = wait_s  # at least, as the server asks


def with_retries(job: Callable[[], T], *, transfer: Transfer) -> T:
    """Run `job` until it raises no `Transient`. Raises `FetchError` after `transfer.attempts` failures in a row."""
    failures = furthest = 0
    while True:
        try:
            return job()
        except Transient as error:
            failures = 1 if error.reached > furthest else failures + 1
            furthest = max(furthest, error.reached)
            if failures >= transfer.attempts:
                raise FetchError(
                    f"{error} ({failures} attempts). Check the network and the proxy settings, then run the same "
                    "command again: it goes on where it stopped. Without a network, put a copy below SAR_TEXT_MIRROR"
                ) from error
            time.sleep(max(transfer.first_wait_s * 2 ** (failures - 1), error.wait_s))


def parallel(jobs: Sequence[Callable[[Meter], None]], *, threads: int, bar: Meter) -> None:
    """Run `jobs` on `threads` threads. The first error stops the others at their next step and is raised."""
    if threads <= 1 or len(jobs) <= 1:
        for job in jobs:
            job(bar)
        return
    branch = Branch(bar)
    with ThreadPoolExecutor(threads) as pool:
        futures = [pool.submit(job, branch) for job in jobs]
        try:
            wait(futures, return_when=FIRST_EXCEPTION)
        finally:  # reached by Ctrl-C too
            if any(not future.done() or future.exception() for future in futures):
                branch.stop()
                pool.shutdown(cancel_futures=True)
    errors = [error for future in futures if not future.cancelled() and (error := future.exception())]
    for error in sorted(errors, key=lambda error: isinstance(error, Stopped)):
        raise error


def state_file(part: Path) -> Path:
    """Beside a part: what is needed to go on with it."""
    return part.with_name(part.name + ".state")


def discard(part: Path) -> None:
    """Forget a part and its state."""
    part.unlink(missing_ok=True)
    state_file(part).unlink(missing_ok=True)
