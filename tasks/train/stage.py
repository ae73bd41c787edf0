"""The training stages: captioned images in, weights out.

In:  the validated text (`train.parquet`, `val.parquet`) with the shards of its sources, and for the second stage the
     weights of the first.
Out: `model.safetensors`, `config.json`, `training.json` in `models/<stage>/<kind>`.
Run: `dvc repro pretrain@clip` (optical text, from random weights), `dvc repro finetune@clip` (SAR text, from those).
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from sar_models.settings import Hardware
from tasks import paths, records
from tasks.params import Params
from tasks.train import summary as summaries
from tasks.train.inputs import PLACE, cache, checkpoints, sha256, table
from tasks.train.summary import Stage, TrainSummary

if TYPE_CHECKING:
    from sar_models.data import Examples
    from sar_models.model import Model

COLUMNS = (*PLACE, "caption_id", "text", "route")


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
        start = sha256(folder / model.WEIGHTS)

    train_set, val_set = (
        _examples(modality, split, trained, hardware=params.hardware, augment=augment)
        for split, augment in (("train", settings.augment), ("val", "none"))
    )
    tables = [sha256(table(modality, split)) for split in ("train", "val")]
    identity = [stage, kind, architecture, start, *tables]
    unfinished = checkpoints(identity, settings, params.hardware, params.seed)
    history = train(
        trained,
        objective={"clip": clip, "coca": coca}[kind],
        train_set=train_set,
        val_set=val_set,
        settings=settings,
        hardware=params.hardware,
        seed=params.seed,
        checkpoints=unfinished,
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
        summaries.write(output, summary, history.curve, dataclasses.asdict(settings), params)
        checkpoint.remove(unfinished)
    return summary


def _examples(modality: str, split: str, trained: "Model", *, hardware: Hardware, augment: str) -> "Examples":
    from sar_models.data import examples
    from sar_models.shards import ShardReader
    from tasks.train.symmetries import seen

    path = table(modality, split)
    rows = records.read(path, columns=COLUMNS)
    if not rows:
        raise ValueError(f"{path} holds no captions: look at the quarantine beside it, or add a source")
    if augment == "sar":
        rows = [seen(row) for row in rows]
    with ShardReader(paths.sources_data(modality)) as reader:
        return examples(
            rows,
            open_picture=reader.picture,
            tokenizer=trained.tokenizer,
            image_size_px=trained.image_size_px,
            threads=hardware.threads,
            cache=cache(hardware),
        )
