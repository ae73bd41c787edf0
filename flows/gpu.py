"""The GPUs of this machine as slots of a concurrency limit on the Prefect server: a stage that uses them takes one
slot for each of its processes, so that stages of all runs of all checkouts here go one after the other."""

import platform
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

from tasks import tracking

LOOK_S = 5.0  # between two looks at whether to go on waiting


def limit_name() -> str:
    """Name of the limit of this machine."""
    return f"gpu-{platform.node()}"


def count() -> int:
    """GPUs of this machine; 1 without, so that stages that would use it go one at a time here too."""
    import torch

    return max(1, torch.cuda.device_count())


@contextmanager
def slots(gpus: int, *, given_up: Callable[[], bool] = lambda: False) -> Iterator[None]:
    """Hold `gpus` slots of this machine, or all where it has fewer; wait for them until `given_up()`.

    Nothing is held for 0, or with tracking off. A limit that is not there yet is made. A slot whose process died is
    free again after five minutes.
    """
    if gpus == 0 or not tracking.enabled():
        yield
        return
    from prefect.client.orchestration import get_client
    from prefect.concurrency.sync import concurrency
    from prefect.exceptions import ObjectNotFound

    with get_client(sync_client=True) as prefect:
        try:
            limit = prefect.read_global_concurrency_limit_by_name(limit_name()).limit
        except ObjectNotFound:
            limit = count()
            prefect.upsert_global_concurrency_limit_by_name(limit_name(), limit)
    held = False
    with ExitStack() as stack:
        while not held and not given_up():
            with suppress(TimeoutError):
                # an answer of the server that fails to come must not end a training of days
                taken = concurrency(
                    limit_name(), min(gpus, limit), timeout_seconds=LOOK_S, raise_on_lease_renewal_failure=False
                )
                stack.enter_context(taken)
                held = True
        yield
