"""ROUGE-L of tokenised captions, equal to pycocoevalcap's (Lin, ROUGE: A Package for Automatic Evaluation, ACL 2004).

The longest common subsequence is found for a whole caption at a time, one bit a word (Hyyrö, Bit-Parallel LCS-length
Computation Revisited, AWOCA 2004), in whole numbers of any length, so that a caption of 500 words is no special case.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

BETA = 1.2  # recall counts this much more than precision, as in the COCO evaluation


def rouge_l(generated: Sequence[str], references: Sequence[Sequence[str]]) -> npt.NDArray[np.float64]:
    """ROUGE-L (N,) of one caption an image: the best precision and the best recall over the image's references."""
    return np.array([_score(caption, texts) for caption, texts in zip(generated, references, strict=True)])


def _score(caption: str, references: Sequence[str]) -> float:
    words = caption.split(" ")  # of an empty caption one empty word, as in the original
    places: dict[str, int] = {}
    for place, word in enumerate(words):
        places[word] = places.get(word, 0) | 1 << place
    precision = recall = 0.0
    for reference in references:
        others = reference.split(" ")
        common = _common(places, len(words), others)
        precision = max(precision, common / len(words))
        recall = max(recall, common / len(others))
    if not precision:
        return 0.0
    return ((1 + BETA**2) * precision * recall) / (recall + BETA**2 * precision)


def _common(places: Mapping[str, int], length: int, others: Sequence[str]) -> int:
    """Length of the longest common subsequence; `places`: word → the bits of its places in the first text."""
    every = (1 << length) - 1
    open_places = every
    for word in others:
        found = places.get(word)
        if found:
            matched = open_places & found
            open_places = (open_places + matched) | (open_places - matched)
    return length - (open_places & every).bit_count()
