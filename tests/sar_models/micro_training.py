"""Models and data sets so small that a whole training takes a second; run as a program by the tests of processes.

python micro_training.py KIND FOLDER    trains into FOLDER
"""

import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import open_clip

from sar_models import clip, coca, gpt, gpt_model, model, train
from sar_models.conversations import Conversations, conversations
from sar_models.data import Examples, examples
from sar_models.settings import GptShape, Hardware, Lora, Training
from sar_models.world import is_first

open_clip.add_model_config(Path(__file__).parent / "micro")

OBJECTIVES: Mapping[str, Any] = {"clip": clip, "coca": coca, "gpt": gpt}
WORDS = ("ship", "bridge", "tank", "road", "tree", "pier", "farm", "lake")
HARDWARE = Hardware(threads=1)
SETTINGS = Training(
    epochs=4, batch_size=8, learning_rate=0.003, weight_decay=0.1, warmup_steps=3, gradient_clip=1.0, patience=0
)


def drawn(count: int, *, seed: int) -> dict[str, np.ndarray]:
    """Pictures of one bright or very bright corner, by record; grey and coloured ones."""
    random = np.random.default_rng(seed)
    pictures = {}
    for number in range(count):
        picture = random.integers(0, 60, (16, 16, 1 + 2 * (number % 2)), dtype=np.uint8)
        kind = number % 8
        picture[8 * (kind // 4) :, 8 * (kind % 2) :][:8, :8] += 60 + 60 * (kind // 2 % 2)
        pictures[f"micro/{number:04}"] = picture
    return pictures


def captioned(count: int, *, of: model.Model, seed: int = 0) -> Examples:
    """Pictures, each with two captions that name what is bright in it."""
    pictures, rows = drawn(count, seed=seed), []
    for number, record in enumerate(pictures):
        kind = number % 8
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


def asked(count: int, *, of: gpt_model.Gpt, seed: int = 0) -> Conversations:
    """Pictures, each with one to three questions about what is bright in it."""
    pictures = drawn(count, seed=seed)
    turns = {}
    for number, record in enumerate(pictures):
        kind = number % 8
        turns[record] = [
            ("What is bright in the picture?", WORDS[kind]),
            ("Is it very bright?", ("no", "yes")[kind // 2 % 2]),
            ("Is it in the left half?", ("yes", "no")[kind % 2]),
        ][: 1 + number % 3]
    return conversations(
        turns,
        {record: {"record_id": record} for record in pictures},
        open_picture=lambda row: pictures[row["record_id"]],
        words=of.words,
        image_size_px=of.image_size_px,
        longest=of.longest,
        threads=1,
    )


def micro_gpt(lora: Lora = Lora(), *, language_model: str = "sar_gpt_tiny", seed: int = 3) -> gpt_model.Gpt:  # noqa: B008
    """A SAR-GPT behind the image tower of a micro CLIP."""
    tower = model.initial("clip", architecture="micro_clip", seed=seed)
    return gpt_model.initial(tower, GptShape(language_model, "", lora, -1), seed=seed)


def initial(kind: str, settings: Training, architecture: str = "") -> model.Model:
    made = model.initial(kind, architecture=architecture or f"micro_{kind}", seed=3)
    return model.compared_by(made, settings.contrastive_loss)


def run(
    kind: str,
    folder: Path,
    *,
    settings: Training = SETTINGS,
    kill_at: int | None = None,
    hardware: Hardware = HARDWARE,
    log: train.Log = lambda metrics, step: None,
    architecture: str = "",
) -> tuple[Any, train.History]:
    """Train a micro model of `kind` with checkpoints in `folder`, killed at a step if asked for."""

    def watched(metrics: Mapping[str, float], step: int) -> None:
        log(metrics, step)
        if step == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    trained: Any = micro_gpt() if kind == "gpt" else initial(kind, settings, architecture)
    shown: Any = asked if kind == "gpt" else captioned
    history = train.train(
        trained,
        objective=OBJECTIVES[kind],
        train_set=shown(40, of=trained),
        val_set=shown(12, of=trained, seed=1),
        settings=settings,
        hardware=hardware,
        seed=5,
        checkpoints=folder,
        log=watched,
        label=kind,
    )
    return trained, history


def to_files(
    kind: str,
    output: Path,
    *,
    kill_at: int | None = None,
    environment: Mapping[str, str] | None = None,
    settings: Training = SETTINGS,
    hardware: Hardware = HARDWARE,
) -> None:
    """A whole training as a process of its own does it, with frequent checkpoints."""
    os.environ.update(environment or {})
    train.LOG_STEPS, train.CHECKPOINT_STEPS = 1, 3
    trained, history = run(kind, output / "checkpoints", kill_at=kill_at, settings=settings, hardware=hardware)
    if is_first():
        (gpt_model if kind == "gpt" else model).save(trained, output)
        (output / "curve.json").write_text(json.dumps(history.curve))


if __name__ == "__main__":
    to_files(sys.argv[1], Path(sys.argv[2]))
