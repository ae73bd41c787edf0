"""Two versions side by side, from git and DVC's cache."""

import hashlib
import json
import shutil
import sys
from pathlib import Path

import pytest
from history import CHANGED, CODE, git, two_runs
from report_world import record_ids

from flows import cli
from tasks import tracking
from tasks.report.compare import compare, version


def said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What the `sar-text` command prints."""
    monkeypatch.setattr(sys, "argv", ["sar-text", *arguments])
    cli.main()
    return capsys.readouterr().out


def test_all_that_differs_between_two_commits_is_told(run: Path) -> None:
    first, second = two_runs(run)
    shutil.rmtree(run / "data")  # the cache has it
    found = compare(version("HEAD~1"), version("HEAD"))
    assert found["data"] == {
        path: [first[path], second[path]] for path in ("data/predictions", "metrics/evaluate.json")
    }
    assert found["records"] == {"sar.open_ships.captions_passed": [16, 15]}
    assert found["settings"] == {"clip.epochs": [None, 3]}
    assert found["code"] == {CODE: [hashlib.md5(b"seen = %d\n" % run).hexdigest() for run in (1, 2)]}
    assert found["environment"] == {"numpy": ["2.1.0", "2.2.0"]}
    row = {"test_set": "sar/all", "variant": "two_stage", "metric": "mean_recall"}
    assert found["metrics"] == [row | {"values": [30.0, 27.5], "difference": -2.5}]
    (item,) = found["items"]
    assert item["record_id"] == record_ids()[0]
    assert item["captions"] == ["0 ships near a pier.", CHANGED]
    assert item["cider"][0] > item["cider"][1]
    assert item["difference"] == pytest.approx(item["cider"][1] - item["cider"][0])


def test_a_version_equals_itself_and_the_tree_that_was_committed(run: Path) -> None:
    two_runs(run)
    for other in ("HEAD", "."):
        found = compare(version("HEAD"), version(other))
        names = {"a", "b", "metrics", "items"}
        assert {key: pairs for key, pairs in found.items() if key not in names and pairs} == {}
        assert found["metrics"] == found["items"] == []


def test_captions_out_of_reach_are_null(run: Path) -> None:
    two_runs(run)
    shutil.rmtree(run / ".dvc" / "cache")
    found = compare(version("HEAD~1"), version("HEAD"))
    assert found["items"] is None
    assert found["metrics"]


def test_an_unknown_version_is_named(run: Path) -> None:
    two_runs(run)
    for name in ("nowhere", "--help", "HEAD~9"):
        with pytest.raises(ValueError, match=rf"'{name}' is no commit, branch or tag"):
            version(name)
    with pytest.raises(ValueError, match=r"'models:/x' is no model"):
        version("models:/x")


def test_the_command_prints_text_that_cannot_steer_a_terminal_or_json(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    two_runs(run)
    shown = said(monkeypatch, capsys, "compare", "HEAD~1", "HEAD")
    assert "30.000 →   27.500  -2.500" in shown
    assert "two ships and \ufffd[31mnothing else." in shown
    assert "\x1b" not in shown
    assert said(monkeypatch, capsys, "diff", "HEAD~1", "HEAD") == shown
    assert json.loads(said(monkeypatch, capsys, "compare", "HEAD~1", "HEAD", "--json")) == compare(
        version("HEAD~1"), version("HEAD")
    )


def test_the_report_command_prints_where_the_page_is(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = run / "to send.html"
    assert said(monkeypatch, capsys, "report", "--no-open", "--out", str(out)).strip() == str(out)
    assert "30.0" in out.read_text()


@pytest.mark.e2e
def test_a_registered_model_stands_for_the_commit_with_its_weights_and_metrics(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    first, second = two_runs(run)
    client = tracking.client()
    client.create_registered_model("sar-rs-clip")
    for digests in (first, second, {**second, "metrics/evaluate.json": "0" * 32}):
        tags = {"dvc.weights": digests["models/two_stage/clip"], "dvc.metrics": digests["metrics/evaluate.json"]}
        client.create_model_version("sar-rs-clip", source=str(run), tags=tags)
    client.set_registered_model_alias("sar-rs-clip", "champion", "1")
    git(run, "commit", "--allow-empty", "-m", "later")
    found = compare(version("models:/sar-rs-clip@champion"), version("models:/sar-rs-clip/2"))
    assert found["data"] == compare(version("HEAD~2"), version("HEAD"))["data"]
    assert found["a"]["name"] == "models:/sar-rs-clip@champion"
    with pytest.raises(ValueError, match=r"no commit .* models:/sar-rs-clip/3"):
        version("models:/sar-rs-clip/3")
    with pytest.raises(ValueError, match=r"models:/sar-rs-clip/9 is not in"):
        version("models:/sar-rs-clip/9")
