"""Caption metrics: BLEU-1..4, ROUGE-L, CIDEr and, on request, METEOR, as pycocoevalcap's reference pipeline gives them.

The scorers are pycocoevalcap's own; the tokens come from `ptb`, which equals its Java tokeniser. `cider` is what that
package computes, which is CIDEr-D (Vedantam et al., CVPR 2015), with document frequencies of the whole reference set,
also under the bootstrap. BLEU is a corpus metric: it is carried as per-image n-gram matches, totals and lengths
(Papineni et al., ACL 2002; reference length: the closest).
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from sar_models.metrics.bootstrap import Statistic, mean
from sar_models.metrics.ptb import tokenize_all

ORDER = 4  # longest n-gram of BLEU
_TINY, _SMALL = 1e-15, 1e-9  # pycocoevalcap's guards against division by zero; kept, to equal it to the last digit


def statistics(
    generated: Sequence[str], references: Sequence[Sequence[str]], *, meteor: bool = False
) -> dict[str, Statistic]:
    """`bleu_1` … `bleu_4`, `rouge_l`, `cider` (and `meteor`) of one caption an image against the image's references.

    Raises `ValueError` naming the row for an image without references, for lengths that differ, for an empty set, and
    when METEOR is asked for without Java.
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
    results = {row: [tokens] for row, tokens in enumerate(tokenize_all(generated))}
    tokenized = iter(tokenize_all([text for texts in references for text in texts]))
    truths = {row: [next(tokenized) for _ in texts] for row, texts in enumerate(references)}

    found = _bleu(truths, results)
    found["rouge_l"] = mean(_rouge_l(truths, results))
    found["cider"] = mean(_cider(truths, results))
    if meteor:
        from sar_models.metrics.meteor import statistic

        found["meteor"] = statistic(truths, results)
    return found


def bleu(sums: npt.NDArray[np.float64], order: int) -> npt.NDArray[np.float64]:
    """Corpus BLEU up to n-grams of `order` from sums (…, 10): matches 1..4, totals 1..4, length, reference length."""
    matches, totals = sums[..., :order], sums[..., ORDER : ORDER + order]
    precision = ((matches + _TINY) / (totals + _SMALL)).prod(axis=-1) ** (1 / order)
    relative = (sums[..., -2] + _TINY) / (sums[..., -1] + _SMALL)
    return np.asarray(precision * np.exp(np.minimum(0, 1 - 1 / relative)))


_BLEU = {n: (lambda sums, n=n: bleu(sums, n)) for n in range(1, ORDER + 1)}

Tokens = dict[int, list[str]]  # row → tokens joined by single spaces, as the scorers take them


def _bleu(truths: Tokens, results: Tokens) -> dict[str, Statistic]:
    from pycocoevalcap.bleu.bleu_scorer import BleuScorer

    scorer = BleuScorer(n=ORDER)
    for row, truth in truths.items():
        scorer += (results[row][0], truth)
    table = np.empty((len(results), 2 * ORDER + 2))
    for row, parts in enumerate(scorer.ctest):
        length = parts["testlen"]
        closest = min((abs(reference - length), reference) for reference in parts["reflen"])[1]
        table[row] = [*parts["correct"], *parts["guess"], length, closest]
    return {f"bleu_{n}": Statistic(table, value) for n, value in _BLEU.items()}


def _rouge_l(truths: Tokens, results: Tokens) -> npt.NDArray[np.float64]:
    from pycocoevalcap.rouge.rouge import Rouge

    return np.asarray(Rouge().compute_score(truths, results)[1], dtype=np.float64)


def _cider(truths: Tokens, results: Tokens) -> npt.NDArray[np.float64]:
    from pycocoevalcap.cider.cider import Cider

    return np.asarray(Cider().compute_score(truths, results)[1], dtype=np.float64)
