"""A project of tiny pictures with captions and questions, as download and validate leave it."""

import dataclasses
import hashlib
import io
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import open_clip
from PIL import Image

from sar_models.settings import GptSettings, Hardware, Lora, ModelSettings, Training
from sar_models.train import Log
from tasks import params, paths, records

ROOT = Path(__file__).resolve().parents[3]
TRAINING = Training(
    epochs=3, batch_size=8, learning_rate=0.003, weight_decay=0.1, warmup_steps=2, gradient_clip=1.0, patience=0
)
open_clip.add_model_config(ROOT / "tests" / "sar_models" / "micro")


class KilledError(Exception):
    """A training was broken off."""


def kill_at_step(number: int, *, when: str = "") -> Log:
    """A log that breaks the training off at the step `number`, where it logs `when` if that is given."""

    def log(metrics: Mapping[str, float], step: int) -> None:
        if step == number and (not when or when in metrics):
            raise KilledError

    return log


def settings() -> params.Params:
    """The project's settings with micro models."""
    models = {
        kind: ModelSettings(architecture=f"micro_{kind}", pretrain=TRAINING, finetune=TRAINING)
        for kind in ("clip", "coca")
    }
    gpt = GptSettings("sar_gpt_tiny", Lora(), align=TRAINING, pretrain=TRAINING, finetune=TRAINING, tower_layer=-1)
    return dataclasses.replace(
        params.load(ROOT / "params.yaml"), seed=3, hardware=Hardware(threads=1), gpt=gpt, **models
    )


def write_text(modality: str, split: str, count: int, *, seed: int) -> None:
    """Captions and questions of pictures in one shard."""
    random = np.random.default_rng(seed)
    source = f"{modality}_fake"
    shard = paths.sources_data(modality) / source / "shards" / f"{split}.tar"
    shard.parent.mkdir(parents=True, exist_ok=True)
    captions, questions, talks, data = [], [], [], b""
    for number in range(count):
        bright = number % 2
        pixels = random.integers(0, 90, (20, 24), dtype=np.uint8) + np.uint8(120 * bright)
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "PNG")
        record = f"{source}/{split}/{number:03}.png"
        place = {"record_id": record, "source": source, "shard": shard.name, "offset": len(data),
                 "length": len(buffer.getvalue()), "low": [0.0], "high": [255.0], "modality": modality,
                 "sha256": hashlib.sha256(buffer.getvalue()).hexdigest()}  # fmt: skip
        data += buffer.getvalue()
        word = ("dark", "bright")[bright]
        for caption, text in enumerate([f"a {word} {modality} picture", f"{word} " * 20]):
            captions.append({**place, "caption_id": f"{record}#c{caption}", "text": text, "split": split})
        turns = [("Is it bright?", ("no", "yes")[bright]), ("What is it?", word)]
        for turn, (question, answer) in enumerate(turns):
            questions.append({**place, "question_id": f"{record}#q{turn}", "question": question, "answer": answer,
                              "family": "scene", "answer_type": "other", "split": split})  # fmt: skip
        said = [
            {"from": who, "value": text} for turn in turns for who, text in zip(("human", "gpt"), turn, strict=True)
        ]
        said[0]["value"] = f"<image>\n{said[0]['value']}"
        talks.append({"id": record, "image": f"Image/{record}", "conversations": said})
    shard.write_bytes(data)
    folder = paths.text(modality)
    records.write(folder / f"{split}.parquet", captions, schema=records.TEXT)
    records.write(folder / f"{split}_questions.parquet", questions, schema=records.QUESTION_TEXT)
    (folder / f"{split}_llava.json").write_text(json.dumps(talks))
