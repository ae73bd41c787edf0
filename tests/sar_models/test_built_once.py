"""Files built once: by one of several processes, whole or not at all, noticed where damaged."""

import multiprocessing
import os
import time
from pathlib import Path

import pytest

from sar_models.built_once import built_once


def write(folder: Path) -> None:
    (folder / "numbers").write_bytes(bytes(range(200)))


def unexpected(folder: Path) -> None:
    raise AssertionError("it was there already")


def test_what_is_there_is_not_built_again(tmp_path: Path) -> None:
    assert built_once(tmp_path / "a", build=write) == tmp_path / "a"
    assert (built_once(tmp_path / "a", build=unexpected) / "numbers").read_bytes() == bytes(range(200))


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "numbers").write_bytes(bytes(range(199))),
        lambda folder: (folder / "numbers").write_bytes(bytes(200)),
        lambda folder: (folder / "numbers").unlink(),
        lambda folder: (folder / "checksums.json").unlink(),
        lambda folder: (folder / "checksums.json").write_text('{"numbers": [2'),
    ],
    ids=["cut", "changed", "gone", "no checksums", "half of the checksums"],
)
def test_what_is_damaged_is_said_and_built_again(damage, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = built_once(tmp_path / "a", build=write)
    damage(folder)
    built_once(tmp_path / "a", build=write)
    assert f"{folder} is damaged: it is built again" in capsys.readouterr().err
    built_once(tmp_path / "a", build=unexpected)


def test_a_build_that_fails_leaves_nothing_to_be_found(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        write(folder)
        raise ValueError("the disk is full")

    with pytest.raises(ValueError, match="the disk is full"):
        built_once(tmp_path / "a", build=fail)
    assert not (tmp_path / "a").exists()
    assert (built_once(tmp_path / "a", build=write) / "numbers").stat().st_size == 200


def slowly(folder: Path, log: Path) -> None:
    def build(partial: Path) -> None:
        with log.open("a") as file:
            file.write("built\n")
        time.sleep(0.3)
        write(partial)

    assert (built_once(folder, build=build) / "numbers").stat().st_size == 200


def test_of_several_processes_one_builds(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    both = [context.Process(target=slowly, args=(tmp_path / "a", tmp_path / "log")) for _ in range(3)]
    for process in both:
        process.start()
    for process in both:
        process.join()
    assert [process.exitcode for process in both] == [0, 0, 0]
    assert (tmp_path / "log").read_text() == "built\n"


def test_what_was_not_used_for_a_month_goes_when_another_is_built(tmp_path: Path) -> None:
    month_s = 31 * 86_400
    for name in ("old", "in_use", "new"):
        if name == "new":
            for folder in (tmp_path / "old", tmp_path / "in_use"):
                os.utime(folder, (time.time() - month_s, time.time() - month_s))
            built_once(tmp_path / "in_use", build=write)
        built_once(tmp_path / name, build=write)
    assert {path.name for path in tmp_path.iterdir() if path.is_dir()} == {"in_use", "new"}
