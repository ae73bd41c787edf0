"""A project in which a version can be judged: data sets in a DVC cache, checked and locked; models to register."""

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

from sar_models import gpt_model, model
from sar_models.settings import Answering, Decoding
from tasks import lock, paths, records
from tasks.params import Evaluate, Gate, Guard, Params, Tracking
from tasks.registry.learned import TEXTS
from tasks.registry.register import Registered, register
from tests.tasks.train.train_world import TRAINING, settings, write_text

SOURCE = """
title: bright and dark pictures
address: file:///nowhere
format: coco
modality: {modality}
role: both
licence: CC-BY-NC-4.0
allows: [research]
citation: none
radiometry: {{unit: amplitude}}
"""
IMAGES = {"train": 40, "val": 8, "test": 40}
MODALITIES = ("optical", "sar")


def write_project(root: Path) -> Params:
    """Texts, description, checks and lock in `root`, which must be `DVC_ROOT`; models that are not trained."""
    from dvc.repo import Repo

    Repo.init(str(root), no_scm=True).close()
    guard = Guard(sar={"mean_recall": 5.0}, optical={"mean_recall": 60.0})
    training = dataclasses.replace(TRAINING, epochs=6)
    params = settings()
    params = dataclasses.replace(
        params,
        seed=1,  # of which the untrained SAR-RS-CLIP is at chance
        sources={f"{name}_fake": name for name in MODALITIES},
        clip=dataclasses.replace(params.clip, finetune=training),
        evaluate=Evaluate(
            bootstrap_draws=200, seed=1, batch_size=16, meteor=False, sample_images=3,
            decoding=Decoding(method="greedy", max_tokens=6, batch_size=16),
            answering=Answering(max_tokens=3, batch_size=16),
        ),
        gate=Gate(least_images=20, clip=guard, coca=Guard({"cider": 0.1}, {}), gpt=Guard({"vqa_exact_match": 5.0}, {})),
        tracking=Tracking("test", ""),
    )  # fmt: skip
    (root / "sources").mkdir()
    for name in MODALITIES:
        (root / "sources" / f"{name}_fake.yaml").write_text(SOURCE.format(modality=name))
    (root / "metrics").mkdir()
    for number, modality in enumerate(MODALITIES):
        for seed, (split, count) in enumerate(IMAGES.items()):
            write_text(modality, split, count, seed=10 * number + seed)
        keep(paths.text(modality))
        captions = {split: {"captions": 2 * count} for split, count in IMAGES.items()}
        entered = 2 * sum(IMAGES.values())
        total = {"captions": entered, "captions_passed": entered, "captions_refused": 0, "splits": captions}
        paths.metrics(f"validate_{modality}").write_text(json.dumps({"total": total}))
    entry = {"value": 12.5, "low": 10.0, "high": 15.0, "n": 4}
    paths.metrics("evaluate").write_text(json.dumps({"sar/fake": {"two_stage": {"mean_recall": entry}}}))
    for kind in ("clip", "coca"):
        model.save(model.initial(kind, architecture=f"micro_{kind}", seed=params.seed), paths.model("two_stage", kind))
    tower = model.load(paths.model("two_stage", "clip"))
    gpt_model.save(gpt_model.initial(tower, params.gpt.shape, seed=params.seed), paths.model("two_stage", "gpt"))
    return params


def keep(folder: Path) -> str:
    """Put `folder` into the DVC cache; returns its digest."""
    from dvc.repo import Repo

    digest = lock.digest_of(folder)
    with Repo(str(paths.root())) as repo:
        repo.add([str(folder)])
    folder.with_name(f"{folder.name}.dvc").unlink()  # dvc.lock names it, as that of a stage would
    return digest


def register_what_lies_there(params: Params) -> dict[str, Registered]:
    """Write `dvc.lock` of the working tree, and register: name → version."""
    outputs = [f"models/two_stage/{kind}" for kind in ("clip", "coca", "gpt")] + ["metrics/evaluate.json"]
    outputs += [f"data/{name}_text" for name in MODALITIES] + [f"metrics/validate_{name}.json" for name in MODALITIES]
    files = {path: {"path": path, "md5": lock.digest_of(paths.root() / path)} for path in outputs}
    texts = [files[path] for path in TEXTS]
    stages = {
        path: {"deps": texts if path.startswith("models/") else [], "outs": [file]} for path, file in files.items()
    }
    lock.file().write_text(json.dumps({"schema": "2.0", "stages": stages}))
    return {found.name: found for found in register(params)}


def spoil(folder: Path, *, seed: int, times: float = 1.0) -> None:
    """Put noise on the weights in `folder`, as large as they are themselves, or `times` as large."""
    import torch

    layout: Any = gpt_model if folder.name == "gpt" else model
    spoiled = layout.load(folder)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weights in spoiled.module.parameters():
            weights += times * weights.std(unbiased=False) * torch.randn(weights.shape, generator=generator)
    layout.save(spoiled, folder)


def data_set_with_test_images(folder: Path, *, images: int) -> str:
    """A SAR text like the present one, which trained on `images` of today's test images; returns its digest."""
    shutil.copytree(paths.text("sar"), folder)
    test = records.read(folder / "test.parquet")
    chosen = sorted({row["record_id"] for row in test})[:images]
    moved = [row | {"record_id": f"renamed/{row['record_id']}"} for row in test if row["record_id"] in chosen]
    train = records.read(folder / "train.parquet")
    (folder / "train.parquet").unlink()  # a link into the cache
    records.write(folder / "train.parquet", [*train, *moved], schema=records.TEXT)
    return keep(folder)
