"""What a model answers on the test images: embeddings of images and texts, captions. Once a model, for all sets."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sar_models import data
from sar_models.infer import caption
from sar_models.metrics.retrieval import text_key
from sar_models.model import Model, load
from sar_models.settings import Hardware
from sar_models.shards import ShardReader
from tasks import paths
from tasks.evaluate.embeddings import Embedder
from tasks.evaluate.external import open_external
from tasks.evaluate.test_sets import TestPool
from tasks.params import VARIANTS, Params
from tasks.train.start import begin

KINDS = ("clip", "coca")


@dataclass(frozen=True)
class Answers:
    """Of one model on the pool of test images; rows as in the pool."""

    images: NDArray[np.float32]  # (N, D)
    texts: NDArray[np.float32]  # (distinct texts, D)
    captions: list[str] | None  # (N,), CoCa only


class Pictures:
    """The pool's pictures: as they are, or at the side that a model wants."""

    def __init__(self, pool: TestPool, *, hardware: Hardware) -> None:
        self.places = [place | {"text": modality} for place, modality in zip(pool.images, pool.modalities, strict=True)]
        self._readers = {text: ShardReader(paths.sources_data(text)) for text in set(pool.modalities)}
        self._hardware = hardware
        self._resized: dict[int, Sequence[NDArray[np.uint8]]] = {}

    def full(self, image: int) -> NDArray[np.uint8]:
        """The picture (H, W, 1 or 3) of one row of the pool.

        Raises `ValueError` naming the record when it cannot be read: it is never replaced by zeros.
        """
        place = self.places[image]
        return self._readers[place["text"]].picture(place)

    def at(self, size_px: int) -> Sequence[NDArray[np.uint8]]:
        """All pictures (1 or 3, size_px, size_px), in the order of the pool, out of the cache that training uses."""
        if size_px not in self._resized:
            self._resized[size_px] = data.pictures(
                self.places,
                open_picture=lambda place: self._readers[place["text"]].picture(place),
                size_px=size_px,
                threads=self._hardware.threads,
                cache=paths.input_cache() if self._hardware.pixel_cache else None,
            )
        return self._resized[size_px]

    def __enter__(self) -> "Pictures":
        return self

    def __exit__(self, *exception: object) -> None:
        for reader in self._readers.values():
            reader.close()


def variants(params: Params) -> dict[str, tuple[str, ...]]:
    """Variant → the kinds of model for images and texts that it has; those of other people stand last."""
    return dict.fromkeys(VARIANTS, KINDS) | {each.name: (each.kind,) for each in params.evaluate.external}


def model(variant: str, kind: str, *, params: Params) -> Model:
    """The model of a variant: `initial` is where training starts from, those of `evaluate.external` are where their
    weights lie, the others in `models/<variant>/<kind>`.

    Raises `ValueError` when it is not there or does not load.
    """
    if variant == "initial":
        return begin(kind, params=params).model
    for external in params.evaluate.external:
        if external.name == variant:
            return open_external(external, params=params)
    return load(paths.model(variant, kind))


def answers(embedder: Embedder, pictures: Pictures, texts: Sequence[str], *, params: Params) -> Answers:
    """Ask the model about all pictures and `texts`."""
    of = embedder.model
    shown = pictures.at(of.image_size_px)
    return Answers(
        images=embedder.images(pictures.places, lambda: shown),
        texts=embedder.texts(texts),
        captions=caption(
            of,
            (each.transpose(1, 2, 0) for each in shown),
            decoding=params.evaluate.decoding,
            hardware=params.hardware,
        )
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
