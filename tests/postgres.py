"""A PostgreSQL server of a test's own."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from benchmarks.faults import postgres as server

PASSWORD = server.PASSWORD


@contextmanager
def postgres() -> "Iterator[str]":
    """Address of a server on this machine; skips the test where none is installed."""
    if server.programs() is None:
        pytest.skip("PostgreSQL is not installed, and no Python package brings it: apt-get install postgresql")
    with server.postgres() as running:
        yield running.url
