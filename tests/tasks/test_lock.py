"""What `dvc.lock` says, and what is said when it cannot be read."""

import os
import time
from pathlib import Path
from threading import Event, Thread

import pytest
import yaml
from dvc.repo import Repo

from tasks import lock


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    return tmp_path


def test_every_output_with_its_digest(project: Path) -> None:
    (project / "dvc.lock").write_text("stages:\n  a: {outs: [{path: x, md5: '1'}]}\n  b: {cmd: c}\n")
    assert lock.output_digests() == {"x": "1"}


def test_a_folder_has_the_digest_that_dvc_gives_it(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("x/inside", "x.y/inside", "x", "x0", "é/ü"):
        (project / "made" / name).mkdir(parents=True, exist_ok=True)
        (project / "made" / name / "file.bin").write_text(name)
    monkeypatch.chdir(project)
    with Repo.init(str(project), no_scm=True) as repo:
        repo.add("made")
    (out,) = yaml.safe_load((project / "made.dvc").read_text())["outs"]
    assert lock.digest_of(project / "made") == out["md5"]


def test_nothing_was_built(project: Path) -> None:
    with pytest.raises(ValueError, match="nothing was built yet"):
        lock.output_digests()


@pytest.mark.parametrize("content", [b"][", b"<<<<<<< HEAD\nstages: {}\n", b"stages: []", b"[1]", b"\xff\xfe"])
def test_a_damaged_lock_says_how_to_get_it_back(content: bytes, project: Path) -> None:
    (project / "dvc.lock").write_bytes(content)
    os.utime(project / "dvc.lock", (0, 0))  # nobody is writing it
    with pytest.raises(ValueError, match=r"git checkout HEAD -- dvc\.lock"):
        lock.output_digests()


def test_a_lock_that_another_stage_is_writing_is_read_whole(project: Path) -> None:
    """As DVC writes it: cut short, then written on. What was cut can be sound YAML with fewer stages."""
    stages = [f"  s{number}:\n    outs:\n    - path: p{number}\n      md5: '{number}'\n" for number in range(4)]
    whole = "stages:\n" + "".join(stages)
    cuts = (whole[: whole.index("  s3")], whole[: whole.rindex("\n      md5")], "")
    (project / "dvc.lock").write_text(whole)
    done = Event()

    def write() -> None:
        while not done.wait(0.5):
            for cut in cuts:
                (project / "dvc.lock").write_text(cut)
                time.sleep(0.02)
            (project / "dvc.lock").write_text(whole)

    writer = Thread(target=write)
    writer.start()
    try:
        found = [lock.output_digests()]
        done.set()
        found += [lock.output_digests() for _ in range(3)]
    finally:
        done.set()
        writer.join()
    assert found == [{f"p{number}": str(number) for number in range(4)}] * 4
