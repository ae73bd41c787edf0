"""Image-text retrieval by RemoteCLIP's definition, exact, in blocks, with ties against the model.

Features are L2-normalised. Image → text is a hit at k if any right text is among the k best, text → image if a right
image is; recalls are percentages, and mean recall is the plain mean of R@1, 5 and 10 both ways (Liu et al., RemoteCLIP,
arXiv 2306.11029, section IV-A).

What is right: a text is right for an image if its key equals the key of one of the image's own captions, and an image
is right for a text if the text's key is among the image's captions. Keys ignore case and the amount of white space, as
CLIP's tokeniser does, so that texts which no model can tell apart are not held against each other. The `strict_*`
numbers beside them count only the image's own captions, and the text's own image.

Ties: a wrong item that scores as high as the best right one (to within `TIE`) ranks before it. A model that gives every
item the same embedding so has no hits at all, and the share of ties says why.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sar_models.metrics.average_precision import average_precision
from sar_models.metrics.bootstrap import Statistic
from sar_models.metrics.median import median
from sar_models.metrics.rivals import TIE, Floats, Integers, Pairs, count

CUTOFFS = (1, 5, 10)
_ROWS = 4096  # looked at together where embeddings are prepared
_APART = 0.05  # between embeddings of one text: far above what bfloat16 gives in batches of other shapes


@dataclass(frozen=True)
class Ranks:
    """Rank of the best right item, from 1."""

    image_to_text: Integers  # (N,), one an image
    text_to_image: Integers  # (M,), one a text
    strict_image_to_text: Integers
    strict_text_to_image: Integers
    image_ties: npt.NDArray[np.bool_]  # (N,), whether a wrong text scores the same as the best right one
    text_ties: npt.NDArray[np.bool_]  # (M,), whether a wrong image does
    image_of_text: Integers  # (M,), row of the image that a text belongs to
    image_precision: npt.NDArray[np.float64] | None = None  # (N,), average precision, if asked for
    text_precision: npt.NDArray[np.float64] | None = None  # (M,)


def text_key(text: str) -> str:
    """What two texts must share to be the same: lower case, single spaces."""
    return " ".join(text.lower().split())


def ranks(
    images: npt.ArrayLike,
    texts: npt.ArrayLike,
    *,
    image_of_text: Sequence[int] | Integers,
    captions: Sequence[str],
    precision: bool = False,
    names: tuple[str, str] = ("images", "texts"),
    block: int = 768,
    threads: int = 2,
) -> Ranks:
    """Rank every text for every image and the other way round.

    `images` (N, D) and `texts` (M, D) are features of any length; `image_of_text` (M,) is the row of the image that a
    text belongs to; `captions` (M,) are the texts. `precision` also gives the average precision of each, over all
    right items; errors call the two tables by their `names`. Memory beyond the inputs and their normalised copies is
    O(threads · (block² + N + M)); `threads` change nothing but the time.

    Raises `ValueError` naming the row for features that are not finite or all zero, for dimensions that differ, for an
    image without a text, for a text without an image, and when equal texts come with different features.
    """
    image_features = _normalised(images, names[0])
    text_features = _normalised(texts, names[1])
    owner = np.asarray(image_of_text, dtype=np.int64)
    _check(image_features, text_features, owner, captions, names=names)

    number_of: dict[str, int] = {}  # key → row among the distinct texts
    key_of_text = np.array([number_of.setdefault(text_key(text), len(number_of)) for text in captions], dtype=np.int64)
    first = np.unique(key_of_text, return_index=True)[1]
    distinct = text_features if len(first) == len(text_features) else text_features[first]
    _check_equal_texts(text_features, distinct, key_of_text, captions, name=names[1])
    copies = np.bincount(key_of_text)

    # Pairs (image, distinct text) that are right, with how often the image carries that text.
    pair_codes, pair_of_text, own_copies = np.unique(
        owner * len(distinct) + key_of_text, return_inverse=True, return_counts=True
    )
    pairs = _pairs(image_features, distinct, *np.divmod(pair_codes, len(distinct)))
    found = count(
        image_features, distinct, copies=copies, pairs=pairs, each_pair=precision, block=block, threads=threads
    )

    # Strictly, the other images' copies of an image's own texts are wrong too.
    others = (copies[pairs.text] - own_copies) * (pairs.score >= pairs.best_of_image[pairs.image] - TIE)
    strict_of_image = np.bincount(pairs.image, weights=others, minlength=len(image_features)).astype(np.int64)
    image_precision = text_precision = None
    if precision:
        image_precision = average_precision(
            pairs.image, scores=pairs.score, copies=copies[pairs.text], rivals=found.of_pair_image
        )
        text_precision = average_precision(
            pairs.text, scores=pairs.score, copies=np.ones_like(pairs.text), rivals=found.of_pair_text
        )[key_of_text]
    return Ranks(
        image_to_text=1 + found.of_image,
        text_to_image=1 + found.of_text[key_of_text],
        strict_image_to_text=1 + found.of_image + strict_of_image,
        strict_text_to_image=1 + (found.of_pair_text + _twins(pairs))[pair_of_text],
        image_ties=found.of_image > found.clearly_of_image,
        text_ties=(found.of_text > found.clearly_of_text)[key_of_text],
        image_of_text=owner,
        image_precision=image_precision,
        text_precision=text_precision,
    )


def statistics(found: Ranks) -> dict[str, Statistic]:
    """`i2t_r1` … `t2i_r10` and `mean_recall` in percent, `i2t_median_rank` and `t2i_median_rank`, from 1, and the
    `strict_*` twins of them all; `i2t_ties` and `t2i_ties`, the percentage with a wrong item that scores the same as
    the best right one; `i2t_map` and `t2i_map`, mean average precision in percent, where `ranks` was asked for it.

    All are statistics over images: a text counts with its image, so that resampling keeps an image's captions together.
    """
    n = len(found.image_to_text)
    texts_of_image = np.bincount(found.image_of_text, minlength=n).astype(np.float64)
    result = {}
    for prefix, image_rank, text_rank in (
        ("", found.image_to_text, found.text_to_image),
        ("strict_", found.strict_image_to_text, found.strict_text_to_image),
    ):
        image_hits = [(image_rank <= k).astype(np.float64) for k in CUTOFFS]
        text_hits = [
            np.bincount(found.image_of_text, weights=text_rank <= k, minlength=n).astype(np.float64) for k in CUTOFFS
        ]
        for k, hits in zip(CUTOFFS, image_hits, strict=True):
            result[f"{prefix}i2t_r{k}"] = Statistic(np.stack([hits, np.ones(n)], axis=1), percent)
        for k, hits in zip(CUTOFFS, text_hits, strict=True):
            result[f"{prefix}t2i_r{k}"] = Statistic(np.stack([hits, texts_of_image], axis=1), percent)
        columns = [*image_hits, *text_hits, np.ones(n), texts_of_image]
        result[f"{prefix}mean_recall"] = Statistic(np.stack(columns, axis=1), mean_recall)
        result[f"{prefix}i2t_median_rank"] = median(image_rank, item=np.arange(n), items=n)
        result[f"{prefix}t2i_median_rank"] = median(text_rank, item=found.image_of_text, items=n)
    for name, of_image, of_text in (
        ("ties", found.image_ties, found.text_ties),
        ("map", found.image_precision, found.text_precision),
    ):
        if of_image is not None and of_text is not None:
            sums = np.bincount(found.image_of_text, weights=of_text, minlength=n)
            result[f"i2t_{name}"] = Statistic(np.stack([of_image.astype(np.float64), np.ones(n)], axis=1), percent)
            result[f"t2i_{name}"] = Statistic(np.stack([sums, texts_of_image], axis=1), percent)
    return result


def percent(sums: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Sums (…, 2) of hits and tries → percent."""
    return np.asarray(100 * sums[..., 0] / sums[..., 1])


