"""The current test sets, less what a model learned from."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tasks.evaluate.test_sets import TestPool, TestSet
from tasks.evaluate.vqa import Asked
from tasks.gate.seen import MODALITIES, Seen
from tasks.models import Kind


@dataclass(frozen=True)
class Clean:
    """Test images and questions that none of the models learned from: one test set a modality, in the pool's order."""

    pool: TestPool
    asked: Asked
    before: tuple[TestPool, Asked]

    def images(self, kind: Kind) -> dict[str, int]:
        """Modality → test images of a model of `kind` that are left; of SAR-GPT, those that are asked about."""
        return _counts(kind, self.pool, self.asked)

    def entered(self, kind: Kind) -> dict[str, int]:
        """Modality → how many there were."""
        return _counts(kind, *self.before)


def clean(pool: TestPool, asked: Asked, *, seen: Sequence[Seen]) -> Clean:
    """Leave out of `pool` and `asked` each image that one of `seen` holds."""
    kept = [row for row, image in enumerate(pool.images) if not any(behind.holds(image) for behind in seen)]
    modalities = [pool.modalities[row] for row in kept]
    rows_of = {name: tuple(row for row, text in enumerate(modalities) if text == name) for name in MODALITIES}
    smaller = TestPool(
        images=[pool.images[row] for row in kept],
        modalities=modalities,
        captions=[pool.captions[row] for row in kept],
        routes=[pool.routes[row] for row in kept],
        sets=[TestSet(name, rows) for name, rows in rows_of.items() if rows],
        left_out=[],
    )
    return Clean(smaller, _questions(asked, seen), before=(pool, asked))


def _questions(asked: Asked, seen: Sequence[Seen]) -> Asked:
    kept = [row for row, asks in enumerate(asked.rows) if not any(behind.holds(asks) for behind in seen)]
    images = sorted({asked.image_of[row] for row in kept})
    number_of = {image: number for number, image in enumerate(images)}
    return replace(
        asked,
        rows=[asked.rows[row] for row in kept],
        images=[asked.images[image] for image in images],
        image_of=[number_of[asked.image_of[row]] for row in kept],
        baselines={name: [answers[row] for row in kept] for name, answers in asked.baselines.items()},
    )


def _counts(kind: Kind, pool: TestPool, asked: Asked) -> dict[str, int]:
    of = Counter(image["text"] for image in asked.images) if kind == "gpt" else Counter(pool.modalities)
    return {modality: of[modality] for modality in MODALITIES}
