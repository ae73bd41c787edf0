"""What a trained model is asked: embeddings of pictures and texts, captions of pictures."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import normalize

from sar_models import decode, pixels
from sar_models.hardware import autocast, computing
from sar_models.model import Model
from sar_models.settings import Decoding, Hardware, Sampling
from sar_models.short_text import shortened

T = TypeVar("T")


def embed_images(
    model: Model, pictures: Iterable[NDArray[np.uint8]], *, hardware: Hardware, batch_size: int
) -> NDArray[np.float32]:
    """Embeddings, float32 (N, D) of length 1, of pictures (H, W, 1 or 3) of any size; read as they are needed."""
    with computing(hardware) as device, torch.inference_mode():
        module = model.module.to(device).eval()
        found = []
        for batch in _batches(pictures, batch_size):
            with autocast(hardware):
                found.append(module.encode_image(_images(model, batch, device)))
    return _unit_rows(found)


def embed_texts(model: Model, texts: Iterable[str], *, hardware: Hardware, batch_size: int) -> NDArray[np.float32]:
    """Embeddings, float32 (N, D) of length 1, of texts; what exceeds the context length is cut."""
    with computing(hardware) as device, torch.inference_mode():
        module = model.module.to(device).eval()
        found = []
        for batch in _batches(texts, batch_size):
            with autocast(hardware):
                tokens = shortened(module, {"tokens": model.tokenizer(batch)})["tokens"]
                found.append(module.encode_text(tokens.to(device)))
    return _unit_rows(found)


def caption(
    model: Model, pictures: Iterable[NDArray[np.uint8]], *, decoding: Decoding, hardware: Hardware
) -> list[str]:
    """One caption a picture (H, W, 1 or 3). Raises `ValueError` when the model is no CoCa."""
    _can_caption(model)
    captions = []
    with computing(hardware) as device, torch.inference_mode():
        module = model.module.to(device).eval()
        for batch in _batches(pictures, decoding.batch_size):
            with autocast(hardware):
                stepper = decode.CocaStepper(module, _images(model, batch, device))
                tokens = decode.decode(stepper, decoding=decoding, start=model.tokenizer.start, end=model.tokenizer.end)
            captions += [model.tokenizer.decode(row) for row in tokens.tolist()]
    return captions


def sample_captions(
    model: Model, pictures: Iterable[NDArray[np.uint8]], *, sampling: Sampling, seeds: Sequence[int], hardware: Hardware
) -> list[str]:
    """One random caption a picture, drawn by the seed at its position; otherwise as `caption`."""
    _can_caption(model)
    captions = []
    with computing(hardware) as device, torch.inference_mode():
        module = model.module.to(device).eval()
        for batch in _batches(zip(pictures, seeds, strict=True), sampling.batch_size):
            with autocast(hardware):
                stepper = decode.CocaStepper(module, _images(model, [picture for picture, _ in batch], device))
                tokens = decode.sample(
                    stepper,
                    sampling=sampling,
                    seeds=[seed for _, seed in batch],
                    start=model.tokenizer.start,
                    end=model.tokenizer.end,
                )
            captions += [model.tokenizer.decode(row) for row in tokens.tolist()]
    return captions


def _can_caption(model: Model) -> None:
    if model.kind != "coca":
        raise ValueError(f"a model of kind '{model.kind}' writes no captions; use a coca model")


def _images(model: Model, pictures: list[NDArray[np.uint8]], device: torch.device) -> torch.Tensor:
    batch = pixels.stack([pixels.resize(each, size_px=model.image_size_px) for each in pictures])
    return pixels.normalise(batch.to(device), mean=model.mean, std=model.std)


def _unit_rows(found: list[torch.Tensor]) -> NDArray[np.float32]:
    if not found:
        raise ValueError("there is nothing to embed: give at least one picture or text")
    rows: NDArray[np.float32] = normalize(torch.cat(found).float(), dim=-1).cpu().numpy()
    return rows


def _batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch
