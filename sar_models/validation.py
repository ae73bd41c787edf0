"""How good a model is on the validation set in the middle of its training."""

from typing import Any

import torch

from sar_models import pixels
from sar_models.data import Examples, validation_batches
from sar_models.hardware import autocast
from sar_models.metrics import retrieval
from sar_models.model import Model
from sar_models.settings import Hardware, Training
from sar_models.world import World


def validate(
    model: Model,
    examples: Examples,
    *,
    objective: Any,
    settings: Training,
    hardware: Hardware,
    device: torch.device,
) -> dict[str, float]:
    """The weighted `loss`, each named loss, and `mean_recall` in percent, images and all their captions both ways.

    `objective` is the module of the model's kind (`sar_models.clip`, `sar_models.coca`).
    """
    weights = objective.weights(settings)
    module = model.module
    was_training = module.training
    module.eval()
    sums = dict.fromkeys(weights, 0.0)
    with torch.inference_mode():
        for batch in validation_batches(examples, batch_size=settings.batch_size):
            images = pixels.normalise(batch.images.to(device), mean=model.mean, std=model.std)
            with autocast(hardware):
                losses = objective.losses(module, images, batch.tokens.to(device), world=World())
            for name, value in losses.items():
                sums[name] += float(value) * len(images)
        recall = _mean_recall(model, examples, batch_size=settings.batch_size, hardware=hardware, device=device)
    module.train(was_training)
    means = {name: value / len(examples) for name, value in sums.items()}
    return {"loss": sum(weights[name] * value for name, value in means.items()), **means, "mean_recall": recall}


def _mean_recall(
    model: Model, examples: Examples, *, batch_size: int, hardware: Hardware, device: torch.device
) -> float:
    images, texts = [], []
    tokens = torch.cat(list(examples.tokens))
    with autocast(hardware):
        for start in range(0, len(examples), batch_size):
            chosen = range(start, min(start + batch_size, len(examples)))
            batch = pixels.stack([examples.pictures[index] for index in chosen]).to(device)
            images.append(model.module.encode_image(pixels.normalise(batch, mean=model.mean, std=model.std)))
        for start in range(0, len(tokens), batch_size):
            part = tokens[start : start + batch_size]
            texts.append(model.module.encode_text(part.to(device)))
    found = retrieval.ranks(
        torch.cat(images).float().cpu().numpy(),
        torch.cat(texts).float().cpu().numpy(),
        image_of_text=[row for row, captions in enumerate(examples.texts) for _ in captions],
        captions=[text for captions in examples.texts for text in captions],
    )
    statistic = retrieval.statistics(found)["mean_recall"]
    return float(statistic.value(statistic.items.sum(axis=0)))
