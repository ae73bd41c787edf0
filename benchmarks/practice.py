"""A project to practise with: few images, short trainings, and pictures for a bucket. docs/operations.md walks through.

Its source `vehicles` is watched in the bucket `practice`. What lies there at first, `bucket/first`, is too little to
tell four vehicles apart; with `bucket/new` a model can learn it.

Run  python -m benchmarks.practice FOLDER       makes FOLDER/project, a git repository, and FOLDER/bucket
"""

import argparse
import io
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from benchmarks.faults.project import edit
from tasks.download.digests import of_file

ROOT = Path(__file__).resolve().parents[1]
BUCKET = "practice"
FIRST, NEW = 6, 60  # images of each class
SIDE_PX = 64
SCENES = 30
SHAPES = {"T72": "square", "D7": "ring", "ZIL131": "cross", "BTR70": "frame"}
SOURCE = {
    "title": "Vehicles", "address": f"s3://{BUCKET}/vehicles/", "format": "chips", "modality": "sar", "role": "both",
    "licence": "CC0-1.0", "citation": "none", "radiometry": {"unit": "amplitude"},
    "classes": {name: name.lower() for name in SHAPES}, "reader": {"image": r"(?P<class>\w+)/\d+\.png"},
}  # fmt: skip
WIDE = {  # the gate's margins: there are few optical images, and chance is large among few
    "clip": {"mean_recall": 30.0}, "coca": {"cider": 2.0, "coca_mean_recall": 30.0}, "gpt": {"vqa_exact_match": 30.0},
}  # fmt: skip
SHORT = {"epochs": 5, "batch_size": 8, "warmup_steps": 2, "patience": 0}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="a new one, or an empty one")
    try:
        make(parser.parse_args().folder)
    except ValueError as error:
        sys.exit(f"error: {error}")


def make(folder: Path) -> None:
    """Make project and images in `folder`. Raises `ValueError` where something lies there already."""
    if folder.is_dir() and any(folder.iterdir()):
        raise ValueError(f"{folder} is not empty: name a new folder")
    bucket = folder / "bucket"
    draw(bucket / "first", numbers=range(FIRST))
    draw(bucket / "new", numbers=range(FIRST, FIRST + NEW))
    project = folder / "project"
    subprocess.run(["git", "clone", "--quiet", "--depth=1", ROOT.as_uri(), str(project)], check=True)
    shutil.rmtree(project / ".git")  # a history of its own: that of this repository leads to other data
    (project / "dvc.lock").unlink()
    _describe(project, first=bucket / "first")
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main"], cwd=project, check=True)
    print(f"made: {project}, and images for its bucket in {bucket}")


def draw(folder: Path, *, numbers: range) -> None:
    """PNG images `<class>/<number>.png`: a bright shape for each class, in speckle, wherever it lies."""
    for place, name in enumerate(SHAPES):
        (folder / name).mkdir(parents=True)
        for number in numbers:
            (folder / name / f"{number}.png").write_bytes(image(SHAPES[name], seed=[place, number]))


def image(shape: str, *, seed: list[int]) -> bytes:
    """A PNG of `SIDE_PX`², 8 bits: fully developed speckle of one look, exponential in intensity, on `shape`."""
    import numpy as np
    from PIL import Image

    rng = np.random.default_rng(seed)
    row, column = np.mgrid[:SIDE_PX, :SIDE_PX] - rng.uniform(20, SIDE_PX - 20, 2)[:, None, None]
    far, near = np.maximum(abs(row), abs(column)), np.minimum(abs(row), abs(column))
    inside = {
        "square": far < 8,
        "ring": abs(np.hypot(row, column) - 12) < 3,
        "cross": (near < 3) & (far < 14),
        "frame": abs(far - 14) < 2,
    }[shape]
    intensity = np.where(inside, 1.0, 0.04) * rng.exponential(size=inside.shape)
    target = io.BytesIO()
    Image.fromarray((120 * np.sqrt(intensity)).clip(0, 255).astype(np.uint8)).save(target, "PNG")
    return target.getvalue()


def _describe(project: Path, *, first: Path) -> None:
    listed = project / "sources" / "vehicles.sha256"
    files = sorted(path.relative_to(first) for path in first.rglob("*.png"))
    listed.write_text("".join(f"{of_file(first / path).sha256}  {path.as_posix()}\n" for path in files))
    described = {**SOURCE, "files_list": listed.name, "files_list_sha256": of_file(listed).sha256}
    (project / "sources/vehicles.yaml").write_text(yaml.safe_dump(described, sort_keys=False))
    (project / "sources/watched").mkdir(exist_ok=True)
    (project / "sources/watched/vehicles.yaml").write_text('include: ["*.png"]\n')
    for name in ("sim_optical", "sim_ships", "sim_aircraft"):
        edit(project / "sources" / f"{name}.yaml", {"simulate.scenes": SCENES})
    trainings = [f"{model}.{stage}" for model in ("clip", "coca") for stage in ("pretrain", "finetune")]
    trainings += [f"gpt.{stage}" for stage in ("align", "pretrain", "finetune")]
    edit(project / "params.yaml", {
        "sources": {"sim_optical": "optical", "sim_ships": "sar", "sim_aircraft": "sar", "vehicles": "sar"},
        "pairs.sources": [], "model_text.sources": [], "evaluate.bootstrap_draws": 200, "evaluate.slice_images": 0,
        "evaluate.decoding": {"method": "greedy", "beams": 1, "max_tokens": 16, "batch_size": 64},
        "gate.least_images": 5, **{f"gate.{model}.optical": margins for model, margins in WIDE.items()},
        **{f"{training}.{key}": value for training in trainings for key, value in SHORT.items()},
    })  # fmt: skip


if __name__ == "__main__":
    main()
