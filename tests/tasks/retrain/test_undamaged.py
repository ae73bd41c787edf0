"""A flipped bit in DVC's cache is named before anything is trained on it, and the next checkout is made anew."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.retrain import undamaged


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A repository with one stage that DVC itself ran."""
    for command in (["git", "init", "--quiet"], [sys.executable, "-m", "dvc", "init", "--quiet"]):
        subprocess.run(command, cwd=tmp_path, check=True)
    make = "mkdir -p data/a && echo one > data/a/x && echo two > data/a/y"
    (tmp_path / "dvc.yaml").write_text(json.dumps({"stages": {"make": {"cmd": make, "outs": ["data/a"]}}}))
    subprocess.run([sys.executable, "-m", "dvc", "repro", "--quiet"], cwd=tmp_path, check=True)
    return tmp_path


def damage(path: Path, content: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(content)


def objects(tree: Path) -> list[Path]:
    return sorted((tree / ".dvc/cache/files/md5").glob("??/*"))


def test_a_sound_cache_and_no_lock_at_all(tree: Path) -> None:
    undamaged.check(tree)
    (tree / "dvc.lock").unlink()
    undamaged.check(tree)
    assert (tree / "data/a/x").is_file()


def test_a_changed_file_is_named_and_its_checkout_deleted(tree: Path) -> None:
    place = next(path for path in objects(tree) if path.read_bytes() == b"one\n")
    damage(place, b"onf\n")
    with pytest.raises(ValueError, match=rf"cache is damaged.*data/a \({place}\).*`dvc fetch`"):
        undamaged.check(tree)
    assert not (tree / "data/a").exists()
    place.unlink()
    undamaged.check(tree)  # what is missing is fetched or built when it is needed


def test_a_changed_listing_is_named(tree: Path) -> None:
    place = next(path for path in objects(tree) if path.suffix == ".dir")
    damage(place, place.read_bytes().replace(b'"x"', b'"z"'))
    with pytest.raises(ValueError, match=rf"cache is damaged.*{place.name}"):
        undamaged.check(tree)
