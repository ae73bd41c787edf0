"""What a model answers on the test images: embeddings of images and texts, captions. Once a model, for all sets."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sar_models.infer import caption, embed_images, embed_texts
from sar_models.metrics.retrieval import text_key
from sar_models.model import Model, load
from sar_models.pixels import resize
from sar_models.shards import ShardReader
from tasks import paths
from tasks.evaluate.test_sets import TestPool
from tasks.params import Params
from tasks.train.start import begin

KINDS = ("clip", "coca")
VARIANTS = ("initial", "optical", "sar", "two_stage")


@dataclass(frozen=True)
class Answers:
    """Of one model on the pool of test images; rows as in the pool."""

    images: NDArray[np.float32]  # (N, D)
    texts: NDArray[np.float32]  # (distinct texts, D)
    captions: list[str] | None  # (N,), CoCa only


class Pictures:
    """The pool's pictures: as they are, or at the side that a model wants (decoded once, the last side is kept)."""

    def __init__(self, pool: TestPool) -> None:
        self._pool = pool
        self._readers = {text: ShardReader(paths.sources_data(text)) for text in set(pool.modalities)}
        self._size_px = 0
        self._pictures: list[NDArray[np.uint8]] = []

    def full(self, image: int) -> NDArray[np.uint8]:
        """The picture (H, W, 1 or 3) of one row of the pool.

        Raises `ValueError` naming the record when it cannot be read: it is never replaced by zeros.
        """
        return self._readers[self._pool.modalities[image]].picture(self._pool.images[image])

    def at(self, size_px: int) -> list[NDArray[np.uint8]]:
        """All pictures (size_px, size_px, 1 or 3), in the order of the pool: S² or 3 S² bytes each."""
        if self._size_px != size_px:
            self._pictures = [
                resize(self.full(image), size_px=size_px).transpose(1, 2, 0) for image in range(len(self._pool.images))
            ]
            self._size_px = size_px
        return self._pictures

    def __enter__(self) -> "Pictures":
        return self

    def __exit__(self, *exception: object) -> None:
        for reader in self._readers.values():
            reader.close()


def model(variant: str, kind: str, *, params: Params) -> Model:
    """The model of a variant: `initial` is where training starts from, the others lie in `models/<variant>/<kind>`."""
    if variant == "initial":
        return begin(kind, params=params).model
    return load(paths.model(variant, kind))


def answers(of: Model, pictures: Pictures, texts: Sequence[str], *, params: Params) -> Answers:
    """Ask `of` about all pictures and `texts`."""
    shown = pictures.at(of.image_size_px)
    settings = params.evaluate
    return Answers(
        images=embed_images(of, shown, hardware=params.hardware, batch_size=settings.batch_size),
        texts=embed_texts(of, texts, hardware=params.hardware, batch_size=settings.batch_size),
        captions=caption(of, shown, decoding=settings.decoding, hardware=params.hardware)
        if of.kind == "coca"
        else None,
    )


def distinct(captions: Sequence[Sequence[str]]) -> tuple[list[str], list[NDArray[np.int64]]]:
    """The texts that differ in more than case and spaces, and for each image the rows of its captions among them."""
    number_of: dict[str, int] = {}
    texts: list[str] = []
    rows = []
    for own in captions:
        for text in own:
            if text_key(text) not in number_of:
                number_of[text_key(text)] = len(texts)
                texts.append(text)
        rows.append(np.array([number_of[text_key(text)] for text in own], dtype=np.int64))
    return texts, rows
