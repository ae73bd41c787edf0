"""The tables of `sar-text results`."""

import json
from pathlib import Path

import pytest

from flows import show
from tasks import paths


def entry(value: float) -> dict[str, float]:
    return {"value": value, "low": value - 1, "high": value + 1, "n": 40}


def test_exact_match_is_shown_where_something_was_asked(
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


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "\udcff"])
def test_damaged_metrics_are_named(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    (tmp_path / "metrics").mkdir()
    with pytest.raises(ValueError, match=r"evaluate\.json does not exist.*`make repro`"):
        show.results()
    (tmp_path / "metrics" / "evaluate.json").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(ValueError, match=r"evaluate\.json (is damaged|holds no test set).*git checkout"):
        show.results()
