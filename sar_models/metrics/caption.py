"""Caption metrics: BLEU-1..4, ROUGE-L, CIDEr and, on request, METEOR and SPICE, as pycocoevalcap gives them.

The tokens come from `ptb`, which equals that pipeline's Java tokeniser. `cider` is what the package computes, which is
CIDEr-D (Vedantam et al., CVPR 2015), with document frequencies of the whole reference set, also under the bootstrap.
BLEU is a corpus metric: it is carried as per-image n-gram matches, totals and lengths (Papineni et al., ACL 2002;
reference length: the closest). Both are computed for all images at once, from sparse matrices of n-gram counts.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from sar_models.metrics import meteor as meteor_jar
from sar_models.metrics import ngrams
from sar_models.metrics import spice as spice_jar
from sar_models.metrics.bootstrap import Statistic, mean
from sar_models.metrics.ptb import tokenize_all
from sar_models.metrics.rouge import rouge_l

ORDER = 4  # longest n-gram
_TINY, _SMALL = 1e-15, 1e-9  # pycocoevalcap's guards against division by zero; kept, to equal it to the last digit
_SIGMA = 6.0  # of CIDEr-D's penalty of length, in words


def statistics(
    generated: Sequence[str], references: Sequence[Sequence[str]], *, meteor: bool = False, spice: bool = False
) -> dict[str, Statistic]:
    """`bleu_1` … `bleu_4`, `rouge_l`, `cider` (and `meteor`, `spice`) of one caption an image against its references.

    Raises `ValueError` naming the row for an image without references, for lengths that differ, for an empty set, and
    when METEOR or SPICE is asked for without what it needs.
    """
    if len(generated) != len(references):
        raise ValueError(f"{len(generated)} captions for {len(references)} lists of references: give one each an image")
    if not generated:
        raise ValueError("no captions to score: the test set is empty")
    bare = [row for row, texts in enumerate(references) if isinstance(texts, str) or not texts]
    if bare:
        raise ValueError(
            f"row {bare[0]} has no list of references ({len(bare)} such rows); a caption needs at least one"
        )
    said = tokenize_all(generated)
    tokenized = iter(tokenize_all([text for texts in references for text in texts]))
    truths = [[next(tokenized) for _ in texts] for texts in references]

    found = _bleu_and_cider(said, truths)
    found["rouge_l"] = mean(rouge_l(said, truths))
    if meteor or spice:
        by_row, own = dict(enumerate(truths)), {row: [tokens] for row, tokens in enumerate(said)}
        if meteor:
            found["meteor"] = meteor_jar.statistic(by_row, own)
        if spice:
            found["spice"] = spice_jar.statistic(by_row, own)
    return found


def bleu(sums: npt.NDArray[np.float64], order: int) -> npt.NDArray[np.float64]:
    """Corpus BLEU up to n-grams of `order` from sums (…, 10): matches 1..4, totals 1..4, length, reference length."""
    matches, totals = sums[..., :order], sums[..., ORDER : ORDER + order]
    precision = ((matches + _TINY) / (totals + _SMALL)).prod(axis=-1) ** (1 / order)
    relative = (sums[..., -2] + _TINY) / (sums[..., -1] + _SMALL)
    return np.asarray(precision * np.exp(np.minimum(0, 1 - 1 / relative)))


_BLEU = {n: (lambda sums, n=n: bleu(sums, n)) for n in range(1, ORDER + 1)}


def _bleu_and_cider(said: Sequence[str], truths: Sequence[Sequence[str]]) -> dict[str, Statistic]:
    images = len(said)
    number = np.array([len(texts) for texts in truths])
    borders = np.concatenate([[0], np.cumsum(number)])  # of the images among the references
    image = np.repeat(np.arange(images), number)  # of each reference
    lines = [*said, *(text for texts in truths for text in texts)]

    sums = np.zeros((images, 2 * ORDER + 2))
    similarity = np.zeros(len(image))  # of each reference to its image's caption, summed over n
    for n, counts in enumerate(ngrams.counts(lines, longest=ORDER), start=1):
        own, others = counts[:images], counts[images:]
        highest = ngrams.most(others, borders=borders)
        totals: ngrams.Integers = counts.sum(axis=1)
        sums[:, n - 1] = own.minimum(highest).sum(axis=1)
        sums[:, ORDER + n - 1] = totals[:images]
        if n == 1:
            sums[:, -2], sums[:, -1] = totals[:images], _reference_lengths(totals, images=images, borders=borders)
        if n == 2:
            longer = totals[:images][image] - totals[images:]  # the original takes the length in 2-grams

        documents = np.bincount(highest.indices, minlength=counts.shape[1])
        squared = (np.log(images) - np.log(np.maximum(documents, 1))) ** 2
        norm = np.sqrt(counts.power(2) @ squared)
        clipped = own[image].minimum(others).multiply(others) @ squared
        norms = norm[:images][image] * norm[images:]
        similarity += np.divide(clipped, norms, out=np.zeros(len(image)), where=norms != 0)
    similarity *= np.exp(-(longer**2) / (2 * _SIGMA**2))
    cider = 10 * np.add.reduceat(similarity, borders[:-1]) / number / ORDER
    return {f"bleu_{n}": Statistic(sums, value) for n, value in _BLEU.items()} | {"cider": mean(cider)}


def _reference_lengths(totals: ngrams.Integers, *, images: int, borders: ngrams.Integers) -> npt.NDArray[np.float64]:
    """For each image the length of the reference that is closest to the caption's, the shorter of two."""
    lengths = totals[images:]
    if images == 1:  # here the original takes the mean
        return np.array([lengths.mean()])
    away = np.abs(lengths - np.repeat(totals[:images], np.diff(borders)))
    scale = int(lengths.max(initial=0)) + 1
    return np.minimum.reduceat(away * scale + lengths, borders[:-1]).astype(np.float64) % scale
