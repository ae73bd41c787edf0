"""Embeddings of one model, computed once and kept below `.state/embeddings` by digest.

The name of a folder is the digest of all that the numbers follow from: weights, configuration, pictures or texts,
hardware, batch size, and the code and libraries in between. What is damaged is computed again; anyone may delete them.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sar_models.built_once import built_once
from sar_models.embed import embed_resized
from sar_models.infer import embed_texts
from sar_models.model import Model
from sar_models.pixel_cache import KEY
from tasks import paths
from tasks.graph import code_of
from tasks.params import Params

ROOT = Path(__file__).resolve().parents[2]
ROWS = "rows.npy"
LIBRARIES = ("torch", "open_clip_torch", "timm", "transformers", "numpy", "pillow")


class Embedder:
    """A model that is asked for embeddings."""

    def __init__(self, model: Model, *, params: Params) -> None:
        self.model = model
        self._hardware, self._batch_size = params.hardware, params.evaluate.batch_size
        self._digest = digest_of(model)

    def images(
        self, places: Iterable[Mapping[str, Any]], pictures: Callable[[], Sequence[NDArray[np.uint8]]], *, how: str = ""
    ) -> NDArray[np.float32]:
        """Embeddings, float32 (N, D) of length 1, of the images at `places`.

        `pictures` gives them, (1 or 3, S, S) each, and is asked only when they are not kept; `how` says what was done
        to them.
        """
        shown = [[place.get(key) for key in KEY] for place in places]
        return self._kept(
            ["images", how, shown],
            lambda: embed_resized(self.model, pictures(), hardware=self._hardware, batch_size=self._batch_size),
        )

    def texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Likewise, of texts."""
        return self._kept(
            ["texts", *texts],
            lambda: embed_texts(self.model, texts, hardware=self._hardware, batch_size=self._batch_size),
        )

    def _kept(self, what: list[Any], compute: Callable[[], NDArray[np.float32]]) -> NDArray[np.float32]:
        hardware = [self._hardware.device, self._hardware.precision, self._hardware.threads, self._batch_size]
        key = hashlib.sha256(json.dumps([self._digest, what, hardware, code()]).encode()).hexdigest()[:32]
        folder = built_once(
            paths.state() / "embeddings" / key,
            build=lambda partial: np.save(partial / ROWS, compute(), allow_pickle=False),
        )
        rows: NDArray[np.float32] = np.load(folder / ROWS, allow_pickle=False)
        return rows


def digest_of(model: Model) -> str:
    """sha256 of a model's weights and of how it is fed."""
    described = [model.architecture, model.config, model.image_size_px, model.mean, model.std]
    digest = hashlib.sha256(json.dumps(described, sort_keys=True).encode())
    for name, tensor in sorted(model.module.state_dict().items()):
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()


@cache
def code() -> list[str]:
    """Digests of the files between pixels or words and embeddings, and the versions of the libraries below them."""
    files = sorted({*code_of("sar_models.embed", root=ROOT), *code_of("sar_models.infer", root=ROOT)})
    own = [hashlib.sha256((ROOT / file).read_bytes()).hexdigest() for file in files]
    return [*own, *(version(name) for name in LIBRARIES)]
