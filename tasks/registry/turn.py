"""One change of champion at a time, on one machine and between those that share a registry.

On one machine a file lock does it: beside a SQLite registry, else in `.state/`; one that was killed holds nothing.
Between machines MLflow has no lock, but no two registered models of one name: who makes `LOCK` holds it, and deletes it
after. One that a killed process left is taken away at once by its own machine (which holds the file lock, so that
nobody can be at work), and by others when it is old.
"""

import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import filelock

from tasks import paths, tracking

LOCK = "sar-text-champion-is-being-changed"
PATIENCE_S = 60.0  # a change takes a second
DEAD_AFTER_S = 600.0  # clocks of machines differ, and a server may be slow
LOOK_S = 0.2


@contextmanager
def turn() -> Iterator[None]:
    """Wait for the turn, and have it inside; who has it already may take it again.

    Raises `ValueError` when another process keeps it.
    """
    local = tracking.uri().startswith("sqlite:///")
    beside = Path(tracking.uri().removeprefix("sqlite:///")).parent if local else paths.state()
    lock = filelock.FileLock(beside / "champion.lock", is_singleton=True)
    try:
        lock.acquire(timeout=PATIENCE_S)
    except filelock.Timeout as error:
        raise ValueError(_kept("of this machine")) from error
    try:
        if local or lock.lock_counter > 1:
            yield
        else:
            with _alone_on_server():
                yield
    finally:
        lock.release()


@contextmanager
def _alone_on_server() -> Iterator[None]:
    from mlflow.exceptions import MlflowException

    client, me = tracking.client(), f"{platform.node()}:{paths.state()}"
    deadline_s = time.monotonic() + PATIENCE_S
    while True:
        try:
            client.create_registered_model(LOCK, description=me)
            break
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        holder = _holder(client)
        if holder is None:
            continue
        if holder.description == me or time.time() - holder.creation_timestamp / 1000 > DEAD_AFTER_S:
            _delete(client)
        elif time.monotonic() > deadline_s:
            raise ValueError(_kept(f"on {holder.description}"))
        time.sleep(LOOK_S)
    try:
        yield
    finally:
        _delete(client)


def _holder(client: Any) -> Any:
    found = client.search_registered_models(filter_string=f"name = '{LOCK}'")
    return found[0] if found else None


def _delete(client: Any) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.delete_registered_model(LOCK)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":  # taken for dead by another machine
            raise


def _kept(where: str) -> str:
    return (
        f"another command {where} has been changing a champion for {PATIENCE_S:.0f} s: wait for its end, then "
        "type yours again"
    )