def mean_recall(sums: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Sums (…, 8) of three image hits, three text hits, images and texts → mean of the six recalls, percent."""
    k = len(CUTOFFS)
    recalls = np.concatenate([sums[..., :k] / sums[..., -2:-1], sums[..., k : 2 * k] / sums[..., -1:]], axis=-1)
    return np.asarray(100 * recalls.mean(axis=-1))


def _normalised(features: npt.ArrayLike, name: str) -> Floats:
    array = np.asarray(features)
    if array.ndim != 2 or not array.size:
        raise ValueError(f"{name} must be a table of features with at least one row, got shape {array.shape}")
    unit = np.empty(array.shape, dtype=np.float32)
    bad: list[int] = []
    for start in range(0, len(array), _ROWS):  # the whole may be a file that is larger than memory
        part = np.asarray(array[start : start + _ROWS], dtype=np.float64)
        norms = np.linalg.norm(part, axis=1)
        usable = np.isfinite(norms) & (norms > 0)
        bad += (start + np.flatnonzero(~usable)).tolist()
        unit[start : start + _ROWS] = part / np.where(usable, norms, 1)[:, np.newaxis]
    if bad:
        raise ValueError(
            f"{name} row {bad[0]}: the embedding holds NaN or infinity, or is all zero ({len(bad)} such rows in all); "
            "the model is broken or the image was not read"
        )
    return unit


def _check(images: Floats, texts: Floats, owner: Integers, captions: Sequence[str], *, names: tuple[str, str]) -> None:
    if images.shape[1] != texts.shape[1]:
        raise ValueError(f"image embeddings have dimension {images.shape[1]}, text embeddings {texts.shape[1]}")
    if not len(texts) == len(owner) == len(captions):
        raise ValueError(
            f"{len(texts)} text embeddings, {len(owner)} image rows and {len(captions)} captions: give one each a text"
        )
    outside = np.flatnonzero((owner < 0) | (owner >= len(images)))
    if outside.size:
        row = outside[0]
        raise ValueError(f"text row {row} belongs to image row {owner[row]}, but there are {len(images)} images")
    alone = np.flatnonzero(np.bincount(owner, minlength=len(images)) == 0)
    if alone.size:
        raise ValueError(
            f"{names[0]} row {alone[0]} has no text ({alone.size} such images); nothing could be right for it"
        )


def _check_equal_texts(
    texts: Floats, distinct: Floats, key_of_text: Integers, captions: Sequence[str], *, name: str
) -> None:
    for start in range(0, len(texts), _ROWS):
        part = slice(start, start + _ROWS)
        apart = np.abs(texts[part] - distinct[key_of_text[part]]).max(axis=1)
        if apart.max() > _APART:
            row = start + int(apart.argmax())
            raise ValueError(f"{name} row {row} ({captions[row]!r}) equals an earlier text but has another embedding")


def _pairs(images: Floats, texts: Floats, image: Integers, text: Integers) -> Pairs:
    score = np.empty(len(image), dtype=np.float32)
    for start in range(0, len(image), _ROWS):
        part = slice(start, start + _ROWS)
        score[part] = np.einsum("pd,pd->p", images[image[part]], texts[text[part]])
    best_of_image = np.full(len(images), -np.inf, dtype=np.float32)
    np.maximum.at(best_of_image, image, score)
    best_of_text = np.full(len(texts), -np.inf, dtype=np.float32)
    np.maximum.at(best_of_text, text, score)
    return Pairs(image, text, score, best_of_image, best_of_text)


def _twins(pairs: Pairs) -> Integers:
    """For each right pair, how many other images that carry the same text score as high or higher."""
    order = np.lexsort((pairs.score, pairs.text))
    carriers = np.bincount(pairs.text)
    ends = np.cumsum(carriers)
    twins = np.zeros(len(order), dtype=np.int64)
    for text in np.flatnonzero(carriers > 1):
        group = order[ends[text] - carriers[text] : ends[text]]
        scores = pairs.score[group]
        twins[group] = len(group) - np.searchsorted(scores, scores - TIE, side="left") - 1
    return twins
