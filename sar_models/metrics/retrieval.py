"""Image-text retrieval by RemoteCLIP's definition, exact, in blocks, with ties against the model.

Features are L2-normalised. Image → text is a hit at k if any right text is among the k best, text → image if a right
image is; recalls are percentages, and mean recall is the plain mean of R@1, 5 and 10 both ways (Liu et al., RemoteCLIP,
arXiv 2306.11029, section IV-A).

What is right: a text is right for an image if its key equals the key of one of the image's own captions, and an image
is right for a text if the text's key is among the image's captions. Keys ignore case and the amount of white space, as
CLIP's tokeniser does, so that texts which no model can tell apart are not held against each other. The `strict_*`
numbers beside them count only the image's own captions, and the text's own image.

Ties: a wrong item that scores as high as the best right one (to within `TIE`) ranks before it. A model that gives every
item the same embedding so has no hits at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sar_models.metrics.bootstrap import Statistic

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]

CUTOFFS = (1, 5, 10)
TIE = 1e-6  # cosines nearer than this are equal: a float32 product differs by less between block shapes


@dataclass(frozen=True)
class Ranks:
    """Rank of the best right item, from 1."""

    image_to_text: Integers  # (N,), one an image
    text_to_image: Integers  # (M,), one a text
    strict_image_to_text: Integers
    strict_text_to_image: Integers
    image_of_text: Integers  # (M,), row of the image that a text belongs to


def text_key(text: str) -> str:
    """What two texts must share to be the same: lower case, single spaces."""
    return " ".join(text.lower().split())


def ranks(
    images: npt.ArrayLike,
    texts: npt.ArrayLike,
    *,
    image_of_text: Sequence[int] | Integers,
    captions: Sequence[str],
    block: int = 1024,
) -> Ranks:
    """Rank every text for every image and the other way round.

    `images` (N, D) and `texts` (M, D) are features of any length; `image_of_text` (M,) is the row of the image that a
    text belongs to; `captions` (M,) are the texts. Memory beyond the inputs is O(block² + N + M).

    Raises `ValueError` naming the row for features that are not finite or all zero, for dimensions that differ, for an
    image without a text, for a text without an image, and when equal texts come with different features.
    """
    image_features = _normalised(images, "images")
    text_features = _normalised(texts, "texts")
    owner = np.asarray(image_of_text, dtype=np.int64)
    _check(image_features, text_features, owner, captions)

    number_of: dict[str, int] = {}  # key → row among the distinct texts
    key_of_text = np.array([number_of.setdefault(text_key(text), len(number_of)) for text in captions], dtype=np.int64)
    distinct = text_features[np.unique(key_of_text, return_index=True)[1]]
    _check_equal_texts(text_features, distinct, key_of_text, captions)
    copies = np.bincount(key_of_text)

    # Pairs (image, distinct text) that are right, sorted by image, with how often the image carries that text.
    pair_codes, pair_of_text, own_copies = np.unique(
        owner * len(distinct) + key_of_text, return_inverse=True, return_counts=True
    )
    pair_image, pair_key = np.divmod(pair_codes, len(distinct))
    pair_score = _pair_scores(image_features, distinct, pair_image, pair_key, block)

    best_for_image = np.full(len(image_features), -np.inf, dtype=np.float32)
    np.maximum.at(best_for_image, pair_image, pair_score)
    best_for_key = np.full(len(distinct), -np.inf, dtype=np.float32)
    np.maximum.at(best_for_key, pair_key, pair_score)

    above_image, above_key, above_pair = _count_wrong(
        image_features, distinct, copies, pair_image, pair_key,
        best_for_image - TIE, best_for_key - TIE, pair_score - np.float32(TIE), block=block,
    )  # fmt: skip

    # Strictly, the other images' copies of an image's own texts are wrong too.
    others = (copies[pair_key] - own_copies) * (pair_score >= best_for_image[pair_image] - TIE)
    strict_above_image = above_image + np.bincount(pair_image, weights=others, minlength=len(above_image)).astype(int)
    strict_above_pair = above_pair + _rivals(pair_key, pair_score)
    return Ranks(
        image_to_text=1 + above_image,
        text_to_image=1 + above_key[key_of_text],
        strict_image_to_text=1 + strict_above_image,
        strict_text_to_image=1 + strict_above_pair[pair_of_text],
        image_of_text=owner,
    )


def statistics(found: Ranks) -> dict[str, Statistic]:
    """`i2t_r1` … `t2i_r10`, `mean_recall` and their `strict_*` twins, in percent, as statistics over images.

    A text counts with its image, so that resampling images keeps their captions together.
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
    array = np.asarray(features, dtype=np.float32)
    if array.ndim != 2 or not array.size:
        raise ValueError(f"{name} must be a table of features with at least one row, got shape {array.shape}")
    norms = np.linalg.norm(array.astype(np.float64), axis=1)
    bad = np.flatnonzero(~np.isfinite(norms) | (norms == 0))
    if bad.size:
        raise ValueError(
            f"{name} row {bad[0]}: the embedding holds NaN or infinity, or is all zero ({bad.size} such rows in all); "
            "the model is broken or the image was not read"
        )
    return np.asarray(array / norms[:, None], dtype=np.float32)


