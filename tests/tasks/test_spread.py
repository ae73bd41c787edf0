"""The work of a stage over processes: the same order, the same bytes, the same errors, and nothing left behind."""

import hashlib
import os
import socket
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import psutil
import pytest
import yaml
from PIL import Image

from tasks import paths, records, spread
from tasks.download.stage import download_source

IMAGES = 70  # more than one message holds
DESCRIPTION = {
    "title": "Made", "format": "binary_masks", "modality": "sar", "role": "both", "licence": "CC0-1.0",
    "citation": "Nobody", "radiometry": {"unit": "amplitude"}, "exhaustive": ["water"],
}  # fmt: skip


READER = {
    "classes": {"1": "water", "0": "background"},
    "reader": {"image": r"image/(?P<stem>\d+)\.png", "mask": "mask/{stem}.png", "give": "region", "above": 128},
}


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(spread.WORKERS, raising=False)
    monkeypatch.delenv(spread.SCHEDULER, raising=False)


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    from distributed import LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0") as cluster:
        yield cluster.scheduler_address


def children() -> set[int]:
    """Processes below this one, without the one that Python keeps beside `multiprocessing` to the end."""
    below = psutil.Process().children(recursive=True)
    return {child.pid for child in below if not any("resource_tracker" in word for word in child.cmdline())}


def listening(process: psutil.Process) -> list[str]:
    return [each.laddr.ip for each in process.net_connections("inet") if each.status == psutil.CONN_LISTEN]


def addresses(_: int, *, test: int) -> list[str]:
    """Where this worker listens, and the processes between it and the test."""
    me = psutil.Process()
    ours = [parent for parent in me.parents() if test in {parent.pid, *(above.pid for above in parent.parents())}]
    return [address for process in (me, *ours) for address in listening(process)]


def refuse(number: int) -> int:
    if number == 3:
        raise ValueError("three is no number of ours")
    return number


@pytest.mark.usefixtures("here")
def test_order_is_that_of_the_items(monkeypatch: pytest.MonkeyPatch, scheduler: str) -> None:
    want = [number**2 for number in range(40)]
    square = partial(pow, exp=2)
    assert list(spread.in_order(square, range(40))) == want
    assert list(spread.in_order(square, range(40), threads=3)) == want
    monkeypatch.setenv(spread.SCHEDULER, scheduler)
    assert list(spread.in_order(square, range(40))) == want


@pytest.mark.usefixtures("here")
def test_processes_listen_on_the_loopback_and_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(spread.WORKERS, "2")
    before = children()
    found = [address for each in spread.in_order(partial(addresses, test=os.getpid()), range(4)) for address in each]
    assert found
    assert set(found) == {"127.0.0.1"}
    assert children() <= before


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("given", ["0", "-1", "two", "1.5"])
def test_workers_must_be_a_number(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv(spread.WORKERS, given)
    with pytest.raises(ValueError, match=r"SAR_TEXT_WORKERS is .*how many processes"):
        spread.is_spread()


@pytest.mark.usefixtures("here")
def test_errors_of_a_worker_are_raised_here(monkeypatch: pytest.MonkeyPatch, scheduler: str) -> None:
    monkeypatch.setenv(spread.SCHEDULER, scheduler)
    with pytest.raises(ValueError, match="three is no number of ours"):
        list(spread.in_order(refuse, range(10)))


@pytest.mark.usefixtures("here")
def test_a_scheduler_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv(spread.SCHEDULER, f"tcp://127.0.0.1:{free.getsockname()[1]}")
    monkeypatch.setattr(spread, "_CONNECT", "300ms")
    with pytest.raises(ValueError, match="no Dask scheduler answers at SAR_TEXT_DASK=tcp"):
        list(spread.in_order(refuse, range(2)))


@pytest.mark.usefixtures("here")
def test_workers_with_other_code_are_refused(monkeypatch: pytest.MonkeyPatch, scheduler: str) -> None:
    monkeypatch.setenv(spread.SCHEDULER, scheduler)
    monkeypatch.setattr(spread, "_PACKAGES", ("tasks",))  # here: the workers look at all packages
    with pytest.raises(ValueError, match="other code than here"):
        list(spread.in_order(refuse, range(2)))


@pytest.mark.usefixtures("here")
def test_sources_are_equal_byte_for_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheduler: str) -> None:
    mirror = tmp_path / "archive"
    draw(mirror)
    made = [built(tmp_path / "one", mirror, monkeypatch)]
    monkeypatch.setenv(spread.WORKERS, "2")
    made.append(built(tmp_path / "two", mirror, monkeypatch))
    monkeypatch.setenv(spread.SCHEDULER, scheduler)
    made.append(built(tmp_path / "many", mirror, monkeypatch))
    assert len(made[0]) == 5
    assert made[0] == made[1] == made[2]


def draw(folder: Path) -> None:
    """Images with masks, one of them broken."""
    rng = np.random.default_rng(3)
    for number in range(IMAGES):
        for kind in ("image", "mask"):
            (folder / kind).mkdir(parents=True, exist_ok=True)
            pixels = rng.integers(1, 255, (32, 32)) if kind == "image" else (rng.random((32, 32)) > 0.5) * 255
            Image.fromarray(pixels.astype(np.uint8)).save(folder / kind / f"{number:02}.png")
    broken = folder / "image" / "05.png"
    broken.write_bytes(broken.read_bytes()[:100])


def built(root: Path, archive: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The digests of what download writes of the archive."""
    (root / "sources").mkdir(parents=True)
    monkeypatch.setenv("DVC_ROOT", str(root))
    monkeypatch.setenv("SAR_TEXT_STATE", str(root / "state"))
    monkeypatch.delenv("SAR_TEXT_MIRROR", raising=False)
    (root / "params.yaml").write_text("sources: {made: sar}\n")
    digests = {
        path.relative_to(archive).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(archive.rglob("*.png"))
    }
    (root / "sources" / "made.yaml").write_text(
        yaml.safe_dump(DESCRIPTION | {"address": archive.as_uri() + "/", "files": digests} | READER)
    )
    download_source("made")
    rows = records.read(paths.source_data("made") / "records.parquet")
    assert len(rows) == IMAGES
    assert sum(row["width_px"] == 0 for row in rows) == 1
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((root / "data").rglob("*"))
        if path.is_file()
    }
