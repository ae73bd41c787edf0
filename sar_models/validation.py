"""How good a model is on the validation set in the middle of its training."""

from typing import Any

import torch

from sar_models import losses, pixels
from sar_models.data import DataSet, validation_batches
from sar_models.hardware import autocast
from sar_models.settings import Hardware, Training
from sar_models.short_text import shortened
from sar_models.world import World


def validate(
    model: Any,
    examples: DataSet,
    *,
    objective: Any,
    settings: Training,
    hardware: Hardware,
    device: torch.device,
) -> dict[str, float]:
    """The weighted `loss`, each named loss, and the score of the model's kind, such as `mean_recall` in percent.

    `objective` is the module of the kind (`sar_models.clip`, `sar_models.coca`, `sar_models.gpt`).
    """
    weights = objective.weights(settings)
    module = model.module
    was_training = module.training
    module.eval()
    size = settings.micro_batch or settings.batch_size
    sums = dict.fromkeys(weights, 0.0)
    with torch.inference_mode():
        for batch in validation_batches(examples, batch_size=settings.batch_size):
            text = {name: tokens.to(device) for name, tokens in shortened(module, batch.text).items()}
            outputs = []
            for start in range(0, len(batch.images), size):
                part = slice(start, start + size)
                images = pixels.model_input(batch.images[part].to(device), mean=model.mean, std=model.std)
                with autocast(hardware):
                    outputs.append(
                        objective.forward(module, images, **{name: each[part] for name, each in text.items()})
                    )
            found = losses.named(losses.joined(outputs), objective.counts(**text), world=World())
            for name, value in found.items():
                sums[name] += float(value) * len(batch.images)
        score = objective.score(model, examples, batch_size=size, hardware=hardware, device=device)
    module.train(was_training)
    means = {name: value / len(examples) for name, value in sums.items()}
    return {"loss": sum(weights[name] * value for name, value in means.items()), **means, objective.SCORE: score}
