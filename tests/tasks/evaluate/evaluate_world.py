"""A tiny project with everything that the evaluate stage reads: shards, test texts, descriptions, trained models."""

import dataclasses
import hashlib
import io
import json
from pathlib import Path

import numpy as np
from PIL import Image

from sar_models.images import decode
from sar_models.settings import Answering, Decoding, Hardware, ModelSettings, Training
from tasks import paths, records
from tasks.download.features import features
from tasks.params import Evaluate, Params, Tracking, load

REPOSITORY = Path(__file__).resolve().parents[3]

SOURCE = """
title: {title}
address: {address}
format: coco
modality: {modality}
role: both
licence: Apache-2.0
citation: none
radiometry: {{unit: amplitude}}
{simulate}
"""
SIZES = {"optical": {"sim_optical": 5}, "sar": {"real_ships": 4, "sim_pairs": 6}}  # test images of each source
TRAIN = 2  # further images of each source, in its train split


def captions(number: int) -> list[str]:
    count = number % 3 + 1
    return [f"{count} ships lie in the harbor.", f"The image shows {count} ships, near a pier of kind {number}."]


def settings() -> Params:
    training = Training(
        epochs=1, batch_size=2, learning_rate=1e-3, weight_decay=0, warmup_steps=0, gradient_clip=1, patience=0
    )
    return dataclasses.replace(
        load(REPOSITORY / "params.yaml"),
        seed=3,
        sources={name: modality for modality, sources in SIZES.items() for name in sources},
        hardware=Hardware(threads=1),
        clip=ModelSettings("sar_clip_tiny", training, training),
        coca=ModelSettings("sar_coca_tiny", training, training),
        evaluate=Evaluate(
            bootstrap_draws=100, seed=1, batch_size=4, meteor=False,
            decoding=Decoding(method="greedy", max_tokens=8, batch_size=4),
            answering=Answering(max_tokens=4, batch_size=8), sample_images=3, slice_images=6,
        ),
        tracking=Tracking("test", ""),
    )  # fmt: skip


def write_text(modality: str, rows: list[dict], *, split: str = "test") -> None:
    records.write(paths.text(modality) / f"{split}.parquet", rows, schema=records.TEXT)


def boxes(number: int) -> list[dict]:
    """Of as many ships as the captions say."""
    return [{"class": "ship", "x": 1.0, "y": 1.0, "w": 8.0, "h": 18.0}] * (number % 3 + 1)


def questions(record_id: str, number: int) -> list[dict]:
    """What is asked of an image: whether, and how many."""
    count = number % 3 + 1
    rows = [("Is there a ship in the image?", ("no", "yes")[number % 2], "presence", "yes/no"),
            ("How many ships are there?", str(count), "count", "number")]  # fmt: skip
    return [
        {"question_id": f"{record_id}#q{q}", "question": question, "answer": answer, "family": family,
         "answer_type": answer_type, "subject": "ship", "rule": f"{family}@1", "claims": []}
        for q, (question, answer, family, answer_type) in enumerate(rows)
    ]  # fmt: skip


def png(generator: np.random.Generator, *, channels: int) -> bytes:
    pixels = generator.integers(0, 256, size=(30, 40, channels), dtype=np.uint8).squeeze()
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="PNG")
    return file.getvalue()


def changed(params: Params, **settings: object) -> Params:
    """`params` with other evaluate settings."""
    return dataclasses.replace(params, evaluate=dataclasses.replace(params.evaluate, **settings))  # type: ignore[arg-type]


def write_project(root: Path) -> Params:
    """Everything but models, in `root`, which must be `DVC_ROOT`; returns the settings."""
    params = settings()
    (root / "params.yaml").write_text(json.dumps({"sources": params.sources}))
    generator = np.random.default_rng(0)
    for modality, sources in SIZES.items():
        rows, trained, asked = [], [], []
        for source, count in sources.items():
            described: list[dict] = []
            recorded: list[dict] = []
            simulated = source.startswith("sim_")
            folder = paths.sources_data(modality) / source
            (folder / "shards").mkdir(parents=True)
            (folder / "source.yaml").write_text(
                SOURCE.format(
                    title=f"{source} (simulated)" if simulated else source,
                    address="simulated" if simulated else "file:///nowhere",
                    modality=modality,
                    simulate="simulate: {world: ships, scenes: 4, first_scene: 0}" if simulated else "",
                )
            )
            shard = folder / "shards" / "000000.tar"
            with shard.open("wb") as file:
                for number in range(count + TRAIN):
                    data = png(generator, channels=1 if modality == "sar" else 3)
                    place = {
                        "record_id": f"{source}/{number}.png", "source": source, "shard": shard.name,
                        "offset": file.tell(), "length": len(data), "sha256": hashlib.sha256(data).hexdigest(),
                        "width_px": 40, "height_px": 30, "bands": 1, "bit_depth": 8, "modality": modality,
                        "channels": None, "low": [0.0], "high": [255.0], "group": f"{source}/{number}",
                    }  # fmt: skip
                    file.write(data)
                    recorded.append(place | {"boxes": boxes(number)})
                    described.append({"record_id": place["record_id"], **features(decode(data))})
                    split = "test" if number < count else "train"
                    captioned = [
                        place | {"caption_id": f"{place['record_id']}#c{c}", "text": text, "route": "a2c",
                                 "rule": "x@1", "claims": [], "split": split}
                        for c, text in enumerate(captions(number))
                    ]  # fmt: skip
                    if split == "train":
                        trained += captioned
                        continue
                    rows += captioned
                    if source != "real_ships" or number < 2:
                        asked += [place | row | {"split": "test"} for row in questions(place["record_id"], number)]
            records.write(folder / "records.parquet", recorded, schema=records.RECORDS)
            records.write(folder / "features.parquet", described, schema=records.FEATURES)
        write_text(modality, rows)
        write_text(modality, trained, split="train")
        write_text(modality, [], split="val")
        folder = paths.text(modality)
        records.write(folder / "quarantine.parquet", [], schema=records.QUARANTINE)
        records.write(folder / "test_questions.parquet", asked, schema=records.QUESTION_TEXT)
        records.write(folder / "train_questions.parquet", asked[1:], schema=records.QUESTION_TEXT)
    return params


def write_models(params: Params) -> None:
    """Models in `models/`, which differ from the initial ones and from each other."""
    from sar_models import gpt_model, model

    for stage in ("optical", "sar", "two_stage"):
        folder = paths.model(stage, "gpt")
        tower = model.initial("clip", architecture=params.clip.architecture, seed=len(stage))
        gpt_model.save(gpt_model.initial(tower, params.gpt.shape, seed=len(stage)), folder)
        write_training(folder)
        for kind in ("clip", "coca"):
            folder = paths.model(stage, kind)
            architecture = params.model(kind).architecture
            model.save(model.initial(kind, architecture=architecture, seed=len(stage)), folder)
            write_training(folder)


def write_training(folder: Path) -> None:
    curve = [{"epoch": e, "step": 5 * e, "train_loss": 4 / e, "val_loss": 4.2 / e + 0.1 * e} for e in (1, 2, 3)]
    document = {"curve": curve, "best_epoch": 3, "best_val_loss": curve[2]["val_loss"]}
    (folder / "training.json").write_text(json.dumps(document))
