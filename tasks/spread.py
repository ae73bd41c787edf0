"""One function over many items: in this process, over processes of this machine, or over the workers of a scheduler.

Who does the work is no parameter of a stage but of the machine, and so an environment variable: outputs, their order
and their bytes are the same, and DVC must not run a stage again because it would now be spread otherwise.

`SAR_TEXT_DASK`     address of a Dask scheduler, such as tcp://10.0.0.5:8786, whose workers see the same paths
`SAR_TEXT_WORKERS`  else so many processes of this machine, started for the work on the loopback and ended with it
"""

import hashlib
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")

WORKERS, SCHEDULER = "SAR_TEXT_WORKERS", "SAR_TEXT_DASK"
_AHEAD = 3  # items a worker that may wait for the caller: bounds the memory
_PACKAGES = ("sar_models", "tasks")
_CONNECT = "30s"


def workers() -> int:
    """`SAR_TEXT_WORKERS`, 1 where it is not set. Raises `ValueError` unless it is a whole number from 1 on."""
    given = os.environ.get(WORKERS) or "1"
    if not (given.isdecimal() and int(given) > 0):
        raise ValueError(f"{WORKERS} is {given!r}: say how many processes share the work, from 1 on")
    return int(given)


def is_spread() -> bool:
    """Whether other processes than this one do the work."""
    return bool(os.environ.get(SCHEDULER)) or workers() > 1


def in_order(function: Callable[[T], R], items: Iterable[T], *, threads: int = 1) -> Iterator[R]:
    """`function` of each item, in the order of the items, as soon as it is there.

    `threads` of this process work where nothing else is asked for. What `function` raises is raised here. Raises
    `ValueError` when the scheduler cannot be reached, has no workers, or its workers run other code than this.
    """
    if is_spread():
        yield from _over_dask(function, items)
    elif threads > 1:
        with ThreadPoolExecutor(threads, thread_name_prefix="spread") as pool:
            yield from _windowed(pool.submit, function, items, ahead=threads * _AHEAD)
    else:
        yield from map(function, items)


def _windowed(submit: Callable[..., Any], function: Callable[[T], R], items: Iterable[T], *, ahead: int) -> Iterator[R]:
    rest = iter(items)
    waiting = deque(submit(function, item) for item in islice(rest, ahead))
    try:
        while waiting:
            yield waiting.popleft().result()
            waiting.extend(submit(function, item) for item in islice(rest, 1))
    finally:
        for future in waiting:
            future.cancel()


def _over_dask(function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    import logging

    from distributed import Client

    logging.getLogger("distributed").setLevel(logging.ERROR)  # else each start and end of a worker is news
    address = os.environ.get(SCHEDULER)
    with ExitStack() as stack:
        try:
            client = stack.enter_context(Client(address or stack.enter_context(_local(workers())), timeout=_CONNECT))
        except OSError as error:
            raise ValueError(
                f"no Dask scheduler answers at {SCHEDULER}={address}: start `dask scheduler` and `dask worker` there, "
                f"or unset it ({error})"
            ) from error
        if address:
            _check(client, address)

        def submit(*call: Any) -> Any:
            return client.submit(*call, pure=False)

        yield from _windowed(submit, function, items, ahead=sum(client.nthreads().values()) * _AHEAD)


def _check(client: Any, address: str) -> None:
    """Workers that were started elsewhere, or earlier, must run this code."""
    known = client.run(_code)
    if not known:
        raise ValueError(f"the scheduler at {address} has no workers: start `dask worker {address}`")
    here = _code()
    if others := sorted(worker for worker, code in known.items() if code != here):
        raise ValueError(
            f"{', '.join(others)}: other code than here, so the bytes could differ; bring the checkouts of the "
            "workers to the same commit and start them again"
        )


def _local(number: int) -> Any:
    """A cluster of this machine: one thread a process, and nothing that listens beyond the loopback."""
    from distributed import LocalCluster

    return LocalCluster(
        n_workers=number,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        memory_limit=0,
    )


def _code() -> str:
    """Digest of the packages as they lie where this runs."""
    here = Path(__file__).resolve().parent.parent
    total = hashlib.sha256()
    for path in sorted(path for name in _PACKAGES for path in (here / name).rglob("*.*")):
        if path.suffix in (".py", ".yaml", ".json"):
            total.update(path.relative_to(here).as_posix().encode() + b"\0")
            total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()