def _check(images: Floats, texts: Floats, owner: Integers, captions: Sequence[str]) -> None:
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
        raise ValueError(f"image row {alone[0]} has no text ({alone.size} such images); nothing could be right for it")


def _check_equal_texts(texts: Floats, distinct: Floats, key_of_text: Integers, captions: Sequence[str]) -> None:
    apart = np.abs(texts - distinct[key_of_text]).max(axis=1)
    if apart.max() > 0.05:  # far above what bfloat16 gives in batches of other shapes
        row = int(apart.argmax())
        raise ValueError(f"text row {row} ({captions[row]!r}) equals an earlier text but has another embedding")


def _pair_scores(images: Floats, distinct: Floats, rows: Integers, columns: Integers, block: int) -> Floats:
    scores = np.empty(len(rows), dtype=np.float32)
    for start in range(0, len(rows), block):
        part = slice(start, start + block)
        scores[part] = np.einsum("pd,pd->p", images[rows[part]], distinct[columns[part]])
    return scores


def _count_wrong(
    images: Floats, distinct: Floats, copies: Integers, pair_image: Integers, pair_key: Integers,
    for_image: Floats, for_key: Floats, for_pair: Floats, *, block: int,
) -> tuple[Integers, Integers, Integers]:  # fmt: skip
    """How many wrong items reach the thresholds of each image (texts, with copies), each distinct text (images), and
    each right pair (images). An image is wrong for a text here if it does not carry the text at all."""
    above_image = np.zeros(len(images), dtype=np.int64)
    above_key = np.zeros(len(distinct), dtype=np.int64)
    above_pair = np.zeros(len(pair_key), dtype=np.int64)
    by_key = np.argsort(pair_key, kind="stable")
    key_starts = np.searchsorted(pair_key[by_key], np.arange(0, len(distinct) + block, block))
    shared = np.bincount(pair_key, minlength=len(distinct)) > 1  # carried by several images: a threshold a pair
    weights, ones = copies.astype(np.float32), np.ones(block, dtype=np.float32)  # float products count fastest
    for i in range(0, len(images), block):
        inside = slice(*np.searchsorted(pair_image, [i, i + block]))
        for number, j in enumerate(range(0, len(distinct), block)):
            scores = images[i : i + block] @ distinct[j : j + block].T
            here = (pair_key[inside] >= j) & (pair_key[inside] < j + block)
            scores[pair_image[inside][here] - i, pair_key[inside][here] - j] = -np.inf  # right, so not counted
            reached = (scores >= for_image[i : i + block, None]).astype(np.float32)
            above_image[i : i + block] += (reached @ weights[j : j + block]).astype(np.int64)
            reached = (scores >= for_key[None, j : j + block]).astype(np.float32)
            above_key[j : j + block] += (ones[: len(reached)] @ reached).astype(np.int64)
            pairs = by_key[key_starts[number] : key_starts[number + 1]]
            pairs = pairs[shared[pair_key[pairs]]]
            for start in range(0, len(pairs), block):
                some = pairs[start : start + block]
                above_pair[some] += np.count_nonzero(scores[:, pair_key[some] - j] >= for_pair[some], axis=0)
    single = ~shared[pair_key]
    above_pair[single] = above_key[pair_key[single]]
    return above_image, above_key, above_pair


def _rivals(pair_key: Integers, pair_score: Floats) -> Integers:
    """For each right pair, how many other images that carry the same text score as high or higher."""
    order = np.lexsort((pair_score, pair_key))
    ends = np.append(np.flatnonzero(np.diff(pair_key[order])) + 1, len(order))
    rivals = np.zeros(len(pair_key), dtype=np.int64)
    start = 0
    for end in ends:
        group = order[start:end]
        scores = pair_score[group]
        rivals[group] = len(group) - np.searchsorted(scores, scores - np.float32(TIE), side="left") - 1
        start = end
    return rivals
