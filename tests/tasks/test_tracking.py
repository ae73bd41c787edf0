"""Where runs go, and what is said when they cannot."""

import socket

import pytest

from tasks import tracking


def test_a_password_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql://mlflow:s3cr:et@db.example:5432/runs")
    assert tracking.shown_uri() == "postgresql://mlflow:***@db.example:5432/runs"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow.example:5000/a:b@c")
    assert tracking.shown_uri() == tracking.uri()


def test_a_server_that_does_not_answer_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as reserved:  # bound and not listening: every connection is refused
        reserved.bind(("127.0.0.1", 0))
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{reserved.getsockname()[1]}")
        with pytest.raises(ValueError, match=r"does not answer.*unset MLFLOW_TRACKING_URI"):
            tracking.client()
