"""Python's cycle collector, out of the way of millions of rows."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def paused() -> Iterator[None]:
    """Also as a decorator. Rows of plain values hold no cycles, yet the collector walks through all of them again each
    time that they have grown by a quarter: a third of the time where a whole SAR-TEXT is built or checked."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
