"""The training stages: captioned images in, weights out.

In:  the validated text (`train.parquet`, `val.parquet`) with the shards of its sources, and for the second stage the
     weights of the first.
Out: `model.safetensors`, `config.json`, `training.json` in `models/<stage>/<kind>`.
Run: `dvc repro pretrain@clip` (optical text, from what `start` names), `dvc repro finetune@clip` (SAR text, from what
     came of that), `dvc repro single_stage@clip` (SAR text, from what `start` names: what the first stage is worth
     shows beside it).
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from sar_models.settings import Hardware
from tasks import paths, records
from tasks.params import Params
from tasks.train import summary as summaries
from tasks.train.inputs import PLACE, cache, checkpoints, sha256, table
from tasks.train.replay import replayed
from tasks.train.start import begin
from tasks.train.summary import Stage, TrainSummary
from tasks.train.symmetries import seen

if TYPE_CHECKING:
    from sar_models.data import Examples
    from sar_models.model import Model

COLUMNS = (*PLACE, "caption_id", "text", "route")


def train_model(
    stage: Stage, kind: str, *, params: Params, log: Callable[[Mapping[str, float], int], None]
) -> TrainSummary:
    """Train a `kind` of model (`clip`, `coca`) on the optical text (`optical`), on the SAR text (`sar`), or what came
    of the optical text on the SAR text (`two_stage`).

    `log` receives named numbers with their step. A killed run that is started again with the same inputs goes on where
    it was. Raises `ValueError` when an input is missing or does not fit.
    """
    from sar_models import checkpoint, clip, coca, model
    from sar_models.train import train
    from sar_models.world import is_first

    wanted = params.model(kind)
    modality, settings = ("optical", wanted.pretrain) if stage == "optical" else ("sar", wanted.finetune)
    if stage == "sar":
        settings = dataclasses.replace(settings, stage_1_share=0.0, replay=0.0)  # there is no stage before it
    begun = _learned_so_far(kind, params=params) if stage == "two_stage" else _start(kind, params=params)
    trained, start, start_sha256 = begun
    trained = model.compared_by(trained, settings.contrastive_loss)

    train_rows = _rows(modality, "train", augment=settings.augment)
    if settings.replay:
        optical = _rows("optical", "train", augment=settings.augment)
        train_rows += replayed(optical, share=settings.replay, seed=params.seed)
    train_set = _examples(train_rows, trained, hardware=params.hardware)
    val_set = _examples(_rows(modality, "val"), trained, hardware=params.hardware)
    for split, examples in (("training", train_set), ("validation", val_set)):
        if examples.cut_captions and is_first():
            print(
                f"warning: {examples.cut_captions} of {examples.captions} {split} captions are longer than the "
                f"{trained.tokenizer.context_length} tokens of {kind} and lose sentences at their end; a larger "
                f"{kind}.context_length keeps them",
                flush=True,
            )
    tables = [sha256(table(modality, split)) for split in ("train", "val")]
    tables += [sha256(table("optical", "train"))] if settings.replay else []
    first = [dataclasses.asdict(wanted.start), start_sha256, wanted.context_length]
    identity = [stage, kind, wanted.architecture, *first, *tables]
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
        architecture=wanted.architecture,
        start=start,
        start_sha256=start_sha256,
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


def _start(kind: str, *, params: Params) -> tuple["Model", str, str]:
    """The model that `start` describes, its name and the sha256 of its weights."""
    from sar_models.world import is_first

    begun = begin(kind, params=params)
    name = params.model(kind).start.weights
    if is_first():
        for note in (f"{kind} starts from {name} {begun.weights_sha256}".strip(), *begun.notes):
            print(note, flush=True)
    return begun.model, name, begun.weights_sha256


def _learned_so_far(kind: str, *, params: Params) -> tuple["Model", str, str]:
    """The model that came of stage 1, its folder and the sha256 of its weights."""
    from sar_models import model

    wanted = params.model(kind)
    folder = paths.model("optical", kind)
    found = model.load(folder)
    text = model.configuration(wanted.architecture, context_length=wanted.context_length)["text_cfg"]
    if (found.kind, found.architecture, found.config["text_cfg"]) != (kind, wanted.architecture, text):
        raise ValueError(
            f"{folder} holds a {found.kind} '{found.architecture}' of {found.tokenizer.context_length} tokens, but "
            f"params.yaml asks for a {kind} '{wanted.architecture}' of {wanted.context_length or 'its own'} tokens: "
            f"run the first stage again (`dvc repro pretrain@{kind}`)"
        )
    return found, folder.relative_to(paths.root()).as_posix(), sha256(folder / model.WEIGHTS)


def _rows(modality: str, split: str, *, augment: str = "none") -> list[dict[str, Any]]:
    """The captions of a split, with the text data set that each belongs to."""
    path = table(modality, split)
    rows = [{**row, "text_set": modality} for row in records.read(path, columns=COLUMNS)]
    if not rows:
        raise ValueError(f"{path} holds no captions: look at the quarantine beside it, or add a source")
    if augment == "none":
        return rows
    turned = [seen(row) for row in rows]
    return turned if modality == "sar" else [{**row, "radiometric": False} for row in turned]  # there is no speckle


def _examples(rows: Sequence[Mapping[str, Any]], trained: "Model", *, hardware: Hardware) -> "Examples":
    from sar_models.data import examples
    from sar_models.shards import ShardReader

    with ExitStack() as stack:
        readers = {
            text_set: stack.enter_context(ShardReader(paths.sources_data(text_set)))
            for text_set in sorted({row["text_set"] for row in rows})
        }
        return examples(
            rows,
            open_picture=lambda row: readers[row["text_set"]].picture(row),
            tokenizer=trained.tokenizer,
            image_size_px=trained.image_size_px,
            threads=hardware.threads,
            cache=cache(hardware),
        )
