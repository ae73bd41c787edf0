"""What a person wants to know of a training, and what `training.json` holds of it."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tasks.params import Params

Stage = Literal["optical", "sar", "two_stage"]  # learned from: optical text, SAR text alone, both in this order


@dataclass(frozen=True)
class Summary:
    """Facts of every training; the numbers that may differ between machines stay here."""

    stage: str
    kind: str
    architecture: str
    parameters: int
    images: int
    steps: int
    epochs: int
    best_epoch: int
    best_val_loss: float
    images_per_s: float

    def metrics(self) -> dict[str, float]:
        """The numbers, for MLflow."""
        return {name: float(value) for name, value in dataclasses.asdict(self).items() if not isinstance(value, str)}

    def rows(self) -> list[dict[str, str | int | float]]:
        """One row a fact, for a table."""
        return [{"fact": name, "value": value} for name, value in dataclasses.asdict(self).items()]


@dataclass(frozen=True)
class TrainSummary(Summary):
    """Of CLIP and CoCa."""

    start: str  # as params.yaml names the weights that the stage began from; of stage 2 the folder of stage 1
    start_sha256: str  # of the file of these weights; empty for random ones
    captions: int
    cut_captions: int  # longer than the model's context
    best_val_mean_recall: float


@dataclass(frozen=True)
class GptSummary(Summary):
    """Of SAR-GPT."""

    trained_parameters: int
    questions: int
    best_val_exact_match: float


def write(
    folder: Path, summary: Summary, curve: Sequence[Mapping[str, float]], settings: Mapping[str, Any], params: Params
) -> None:
    """`training.json` in `folder`: settings and results, without clocks, speeds or hosts."""
    document = {name: value for name, value in dataclasses.asdict(summary).items() if name != "images_per_s"}
    document |= {
        "curve": curve,
        "hardware": dataclasses.asdict(params.hardware),
        "seed": params.seed,
        "settings": settings,
    }
    path = folder / "training.json"
    path.write_text(json.dumps(document, indent=2, sort_keys=True) + "\n", encoding="utf-8")
