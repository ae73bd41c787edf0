"""The project that faults are put into: a clone of this one with few images and short trainings, built once.

Its source `chips` lies in a bucket and is watched; the same bucket is the DVC remote. Every trial begins from the same
files at the same path, for the MLflow store names its artifacts by their whole paths.
"""

import io
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from benchmarks.faults import bucket as buckets
from benchmarks.faults.bucket import Bucket
from benchmarks.faults.commands import Ended, environment, run

ROOT = Path(__file__).resolve().parents[2]
BUILD_LIMIT_S = 900.0
BUILT_FROM = ("flows", "tasks", "sar_models", "sources", "params.yaml", "dvc.yaml", "benchmarks/faults/project.py")
SCENES, CHIPS, NEW_CHIPS = 30, 8, 3
SOURCES = {"sim_optical": "optical", "sim_ships": "sar", "chips": "sar"}
SOURCE = {
    "title": "Chips", "format": "chips", "modality": "sar", "role": "train", "licence": "CC0-1.0", "citation": "none",
    "radiometry": {"unit": "amplitude"}, "classes": {"T72": "t72"}, "reader": {"image": r"(?P<class>\w+)/\d+\.png"},
    "address": f"s3://{buckets.NAME}/chips/",
}  # fmt: skip
SHORT = {"epochs": 1, "batch_size": 8, "warmup_steps": 1}


@dataclass
class Project:
    """The clone of the trial that runs now, and all that it talks to."""

    folder: Path
    bucket: Bucket
    prefect_url: str

    @property
    def root(self) -> Path:
        return self.folder / "trial" / "clone"

    @property
    def state(self) -> Path:
        return self.root / ".state"

    def environment(self, **more: str) -> dict[str, str]:
        place = {"PREFECT_API_URL": self.prefect_url, "AWS_ENDPOINT_URL": self.bucket.url, "SAR_TEXT_LANES": "2"}
        return environment(self.root, **{**buckets.KEYS, **place, "PYTHONUNBUFFERED": "1", **more})

    def run(self, *command: str, limit_s: float, **more: str) -> Ended:
        """`python -m command` in the clone."""
        return run(command, cwd=self.root, environment=self.environment(**more), limit_s=limit_s)

    def git(self, *arguments: str) -> str:
        who = ("-c", "user.name=Faults", "-c", "user.email=faults@localhost", "-c", "commit.gpgsign=false")
        command = ["git", *who, *arguments]
        return subprocess.run(command, cwd=self.root, check=True, capture_output=True, text=True).stdout.strip()

    def restore(self) -> None:
        """Clone, state and bucket as they were built."""
        self.bucket.proxy.heal()
        self.bucket.restore()
        shutil.rmtree(self.root, ignore_errors=True)
        shutil.copytree(self.folder / "built", self.root, symlinks=True)

    def publish_new_chips(self) -> None:
        for number in range(CHIPS, CHIPS + NEW_CHIPS):
            self.bucket.put(f"chips/T72/{number}.png", chip(number))


def build(project: Project) -> None:
    """Run the whole pipeline once, send it to the remote, commit it, and keep it for `restore`.

    What an earlier call with the same folder built from the same committed code is used again.
    """
    ask = ["git", "rev-parse", *(f"HEAD:{name}" for name in BUILT_FROM)]
    code = subprocess.run(ask, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    built = project.folder / "built.from"
    if built.is_file() and built.read_text() == code:
        project.bucket.load(project.folder / "bucket")
        return
    for name in ("trial", "built", "bucket", "undisturbed"):
        shutil.rmtree(project.folder / name, ignore_errors=True)
    project.root.parent.mkdir(parents=True)
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(project.root)], check=True)
    _describe(project)
    commands = (
        ("dvc", "remote", "add", "--default", "storage", f"s3://{buckets.NAME}/dvc"),
        ("dvc", "remote", "modify", "storage", "verify", "true"), ("flows.repro",), ("dvc", "push"),
    )  # fmt: skip
    for command in commands:
        ended = project.run(*command, limit_s=BUILD_LIMIT_S, SAR_TEXT_TRACKING="off")  # it takes half of the time
        assert ended.well, f"the undisturbed project cannot be built: {ended.said[-4000:]}"
    project.git("add", "--all")
    project.git("commit", "--quiet", "--message=built")
    project.bucket.save(project.folder / "bucket")
    shutil.copytree(project.root, project.folder / "built", symlinks=True)
    built.write_text(code)


def _describe(project: Project) -> None:
    from tasks.download.digests import of_file

    for name in SOURCES.keys() - {"chips"}:
        edit(project.root / "sources" / f"{name}.yaml", {"simulate.scenes": SCENES})
    listed = project.root / "sources" / "chips.sha256"
    lines = []
    for number in range(CHIPS):
        place = project.folder / "chip.png"
        place.write_bytes(chip(number))
        lines.append(f"{of_file(place).sha256}  T72/{number}.png\n")
        project.bucket.put(f"chips/T72/{number}.png", chip(number))
    listed.write_text("".join(sorted(lines, key=lambda line: line.split()[1])))
    pins = {"files_list": listed.name, "files_list_sha256": of_file(listed).sha256}
    (project.root / "sources/chips.yaml").write_text(yaml.safe_dump({**SOURCE, **pins}, sort_keys=False))
    (project.root / "sources/watched").mkdir(exist_ok=True)
    (project.root / "sources/watched/chips.yaml").write_text('include: ["*.png"]\n')
    trainings = {f"{model}.{stage}" for model in ("clip", "coca") for stage in ("pretrain", "finetune")}
    trainings |= {f"gpt.{stage}" for stage in ("align", "pretrain", "finetune")}
    short = {f"{training}.{key}": value for training in trainings for key, value in SHORT.items()}
    edit(project.root / "params.yaml", short | {
        "sources": SOURCES, "pairs.sources": [], "model_text.sources": [], "evaluate.bootstrap_draws": 50,
        "evaluate.decoding": {"method": "greedy", "beams": 1, "max_tokens": 12, "batch_size": 64},
        "gate.least_images": 2,
    })  # fmt: skip


def edit(path: Path, change: dict[str, Any]) -> None:
    """Set nested keys, such as `clip.pretrain.epochs`, in a YAML file."""
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    for key, value in change.items():
        *parents, last = key.split(".")
        place = content
        for parent in parents:
            place = place[parent]
        place[last] = value
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


def chip(seed: int) -> bytes:
    """A PNG of speckle, and a bright square in another place for each seed."""
    import numpy as np
    from PIL import Image

    rng = np.random.default_rng(seed)
    pixels = 40 * rng.exponential(size=(64, 64))
    row, column = rng.integers(4, 44, 2)
    pixels[row : row + 12, column : column + 16] += 150
    target = io.BytesIO()
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(target, "PNG")
    return target.getvalue()
