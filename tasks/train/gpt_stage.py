"""The training stages of SAR-GPT: questions about images in, weights out.

In:  the conversations that validate wrote (`train_llava.json`, `val_llava.json`) with the shards of their sources, the
     SAR-RS-CLIP of the same stage, whose image tower it sees through, and for the second stage the first's SAR-GPT.
Out: `model.safetensors`, `config.json`, `training.json` in `models/<stage>/gpt`.
Run: `dvc repro pretrain_gpt` (captions, then questions, of the optical text), `dvc repro finetune_gpt` (SAR questions),
     `dvc repro single_stage_gpt` (SAR questions alone).
"""

import dataclasses
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sar_models.settings import Training
from tasks import paths
from tasks.params import Params
from tasks.train import summary as summaries
from tasks.train import talks
from tasks.train.inputs import cache, checkpoints, sha256, table
from tasks.train.summary import GptSummary, Stage

if TYPE_CHECKING:
    from sar_models.conversations import Conversations
    from sar_models.gpt_model import Gpt
    from sar_models.train import History

Log = Callable[[Mapping[str, float], int], None]
ALIGN = "align"  # the part on captions
LOOKED_AT = 64  # pictures that the tower looks at together


@dataclasses.dataclass(frozen=True)
class Part:
    """One training of a stage: on captions, or on questions."""

    name: str
    read: Callable[[str, str], tuple[talks.Talks, talks.Places]]
    settings: Training
    files: tuple[Path, ...]  # that it reads


def train_gpt(stage: Stage, *, params: Params, log: Log) -> GptSummary:
    """Train SAR-GPT on the optical text (`optical`: on captions, then on questions where there are any), on the SAR
    questions (`sar`), or what came of the optical text on the SAR questions (`two_stage`). Each stage sees through its
    own image tower, so that the optical model has seen no SAR image.

    `log` receives named numbers with their step. A killed run that is started again with the same inputs goes on where
    it was. Raises `ValueError` when an input is missing or does not fit.
    """
    from sar_models import checkpoint, gpt_model, model
    from sar_models.world import is_first

    folder = paths.model(stage, "clip")
    clip = model.load(folder)
    start = [stage, sha256(folder / model.WEIGHTS)]
    if stage != "two_stage":
        trained = gpt_model.initial(clip, params.gpt.shape, seed=params.seed)
    else:
        folder = paths.model("optical", "gpt")
        trained = gpt_model.load(folder)
        if trained.shape != params.gpt.shape:
            raise ValueError(
                f"{folder} holds another SAR-GPT ({trained.shape}) than params.yaml asks for ({params.gpt.shape}): run "
                "the first stage again (`dvc repro pretrain_gpt`)"
            )
        trained = gpt_model.with_tower(trained, clip)
        start.append(sha256(folder / model.WEIGHTS))
    if stage == "optical":
        modality = "optical"
        parts = [_captions(modality, params.gpt.align)]
        if talks.has_questions(modality):
            parts.append(_questions(modality, "pretrain", params.gpt.pretrain))
        else:
            print("the optical text has no questions: stage 1 is left out, SAR-GPT goes on from the captions")
    else:
        modality = "sar"
        recipe = params.gpt.finetune
        if stage == "sar":
            recipe = dataclasses.replace(recipe, stage_1_share=0.0)  # there is no stage before it
        parts = [_questions(modality, "finetune", recipe)]

    identity: list[Any] = [*start, asdict(trained.shape)]
    done: list[tuple[Part, History, Path]] = []
    for part in parts:
        identity += [part.name, *(sha256(path) for path in part.files)]
        unfinished = checkpoints(identity, part.settings, params.hardware, params.seed)
        train_set, history = _train(trained, part, modality, params=params, unfinished=unfinished, log=log)
        identity.append(asdict(part.settings))
        done.append((part, history, unfinished))

    best = history.curve[history.best_epoch - 1]
    summary = GptSummary(
        stage=stage,
        kind="gpt",
        architecture=trained.shape.language_model,
        parameters=trained.parameters,
        trained_parameters=trained.trained,
        images=len(train_set),
        questions=train_set.questions,
        steps=history.step,
        epochs=history.epoch,
        best_epoch=history.best_epoch,
        best_val_loss=best["val_loss"],
        best_val_exact_match=best["val_exact_match"],
        images_per_s=history.images_per_s,
    )
    if is_first():
        output = paths.model(stage, "gpt")
        gpt_model.save(trained, output)
        settings = {part.name: asdict(part.settings) for part in parts}
        summaries.write(output, summary, history.curve, settings, params)
        for _, _, unfinished in done:
            checkpoint.remove(unfinished)
    return summary


def _captions(modality: str, settings: Training) -> Part:
    return Part(ALIGN, talks.captions, settings, tuple(table(modality, split) for split in ("train", "val")))


def _questions(modality: str, name: str, settings: Training) -> Part:
    files = tuple(talks.questions_file(modality, split) for split in ("train", "val"))
    return Part(name, talks.questions, settings, files)


def _train(
    trained: "Gpt", part: Part, modality: str, *, params: Params, unfinished: Path, log: Log
) -> tuple["Conversations", "History"]:
    from sar_models import gpt, gpt_model
    from sar_models.train import train

    train_set, val_set = (
        _conversations(part.read(modality, split), trained, modality, params=params) for split in ("train", "val")
    )
    with gpt_model.aligning(trained) if part.name == ALIGN else nullcontext():
        history = train(
            trained,
            objective=gpt,
            train_set=train_set,
            val_set=val_set,
            settings=part.settings,
            hardware=params.hardware,
            seed=params.seed,
            checkpoints=unfinished,
            log=lambda metrics, step: log({_named(part, name): value for name, value in metrics.items()}, step),
            label=f"{modality} gpt, {part.name}",
        )
    return train_set, history


def _named(part: Part, metric: str) -> str:
    """Curves of the captions stand apart: their steps are counted anew."""
    return f"{ALIGN}/{metric}" if part.name == ALIGN else metric


def _conversations(
    said: tuple[talks.Talks, talks.Places], trained: "Gpt", modality: str, *, params: Params
) -> "Conversations":
    """The conversations with what the frozen tower sees of their images."""
    import torch

    from sar_models import pixels
    from sar_models.conversations import conversations, looked_at
    from sar_models.hardware import computing
    from sar_models.shards import ShardReader

    turns, places = said
    with ShardReader(paths.sources_data(modality)) as reader:
        found = conversations(
            turns, places,
            open_picture=reader.picture, words=trained.words, image_size_px=trained.image_size_px,
            longest=trained.longest, threads=params.hardware.threads, cache=cache(params.hardware),
        )  # fmt: skip
        with computing(params.hardware) as device, torch.no_grad():
            tower = trained.module.to(device)
            return looked_at(
                found,
                lambda pictures: tower.tokens(
                    pixels.normalise(pictures.to(device), mean=trained.mean, std=trained.std)
                ),
                batch_size=LOOKED_AT,
            )
