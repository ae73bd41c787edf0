"""The tables of `sar-text results`."""

import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace

import pytest

from flows import show
from tasks import paths


def entry(value: float) -> dict[str, float]:
    return {"value": value, "low": value - 1, "high": value + 1, "n": 40}


def test_what_was_measured_is_shown_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    measured = {
        name: {
            variant: {metric: entry(10.0 * number) for metric in ("mean_recall", "cider", *asked)}
            for number, variant in enumerate(show.VARIANTS, start=1)
        }
        for name, asked in (("sar/asked", ["vqa_exact_match"]), ("sar/not_asked", []))
    }
    measured["sar/asked"]["their_clip"] = {"mean_recall": entry(77.0)}
    compared = {
        name: dict.fromkeys(("two_stage-optical", "two_stage-sar", "two_stage-initial"), variants["initial"])
        for name, variants in measured.items()
    }
    paths.metrics("evaluate").parent.mkdir()
    paths.metrics("evaluate").write_text(json.dumps(measured))
    paths.metrics("compare").write_text(json.dumps(compared))
    show.results()
    said = capsys.readouterr().out
    assert said.count("sar/asked") == 3
    assert said.count("sar/not_asked") == 2
    assert "vqa_exact_match" in said
    recall, cider, _ = said.split("95 % intervals")[1:]
    assert "their_clip" in recall
    assert "77.0 [76.0, 78.0]" in recall
    assert "77.0" not in cider


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "\udcff"])
def test_damaged_metrics_are_named(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    (tmp_path / "metrics").mkdir()
    with pytest.raises(ValueError, match=r"evaluate\.json does not exist.*`make repro`"):
        show.results()
    (tmp_path / "metrics" / "evaluate.json").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(ValueError, match=r"evaluate\.json (is damaged|holds no test set).*git checkout"):
        show.results()


def test_status_says_whether_the_named_server_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Well(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/api/health" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.setenv("SAR_TEXT_STATE", str(tmp_path / ".state"))
    monkeypatch.setattr(show.tracking, "client", lambda: SimpleNamespace(search_registered_models=list))
    with HTTPServer(("127.0.0.1", 0), Well) as well:
        url = f"http://127.0.0.1:{well.server_port}/api"
        monkeypatch.setenv("PREFECT_API_URL", url)
        Thread(target=well.serve_forever, daemon=True).start()
        show.status()
        well.shutdown()
    assert f"Prefect: {url.removesuffix('/api')}\n" in capsys.readouterr().out
    for silent in (url, "no address"):
        monkeypatch.setenv("PREFECT_API_URL", silent)
        show.status()
        assert f"Prefect: {silent.removesuffix('/api')} (does not answer)\n" in capsys.readouterr().out
