"""What a true caption scores against the others of its image: how far the references agree with each other.

Each caption in turn is held out against the rest; a score is the mean over the turns. Chen et al., Microsoft COCO
Captions (arXiv 1504.00325), set people beside models in this way.
"""

from dataclasses import replace

from sar_models.metrics import caption
from sar_models.metrics.bootstrap import Statistic
from tasks.evaluate.test_sets import TestPool, TestSet

METRICS = ("bleu_4", "rouge_l", "cider")


def statistics(test_set: TestSet, pool: TestPool) -> dict[str, Statistic]:
    """`held_out_bleu_4`, `held_out_rouge_l` and `held_out_cider`; none where an image has a single caption.

    As many captions of each image are held out as the image with the fewest has.
    """
    captions = [pool.captions[image] for image in test_set.images]
    fewest = min(map(len, captions))
    if fewest < 2:
        return {}
    turns = [
        caption.statistics([own[turn] for own in captions], [own[:turn] + own[turn + 1 :] for own in captions])
        for turn in range(fewest)
    ]
    return {
        f"held_out_{name}": replace(turns[0][name], items=sum(found[name].items for found in turns))  # type: ignore[arg-type]
        for name in METRICS
    }
