"""The training stages: captioned images in, weights out.

In:  the validated text (`train.parquet`, `val.parquet`) with the shards of its sources, and for the second stage the
     weights of the first.
Out: `model.safetensors`, `config.json`, `training.json` in `models/<stage>/<kind>`.
Run: `dvc repro pretrain@clip` (optical text, from random weights), `dvc repro finetune@clip` (SAR text, from those).
"""

import dataclasses
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from sar_models.settings import Hardware, Training
from tasks import paths, records
from tasks.params import Params

if TYPE_CHECKING:
    from sar_models.data import Examples
    from sar_models.model import Model

Stage = Literal["optical", "two_stage"]
COLUMNS = ("record_id", "source", "shard", "offset", "length", "channels", "low", "high", "caption_id", "text")


@dataclass(frozen=True)
class TrainSummary:
    """What a person wants to know of a training; the numbers that may differ between machines stay here."""

    stage: str
    kind: str
    architecture: str
    parameters: int
    images: int
    captions: int
    cut_captions: int  # longer than the model's context
    steps: int
    epochs: int
    best_epoch: int
    best_val_loss: float
    best_val_mean_recall: float
    images_per_s: float

    def metrics(self) -> dict[str, float]:
        """The numbers, for MLflow."""
        return {name: float(value) for name, value in dataclasses.asdict(self).items() if not isinstance(value, str)}

    def rows(self) -> list[dict[str, str | int | float]]:
        """One row a fact, for a table."""
        return [{"fact": name, "value": value} for name, value in dataclasses.asdict(self).items()]


def train_model(
    stage: Stage, kind: str, *, params: Params, log: Callable[[Mapping[str, float], int], None]
) -> TrainSummary:
    """Train a `kind` of model (`clip`, `coca`) on the optical text (`optical`), or its result on the SAR text
    (`two_stage`).

    `log` receives named numbers with their step. A killed run that is started again with the same inputs goes on where
    it was. Raises `ValueError` when an input is missing or does not fit.
    """
    from sar_models import checkpoint, clip, coca, model
    from sar_models.train import train
    from sar_models.world import is_first

    architecture = params.model(kind).architecture
    if stage == "optical":
        modality, settings = "optical", params.model(kind).pretrain
        trained = model.initial(kind, architecture=architecture, seed=params.seed)
        start = "random"
    else:
        modality, settings = "sar", params.model(kind).finetune
        folder = paths.model("optical", kind)
        trained = model.load(folder)
        if (trained.kind, trained.architecture) != (kind, architecture):
            raise ValueError(
                f"{folder} holds a {trained.kind} '{trained.architecture}', but params.yaml asks for a {kind} "
                f"'{architecture}': run the first stage again (`dvc repro pretrain@{kind}`)"
            )
        start = _sha256(folder / model.WEIGHTS)

    train_set, val_set = (
        _examples(modality, split, trained, threads=params.hardware.threads) for split in ("train", "val")
    )
    tables = [_sha256(_table(modality, split)) for split in ("train", "val")]
    identity = [stage, kind, architecture, start, *tables]
    checkpoints = _checkpoints(identity, settings, params.hardware, params.seed)
    history = train(
        trained,
        objective={"clip": clip, "coca": coca}[kind],
        train_set=train_set,
        val_set=val_set,
        settings=settings,
        hardware=params.hardware,
        seed=params.seed,
        checkpoints=checkpoints,
        log=log,
        label=f"{stage} {kind}",
    )
    best = history.curve[history.best_epoch - 1]
    summary = TrainSummary(
        stage=stage,
        kind=kind,
        architecture=architecture,
        parameters=trained.parameters,
        images=len(train_set),
        captions=train_set.captions,
        cut_captions=train_set.cut_captions,
        steps=history.step,
        epochs=history.epoch,
        best_epoch=history.best_epoch,
        best_val_loss=best["val_loss"],
        best_val_mean_recall=best["val_mean_recall"],
        images_per_s=history.images_per_s,
    )
    if is_first():
        output = paths.model(stage, kind)
        model.save(trained, output)
        _write_training(output / "training.json", summary, history.curve, settings, params)
        checkpoint.remove(checkpoints)
    return summary


def _table(modality: str, split: str) -> Path:
    return paths.text(modality) / f"{split}.parquet"


def _examples(modality: str, split: str, trained: "Model", *, threads: int) -> "Examples":
    from sar_models.data import examples
    from sar_models.shards import ShardReader

    table = _table(modality, split)
    rows = records.read(table, columns=COLUMNS)
    if not rows:
        raise ValueError(f"{table} holds no captions: look at the quarantine beside it, or add a source")
    with ShardReader(paths.sources_data(modality)) as reader:
        return examples(
            rows,
            open_picture=reader.picture,
            tokenizer=trained.tokenizer,
            image_size_px=trained.image_size_px,
            threads=threads,
        )


def _checkpoints(identity: list[str], settings: Training, hardware: Hardware, seed: int) -> Path:
    """A folder for a training with exactly these inputs, outside the DVC outputs, which DVC deletes before a stage."""
    inputs = [*identity, dataclasses.asdict(settings), dataclasses.asdict(hardware), seed]
    digest = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()
    return paths.state() / "checkpoints" / digest[:32]


def _write_training(
    path: Path, summary: TrainSummary, curve: list[dict[str, float]], settings: Training, params: Params
) -> None:
    """`training.json`: settings and results, without clocks, speeds or hosts."""
    document = {name: value for name, value in dataclasses.asdict(summary).items() if name != "images_per_s"}
    document |= {
        "curve": curve,
        "hardware": dataclasses.asdict(params.hardware),
        "seed": params.seed,
        "settings": dataclasses.asdict(settings),
    }
    path.write_text(json.dumps(document, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _sha256(path: Path) -> str:
    if not path.is_file():
        raise ValueError(f"{path} does not exist: run `dvc repro` for the stage that writes it, or `dvc checkout`")
    return hashlib.sha256(path.read_bytes()).hexdigest()
