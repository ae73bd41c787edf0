"""What every stage flow shares: the server, the tracking switch, Prefect tasks around functions, artifacts, exit code.

`python -m flows.narrate sim_ships` is exactly what `dvc repro narrate@sim_ships` runs.
"""

import logging
import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar

from tasks import tracking

PROGRESS_SECONDS = 5.0  # between two looks at a training
INTERRUPTED = 130  # as shells say of a program that was ended by Ctrl-C

P = ParamSpec("P")
R = TypeVar("R")


def step(function: Callable[P, R]) -> Callable[P, R]:
    """`function` as a Prefect task, or unchanged with tracking off.

    DVC is the only cache, so Prefect keeps no results. What waits on a network retries by itself, request by request.
    """
    if not tracking.enabled():
        return function
    from prefect import task
    from prefect.cache_policies import NO_CACHE

    wrap = task(
        name=getattr(function, "__name__", "step"),
        cache_policy=NO_CACHE,
        persist_result=False,
    )
    return wrap(function)


def table(key: str, rows: Sequence[Mapping[str, Any]], *, description: str) -> None:
    """Publish `rows` as a Prefect table artifact."""
    if not tracking.enabled():
        return
    from prefect.artifacts import create_table_artifact

    create_table_artifact([dict(row) for row in rows], key=artifact_key(key), description=description)


def progress(key: str, *, description: str) -> Callable[[Mapping[str, float]], None]:
    """A Prefect progress artifact; what is returned moves it by the `progress_percent` that a training logs, now and
    then."""
    if not tracking.enabled():
        return lambda metrics: None
    from prefect.artifacts import create_progress_artifact, update_progress_artifact

    artifact: Any = create_progress_artifact(0.0, key=artifact_key(f"{key} progress"), description=description)
    shown_s = 0.0

    def show(metrics: Mapping[str, float]) -> None:
        nonlocal shown_s
        percent = next((value for name, value in metrics.items() if name.endswith("progress_percent")), None)
        if percent is not None and (time.monotonic() - shown_s > PROGRESS_SECONDS or percent >= 100):
            shown_s = time.monotonic()
            update_progress_artifact(artifact, progress=percent)

    return show


def artifact_key(name: str) -> str:
    """Prefect wants lower-case letters, digits and dashes."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def main(flow: Any, *arguments: str) -> None:
    """Run `flow` on the command line's arguments, which must be as many as `arguments` names; exit 1 on failure.

    A user's mistake, or a file that cannot be read or written, is one line: the message says what to do, and a
    traceback would hide it.
    """
    given = sys.argv[1:]
    if len(given) != len(arguments):
        sys.exit(f"usage: python -m flows.{flow.name} {' '.join(arguments)}")
    try:
        run(flow, *given)
    except (ValueError, OSError) as error:
        sys.exit(f"\nerror: {error}")
    except KeyboardInterrupt:
        print("\nstopped; the same command goes on from here", file=sys.stderr)
        sys.exit(INTERRUPTED)


def run(flow: Any, *given: Any) -> None:
    """Run `flow` on `given`, reported to the Prefect server, which is started if need be; plainly with tracking off."""
    if not tracking.enabled():
        flow.fn(*given)
        return
    from prefect.settings import PREFECT_API_URL, PREFECT_HOME, temporary_settings

    from flows import server

    updates: dict[Any, Any] = {PREFECT_API_URL: server.address()}
    if "PREFECT_API_URL" not in os.environ:
        updates[PREFECT_HOME] = str(server.home())
    for handler in logging.getLogger().handlers:  # the console; the server gets its record before, with the traceback
        handler.addFilter(_one_line)
    with temporary_settings(updates=updates), _what_failed_told(updates[PREFECT_API_URL]):
        flow(*given)


@contextmanager
def _what_failed_told(prefect_url: str) -> Iterator[None]:
    """A server that fails or goes away while a flow runs, or a full disk, is no fault of this program: one line."""
    import httpx
    from prefect.exceptions import PrefectHTTPStatusError

    from tasks import full_disk

    try:
        yield
    except (ValueError, FileNotFoundError, PermissionError):
        raise  # says itself what to do
    except httpx.TransportError as error:
        raise ValueError(
            f"Prefect at {prefect_url} does not answer any more ({error}): start it (`make up`), then run the same "
            "command again, which goes on from here"
        ) from error
    except Exception as error:
        why = full_disk.told(error) or tracking.lost_server(error)
        if why is None and isinstance(error, PrefectHTTPStatusError) and error.response.is_server_error:
            why = (
                f"Prefect at {prefect_url} answers {error.response.status_code}, as when its database is down: look at "
                "its log and the database, then run the same command again, which goes on from here"
            )
        if why is not None:
            raise ValueError(why) from error
        raise


def _one_line(record: logging.LogRecord) -> bool:
    """Show no traceback of what `main` ends with one line. Always True: every record is shown."""
    if record.exc_info and isinstance(record.exc_info[1], ValueError | OSError):
        record.exc_info = record.exc_text = None
    return True
