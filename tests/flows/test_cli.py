"""A user's mistake is one line, never a traceback."""

import sys
from pathlib import Path

import pytest

from benchmarks import run as benchmark
from flows import cli


@pytest.mark.parametrize("problem", [OSError(28, "No space left on device"), ValueError("no such thing")])
def test_a_subcommand_that_fails_is_one_line(problem: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise problem

    monkeypatch.setattr(cli, "_results", fail)
    monkeypatch.setattr(sys, "argv", ["sar-text", "results"])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == f"error: {problem}"


def test_a_file_where_a_folder_should_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.bin").write_bytes(b"x")
    (tmp_path / "FILE").write_text("a file")
    out = tmp_path / "FILE" / "sub" / "list.sha256"
    monkeypatch.setattr(sys, "argv", ["sar-text", "digests", str(tmp_path / "images"), "--out", str(out)])
    with pytest.raises(SystemExit, match=r"^error: .*Not a directory.*FILE/sub"):
        cli.main()


@pytest.mark.parametrize("name", ["shard", "--help", "run"])
def test_an_unknown_benchmark_names_those_there_are(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["run", name])
    with pytest.raises(SystemExit, match=rf"^no benchmark '{name}'; there are .*narrate, .*shards"):
        benchmark.main()


@pytest.mark.parametrize("profile", ["nothing", "../params", "real.yaml", ""])
def test_an_unknown_profile_names_those_there_are(profile: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["sar-text", "run", profile])
    with pytest.raises(SystemExit, match=rf"^error: no profile '{profile}'; known: gpu, real, real_imagenet$"):
        cli.main()


def test_an_interrupt_is_one_word(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_results", interrupt)
    monkeypatch.setattr(sys, "argv", ["sar-text", "results"])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert (stopped.value.code, capsys.readouterr().err) == (130, "\nstopped\n")
