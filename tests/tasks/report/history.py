"""A repository with two committed runs, their data in DVC's cache."""

import json
import subprocess
from pathlib import Path

import yaml
from dvc.repo import Repo
from report_world import captions, dump

OUTS = ["data/predictions", "data/sar_text", "models/two_stage/clip", {"metrics/evaluate.json": {"cache": False}}]
CODE = "tasks/evaluate/measure.py"
LOCKED = "numpy=={} \\\n    --hash=sha256:00\ntorch==2.8.0+cpu ; python_version > '3'\n"
CHANGED = "two ships and \x1b[31mnothing else."


def git(root: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, *arguments], cwd=root, check=True, capture_output=True)


def commit(root: Path, message: str) -> dict[str, str]:
    """Into DVC's cache, then into git; returns the digests."""
    with Repo(str(root)) as repo:
        repo.commit("evaluate", force=True)
    git(root, "add", "-A")
    git(root, "commit", "-m", message)
    (stage,) = yaml.safe_load((root / "dvc.lock").read_text())["stages"].values()
    return {out["path"]: out["md5"] for out in stage["outs"]}


def code(root: Path, text: str, *, numpy: str) -> None:
    """What the stage runs, and with which packages."""
    (root / CODE).parent.mkdir(parents=True, exist_ok=True)
    (root / CODE).write_text(text)
    (root / "requirements.lock").write_text(LOCKED.format(numpy))


def two_runs(root: Path) -> list[dict[str, str]]:
    """Two commits of the run in `root`: the second learned less, and its first caption is another. Its digests, too."""
    git(root, "init", "--quiet")
    Repo.init(str(root)).close()
    (root / ".gitignore").write_text("/data/\n/models/\n/.state/\n")
    (root / "dvc.lock").unlink()
    (root / "dvc.yaml").write_text(
        yaml.safe_dump({"stages": {"evaluate": {"cmd": "true", "deps": [CODE], "outs": OUTS}}})
    )
    code(root, "seen = 1\n", numpy="2.1.0")
    first = commit(root, "first")
    code(root, "seen = 2\n", numpy="2.2.0")
    captions(CHANGED)
    dump("params.yaml", {"seed": 7, "clip": {"architecture": "sar_clip_tiny", "epochs": 3}})
    measured = json.loads((root / "metrics" / "evaluate.json").read_text())
    measured["sar/all"]["two_stage"]["mean_recall"]["value"] = 27.5
    dump("metrics/evaluate.json", measured)
    checked = json.loads((root / "metrics" / "validate_sar.json").read_text())
    checked["sources"]["open_ships"]["captions_passed"] = 15
    dump("metrics/validate_sar.json", checked)
    return [first, commit(root, "second")]
