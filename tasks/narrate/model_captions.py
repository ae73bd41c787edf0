"""Captions by SAR-RS-CoCa with two grounds to trust or doubt each: the score of SAR-RS-CLIP, and whether other
decodings of the same image say the same.

Agreement is the mean word F1 of the kept caption with the greedy one and with each random sample: twice the words they
share, counted with repeats, over the words of both. A model that is sure of an image says it again; one that makes it
up says something else each time (compare self-consistency, Wang et al. 2023, and SelfCheckGPT, Manakul et al. 2023).
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sar_models.settings import Decoding, Hardware, Sampling

if TYPE_CHECKING:
    from sar_models.model import Model

DIGITS = 4  # to which scores are rounded wherever they are written


@dataclass(frozen=True)
class Written:
    """What the captioner says of one image."""

    text: str  # the caption that is kept
    others: tuple[str, ...]  # the greedy one, then the random ones
    clip_score: float  # cosine of image and kept caption in the space of SAR-RS-CLIP
    agreement: float  # 0..1


def write(
    coca: "Model",
    clip: "Model",
    pictures: Sequence[NDArray[np.uint8]],
    names: Sequence[str],
    *,
    decoding: Decoding,
    sampling: Sampling,
    samples: int,
    seed: int,
    hardware: Hardware,
) -> list[Written]:
    """Caption `pictures` (H, W, 1 or 3) and score the captions. A random caption depends on `seed` and the picture's
    name alone, not on what else is captioned."""
    from sar_models.infer import caption, embed_images, embed_texts, sample_captions

    if not pictures:
        return []
    kept = caption(coca, pictures, decoding=decoding, hardware=hardware)
    decodings = [caption(coca, pictures, decoding=replace(decoding, method="greedy"), hardware=hardware)]
    for number in range(samples):
        seeds = [_seed(f"{seed}/{number}/{name}") for name in names]
        decodings.append(sample_captions(coca, pictures, sampling=sampling, seeds=seeds, hardware=hardware))
    images = embed_images(clip, pictures, hardware=hardware, batch_size=decoding.batch_size)
    texts = embed_texts(clip, kept, hardware=hardware, batch_size=decoding.batch_size)
    scores = (images * texts).sum(axis=1)
    return [
        Written(text, others, round(float(score), DIGITS), round(agreement(text, others), DIGITS))
        for text, others, score in zip(kept, zip(*decodings, strict=True), scores, strict=True)
    ]


def agreement(text: str, others: Iterable[str]) -> float:
    """Mean word F1 of `text` with each of `others`; 1 where all say the same, 0 where no word is shared."""
    values = [_f1(_words(text), _words(other)) for other in others]
    return sum(values) / len(values) if values else 0.0


def _f1(left: Counter[str], right: Counter[str]) -> float:
    both = left.total() + right.total()
    return 2 * (left & right).total() / both if both else 0.0


def _words(text: str) -> Counter[str]:
    return Counter(re.findall(r"[a-z0-9]+(?:[.,]\d+)?%?", text.lower()))


def _seed(name: str) -> int:
    return int.from_bytes(blake2b(name.encode("utf-8", "surrogateescape"), digest_size=7).digest())
