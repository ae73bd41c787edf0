"""A model and data set so small that a whole training takes a second; run as a program by the tests of processes.

python micro_training.py KIND FOLDER    trains into FOLDER
"""

import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import open_clip

from sar_models import model, train
from sar_models.data import Examples, examples
from sar_models.settings import Hardware, Training
from sar_models.world import is_first

open_clip.add_model_config(Path(__file__).parent / "micro")

WORDS = ("ship", "bridge", "tank", "road", "tree", "pier", "farm", "lake")
HARDWARE = Hardware(threads=1)
SETTINGS = Training(
    epochs=4, batch_size=8, learning_rate=0.003, weight_decay=0.1, warmup_steps=3, gradient_clip=1.0, patience=0
)


def captioned(count: int, *, of: model.Model, seed: int = 0) -> Examples:
    """Pictures of one bright or very bright corner, each with two captions that name it; grey and coloured ones."""
    random = np.random.default_rng(seed)
    pictures, rows = {}, []
    for number in range(count):
        picture = random.integers(0, 60, (16, 16, 1 + 2 * (number % 2)), dtype=np.uint8)
        kind = number % 8
        picture[8 * (kind // 4) :, 8 * (kind % 2) :][:8, :8] += 60 + 60 * (kind // 2 % 2)
        record = f"micro/{number:04}"
        pictures[record] = picture
        rows += [
            {"record_id": record, "caption_id": f"{record}#c0", "text": f"one {WORDS[kind]} in a picture"},
            {"record_id": record, "caption_id": f"{record}#c1", "text": f"a {WORDS[kind]}, {kind}"},
        ]
    return examples(
        rows,
        open_picture=lambda row: pictures[row["record_id"]],
        tokenizer=of.tokenizer,
        image_size_px=of.image_size_px,
        threads=1,
    )


def run(
    kind: str,
    folder: Path,
    *,
    settings: Training = SETTINGS,
    kill_at: int | None = None,
    hardware: Hardware = HARDWARE,
    log: train.Log = lambda metrics, step: None,
) -> tuple[model.Model, train.History]:
    """Train a micro model of `kind` with checkpoints in `folder`, killed at a step if asked for."""

    def watched(metrics: Mapping[str, float], step: int) -> None:
        log(metrics, step)
        if step == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    trained = model.initial(kind, architecture=f"micro_{kind}", seed=3)
    history = train.train(
        trained,
        train_set=captioned(40, of=trained),
        val_set=captioned(12, of=trained, seed=1),
        settings=settings,
        hardware=hardware,
        seed=5,
        checkpoints=folder,
        log=watched,
        label=kind,
    )
    return trained, history


def to_files(
    kind: str, output: Path, *, kill_at: int | None = None, environment: Mapping[str, str] | None = None
) -> None:
    """A whole training as a process of its own does it, with frequent checkpoints."""
    os.environ.update(environment or {})
    train.LOG_STEPS, train.CHECKPOINT_STEPS = 1, 3
    trained, history = run(kind, output / "checkpoints", kill_at=kill_at)
    if is_first():
        model.save(trained, output)
        (output / "curve.json").write_text(json.dumps(history.curve))


if __name__ == "__main__":
    to_files(sys.argv[1], Path(sys.argv[2]))
