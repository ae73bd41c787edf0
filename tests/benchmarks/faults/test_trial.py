"""A trial tells a clear reason from none, ends what takes too long, and kills what it means to."""

import sys
from pathlib import Path

import httpx
import psutil
import pytest

from benchmarks.faults import commands
from benchmarks.faults.bucket import NAME, bucket
from benchmarks.faults.trial import reason


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("12:00 | INFO | fine\n\nerror: the disk is full: make room\n", "error: the disk is full: make room"),
        ("evaluate   | error: first\nERROR: \x1b[31mlast\x1b[0m\n", "ERROR: last"),
        ("prefect.flow-run.Crashed\nFlow run finished in state 'Crashed'.\n", "Flow run finished in state 'Crashed'."),
        ("Traceback (most recent call last):\n  File x\nKeyError: 'a'\n", ""),
        ("", ""),
    ],
)
def test_the_reason_is_a_line_that_names_an_error(said: str, why: str) -> None:
    assert reason(said) == why


PARENT = """import subprocess, time
print(subprocess.Popen(["sleep", "60"]).pid, flush=True)
time.sleep(60)
"""


def program(folder: Path, text: str) -> list[str]:
    (folder / "program.py").write_text(text)
    return ["program"]


def test_what_takes_too_long_is_ended_with_its_children(tmp_path: Path) -> None:
    ended = commands.run(
        program(tmp_path, PARENT), cwd=tmp_path, environment=commands.environment(tmp_path), limit_s=2.0
    )
    assert ended.exit_code == commands.TOO_LONG
    assert not psutil.pid_exists(int(ended.said)) or psutil.Process(int(ended.said)).status() == psutil.STATUS_ZOMBIE


def test_a_kill_is_seen_as_one(tmp_path: Path) -> None:
    ended = commands.run(
        program(tmp_path, "import time\ntime.sleep(60)\n"), cwd=tmp_path, environment=commands.environment(tmp_path),
        limit_s=30.0, meanwhile=lambda process: commands.kill(commands.family(process.pid)),
    )  # fmt: skip
    assert (ended.exit_code, ended.well) == (-9, False)


def test_nothing_of_who_runs_the_faults_reaches_a_trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "mine")
    monkeypatch.setenv("SAR_TEXT_LANES", "1")
    found = commands.environment(tmp_path, AWS_MAX_ATTEMPTS="2", PREFECT_API_URL="")
    assert not {"AWS_PROFILE", "SAR_TEXT_LANES", "PREFECT_API_URL"} & found.keys()
    assert (found["AWS_MAX_ATTEMPTS"], found["PATH"].split(":")[0]) == ("2", str(Path(sys.executable).parent))


def test_the_proxy_is_bad_for_as_long_as_it_is_told() -> None:
    with bucket() as at, httpx.Client(trust_env=False) as client:
        at.client.put_object(Bucket=NAME, Key="x", Body=bytes(1000), ACL="public-read")

        def ask() -> httpx.Response:
            return client.get(f"{at.url}/{NAME}/x")

        good = ask().headers["ETag"]
        at.proxy.strike("503", spared=1, left=2)
        assert [ask().status_code for _ in range(4)] == [200, 503, 503, 200]
        assert at.proxy.struck == 2
        at.proxy.strike("etag", spared=0, left=1)
        assert ask().headers["ETag"] != good
        assert ask().headers["ETag"] == good
        for kind in ("truncate", "drop"):
            at.proxy.strike(kind, spared=0, left=None)
            for _ in range(2):
                with pytest.raises(httpx.RemoteProtocolError):
                    ask()
        at.proxy.heal()
        assert (ask().status_code, ask().content) == (200, bytes(1000))


def test_a_bucket_is_put_back(tmp_path: Path) -> None:
    with bucket() as at:
        at.put("a/1", b"one")
        at.put("a/2", b"two")
        at.save(tmp_path)
        at.put("a/1", b"other")
        at.delete("a/2")
        at.put("b", b"new")
        at.restore()
        assert at.objects() == {"a/1": b"one", "a/2": b"two"}
