"""Mean recall of a model that embeds, in the middle of its training."""

import numpy as np
import torch

from sar_models import pixels
from sar_models.data import Examples
from sar_models.hardware import autocast
from sar_models.metrics import retrieval
from sar_models.model import Model
from sar_models.settings import Hardware
from sar_models.short_text import shortened


def mean_recall(
    model: Model, examples: Examples, *, batch_size: int, hardware: Hardware, device: torch.device
) -> float:
    """In percent: images and all their captions, both ways. The model is in evaluation mode."""
    images, texts = [], []
    with autocast(hardware):
        for start in range(0, len(examples), batch_size):
            chosen = range(start, min(start + batch_size, len(examples)))
            batch = pixels.stack([examples.pictures[index] for index in chosen]).to(device)
            images.append(model.module.encode_image(pixels.normalise(batch, mean=model.mean, std=model.std)))
        for start in range(0, examples.captions, batch_size):
            part = torch.from_numpy(examples.tokens[start : start + batch_size].astype(np.int64))
            part = shortened(model.module, {"tokens": part})["tokens"]
            texts.append(model.module.encode_text(part.to(device)))
    found = retrieval.ranks(
        torch.cat(images).float().cpu().numpy(),
        torch.cat(texts).float().cpu().numpy(),
        image_of_text=[row for row, captions in enumerate(examples.texts) for _ in captions],
        captions=[text for captions in examples.texts for text in captions],
    )
    statistic = retrieval.statistics(found)["mean_recall"]
    return float(statistic.value(statistic.items.sum(axis=0)))
