"""Faults of the disk: it is full, or a file of DVC's cache is not what it was."""

import json
import os
import shutil
import subprocess
from contextlib import suppress
from random import Random

import yaml

from benchmarks.faults.commands import Ended
from benchmarks.faults.project import Project
from benchmarks.faults.storage import flipped
from benchmarks.faults.trial import Fault, Undisturbed, again
from benchmarks.faults.works import CACHE, DOWNLOAD, PIPELINE, PULL, RETRAIN, Work

MIB = 1 << 20
ROOM_BYTES = 2048 * MIB
MODELS = ("sar-rs-clip", "sar-rs-coca", "sar-gpt")


def faults() -> list[Fault]:
    found = [
        Fault(
            "a corrupted file in the cache", (RETRAIN,), _damaged_file, "damaged",
            "The retrain names what is damaged in the cache, before it trains on it.",
            "As the message says: delete the file, `dvc fetch`, then the same command again.", again=_fetch_again,
        ),
    ]  # fmt: skip
    if os.geteuid() != 0:
        print("not root, who may mount: `full disk` is left out", flush=True)
        return found
    full = Fault(
        "full disk", (DOWNLOAD, PULL, PIPELINE, RETRAIN), _full, "[Nn]o space|full",
        "`No space left on device`, with the name of the file.", "Make room, then the same command again.",
        again=_with_room, end=_unmount,
    )  # fmt: skip
    return [full, *found]


def _full(project: Project, work: Work, rng: Random, expected: Undisturbed) -> Ended:
    """On a file system of its own (tmpfs) with room for a random part of what the work would write."""
    trial = project.root.parent
    aside = trial.with_name("aside")
    trial.rename(aside)
    trial.mkdir()
    _mount(f"size={ROOM_BYTES}", trial)
    shutil.copytree(aside / project.root.name, project.root, symlinks=True)
    shutil.rmtree(aside)
    used = ROOM_BYTES - shutil.disk_usage(trial).free
    _mount(f"remount,size={used + int(rng.random() * max(expected.grew_bytes, 4096))}", trial)
    return work.run(project)


def _with_room(project: Project, work: Work) -> Ended:
    _mount(f"remount,size={ROOM_BYTES}", project.root.parent)
    return again(project, work)


def _unmount(project: Project) -> None:
    subprocess.run(["umount", str(project.root.parent)], check=True)


def _mount(options: str, place: object) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)], check=True)


def _damaged_file(project: Project, work: Work, rng: Random, _: Undisturbed) -> Ended:
    """One bit of a file that a registered model learned from. Where the run does not need that file, the audit names
    it all the same."""
    name = rng.choice(_behind_models(project))
    place = project.root / CACHE / "files" / "md5" / name[:2] / name[2:]
    content, mode = place.read_bytes(), place.stat().st_mode
    place.chmod(0o644)
    place.write_bytes(flipped(content, rng))
    place.chmod(mode)
    ended = work.run(project)
    if not ended.well:
        return ended
    said = "".join(
        project.run("flows.cli", "audit", f"{model}@challenger", "--verify", limit_s=120).said for model in MODELS
    )
    if name not in said:
        return Ended(1, f"error: the audit does not name {name}\n", ended.took_s)
    with suppress(FileNotFoundError):
        place.unlink()
    place.write_bytes(content)
    return ended


def _behind_models(project: Project) -> list[str]:
    """Digests of all files in data sets and weights."""
    stages = yaml.safe_load((project.root / "dvc.lock").read_text(encoding="utf-8"))["stages"]
    outs = [out for entry in stages.values() for out in entry.get("outs", []) if out["md5"].endswith(".dir")]
    listings = [
        project.root / CACHE / "files" / "md5" / out["md5"][:2] / out["md5"][2:]
        for out in outs
        if out["path"].startswith(("data/", "models/")) and out["path"] != "data/predictions"
    ]
    return sorted(
        {file["md5"] for listing in listings if listing.is_file() for file in json.loads(listing.read_text())}
    )


def _fetch_again(project: Project, work: Work) -> Ended:
    """Delete what does not hash to its name, fetch it, and go on."""
    from benchmarks.faults import promises

    for line in promises.cache(project.root / CACHE):
        name = line.split()[-1]
        (project.root / CACHE / "files" / "md5" / name[:2] / name[2:]).unlink()
    project.run("dvc", "fetch", limit_s=120)
    return again(project, work)
