"""A PostgreSQL server of a test's own."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from benchmarks.faults import postgres as server

PASSWORD = server.PASSWORD


@contextmanager
def postgres() -> "Iterator[str]":
    """Address of a server on this machine, whose other programs (`pg_dump` …) are found meanwhile."""
    with pytest.MonkeyPatch.context() as patch, server.postgres() as running:
        patch.setenv("PATH", f"{os.environ['PATH']}{os.pathsep}{server.programs()}")
        yield running.url
