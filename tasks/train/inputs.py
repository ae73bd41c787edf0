"""What a training was made from, as digests: where it goes on after a kill depends on nothing else."""

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sar_models.settings import Hardware, Training
from tasks import paths

PLACE = ("record_id", "source", "shard", "offset", "length", "sha256", "channels", "low", "high")  # finds a picture


def table(modality: str, split: str) -> Path:
    """Captions of a split, with the places of their images."""
    return paths.text(modality) / f"{split}.parquet"


def cache(hardware: Hardware) -> Path | None:
    """The folder for decoded pictures and tokens, unless the settings turn it off."""
    return paths.input_cache() if hardware.pixel_cache else None


def checkpoints(identity: Sequence[Any], settings: Training, hardware: Hardware, seed: int) -> Path:
    """A folder for a training with exactly these inputs, outside the DVC outputs, which DVC deletes before a stage."""
    inputs = [*identity, dataclasses.asdict(settings), dataclasses.asdict(hardware), seed]
    digest = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()
    return paths.state() / "checkpoints" / digest[:32]


def sha256(path: Path) -> str:
    if not path.is_file():
        raise ValueError(f"{path} does not exist: run `dvc repro` for the stage that writes it, or `dvc checkout`")
    return hashlib.sha256(path.read_bytes()).hexdigest()
