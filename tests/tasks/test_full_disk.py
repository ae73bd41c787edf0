"""A full disk is told apart from other errors, in whatever words it comes; a really full one among them."""

import errno
import sqlite3
from pathlib import Path
from types import SimpleNamespace

import pytest

from tasks import full_disk


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.delenv("SAR_TEXT_STATE", raising=False)


def caused(cause: Exception) -> Exception:
    error = RuntimeError("the run could not be written")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device", "x"),
        sqlite3.OperationalError("database or disk is full"),
        caused(sqlite3.OperationalError("database or disk is full")),
        caused(caused(OSError(errno.ENOSPC, "No space left on device"))),
    ],
)
def test_errors_of_a_full_disk(error: Exception, tmp_path: Path) -> None:
    said = full_disk.told(error)
    assert said is not None
    assert str(tmp_path) in said
    assert "make room, then run the same command again" in said


def test_other_errors_are_left_to_themselves() -> None:
    assert full_disk.told(KeyError("x")) is None
    assert full_disk.told(caused(PermissionError(errno.EACCES, "Permission denied"))) is None


def test_any_error_on_a_disk_without_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as a server's answer 500, which does not say that its own database could not be written."""
    monkeypatch.setattr(full_disk.shutil, "disk_usage", lambda place: SimpleNamespace(free=4096))
    assert "no space left" in (full_disk.told(RuntimeError("Server error '500'")) or "")
