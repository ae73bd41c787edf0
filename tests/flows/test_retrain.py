"""Retraining in a small clone, from a source on an S3-protocol server: nothing new, new data, an interruption."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from clones import edit, run, small_clone
from moto.server import ThreadedMotoServer

from benchmarks.faults.project import chip
from tasks.download.digests import of_file

pytestmark = pytest.mark.e2e
SOURCE = {
    "title": "Chips", "format": "chips", "modality": "sar", "role": "train", "licence": "CC0-1.0", "citation": "none",
    "radiometry": {"unit": "amplitude"}, "classes": {"T72": "t72"}, "reader": {"image": r"(?P<class>\w+)/\d+\.png"},
}  # fmt: skip


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=Test", "-c", "user.email=test@localhost", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture(scope="module")
def bucket() -> Iterator[Any]:
    keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    before = dict(os.environ)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    os.environ.update(keys | {"AWS_ENDPOINT_URL": "http://{}:{}".format(*server.get_host_and_port())})
    yield boto3.resource("s3", region_name="us-east-1").create_bucket(Bucket="retrain")
    server.stop()
    for name in (*keys, "AWS_ENDPOINT_URL"):
        del os.environ[name]
    os.environ.update(before)


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory, bucket: Any) -> Iterator[Path]:
    """Built and committed, with few sources, one of which is watched."""
    folder = tmp_path_factory.mktemp("retrain") / "clone"
    small_clone(folder)
    first = folder.parent / "first"
    for number in range(8):
        (first / "T72").mkdir(parents=True, exist_ok=True)
        (first / f"T72/{number}.png").write_bytes(chip(number))
        bucket.put_object(Key=f"chips/T72/{number}.png", Body=chip(number))
    listed = folder / "sources/chips.sha256"
    listed.write_text("".join(f"{of_file(first / 'T72' / f'{n}.png').sha256}  T72/{n}.png\n" for n in range(8)))
    pins = {"files_list": listed.name, "files_list_sha256": of_file(listed).sha256}
    described = {**SOURCE, "address": f"s3://{bucket.name}/chips/", **pins}
    (folder / "sources/chips.yaml").write_text(yaml.safe_dump(described, sort_keys=False))
    (folder / "sources/watched").mkdir()
    (folder / "sources/watched/chips.yaml").write_text('include: ["*.png"]\n')
    edit(folder / "params.yaml", {
        "sources": {"sim_optical": "optical", "sim_ships": "sar", "chips": "sar"}, "pairs.sources": [],
        "model_text.sources": [],
    })  # fmt: skip
    built = run(folder, "-m", "flows.repro")
    assert built.returncode == 0, built.stdout[-4000:] + built.stderr[-4000:]
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=built")
    yield folder
    run(folder, "-m", "flows.cli", "down")


def retrain(folder: Path, *arguments: str, **more: str) -> str:
    answer = run(folder, "-m", "flows.cli", "retrain", *arguments, **more)
    assert answer.returncode == 0, answer.stdout[-4000:] + answer.stderr[-4000:]
    return answer.stdout


def test_new_objects_become_a_branch_and_what_is_interrupted_goes_on(clone: Path, bucket: Any) -> None:
    head, lock = git(clone, "rev-parse", "HEAD"), (clone / "dvc.lock").read_bytes()
    assert "nothing new: no source moved, and every stage is up to date" in retrain(clone)
    assert git(clone, "branch", "--list", "retrain/*") == ""

    for number in (8, 9, 10):
        bucket.put_object(Key=f"chips/T72/{number}.png", Body=chip(number))
    bucket.Object("chips/T72/0.png").delete()
    said = retrain(clone, "--dry-run")
    assert "chips: 3 new, 0 changed, 1 removed" in said
    assert "out of date: download@chips" in said
    assert git(clone, "branch", "--list", "retrain/*") == ""

    broken = run(clone, "-m", "flows.cli", "retrain", SAR_TEXT_LANES="many")
    assert broken.returncode == 1
    assert "SAR_TEXT_LANES is 'many'" in broken.stderr
    assert git(clone, "log", "--format=%s", f"{head}..retrain/1") == "New data for retrain/1"

    said = retrain(clone, SAR_TEXT_WEBHOOK_URL="http://127.0.0.1:9/s3cret")
    assert "retrain/1 was interrupted: it goes on from there" in said
    assert "warning: the service at SAR_TEXT_WEBHOOK_URL cannot be told" in said
    assert "s3cret" not in said
    message = git(clone, "log", "-1", "--format=%B", "retrain/1")
    assert message.startswith("retrain/1: chips: 3 new, 0 changed, 1 removed; sar-rs-clip")
    assert "| chips | 3 | 0 | 1 |" in message
    assert "| sar/sim_ships | mean_recall |" in message
    assert "**refused**" in message or "**passed**" in message
    changed = set(git(clone, "diff", "--name-only", head, "retrain/1").splitlines())
    assert {"sources/chips.sha256", "sources/chips.yaml", "dvc.lock", "metrics/evaluate.json"} <= changed
    assert "T72/10.png" in git(clone, "show", "retrain/1:sources/chips.sha256")

    assert git(clone, "rev-parse", "HEAD") == head
    assert git(clone, "status", "--porcelain") == ""
    assert (clone / "dvc.lock").read_bytes() == lock
    assert "nothing new" in retrain(clone), "the last retrain has the new data already"
    assert git(clone, "branch", "--list", "--format=%(refname:short)", "retrain/*") == "retrain/1"


def test_the_weekly_audit_names_a_damaged_object(clone: Path) -> None:
    cache, lock = clone / ".dvc/cache/files/md5", yaml.safe_load(git(clone, "show", "retrain/1:dvc.lock"))
    folder = lock["stages"]["finetune@clip"]["outs"][0]["md5"]
    listed = json.loads((cache / folder[:2] / folder[2:]).read_text())
    weights = next(each["md5"] for each in listed if each["relpath"] == "model.safetensors")
    damaged = cache / weights[:2] / weights[2:]
    sound, mode = damaged.read_bytes(), damaged.stat().st_mode
    damaged.chmod(0o644)
    damaged.write_bytes(bytes([sound[0] ^ 1]) + sound[1:])
    try:
        audited = run(clone, "-m", "flows.audit")
    finally:
        damaged.write_bytes(sound)
        damaged.chmod(mode)
    assert audited.returncode == 1
    assert re.search(r"finding: .*models/two_stage/clip.* model\.safetensors .*hashes to", audited.stdout)
    assert re.search(r"error: the audit has \d+ findings, listed above", audited.stderr)
