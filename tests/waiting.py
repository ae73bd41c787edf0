"""Wait for what another process does."""

import time
from collections.abc import Callable

LIMIT_S = 300.0


def until(true: Callable[[], object]) -> None:
    """Until `true()` is; fails when it is not within `LIMIT_S`."""
    end = time.monotonic() + LIMIT_S
    while not true():
        assert time.monotonic() < end, f"it did not come to be so in {LIMIT_S:.0f} seconds"
        time.sleep(0.1)
