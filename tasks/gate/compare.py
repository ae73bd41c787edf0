"""Two models on the same images: the metrics of each as sums over images, and their paired differences."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sar_models.metrics import caption, retrieval
from sar_models.metrics.bootstrap import Interval, Statistic, differences
from tasks.evaluate import predict, vqa
from tasks.evaluate.test_sets import TestPool, TestSet
from tasks.gate.clean import Clean
from tasks.gate.decision import Measured
from tasks.gate.seen import MODALITIES
from tasks.models import Kind
from tasks.params import Evaluate, Params

HEADLINE = {"clip": "mean_recall", "coca": "cider", "gpt": vqa.EXACT_MATCH}
BASELINE = {"clip": "before training", "coca": "before training", "gpt": "the commonest answers"}
Statistics = dict[str, dict[str, Statistic]]  # modality → metric → statistic over its images


def statistics(kind: Kind, model: Any, tests: Clean, *, params: Params) -> Statistics:
    """Every metric of `model`, a model of `kind`, on `tests`; a modality without images or questions is left out."""
    if kind == "gpt":
        names = {f"{modality}/all": modality for modality in MODALITIES}  # how `vqa` calls a text taken whole
        said = vqa.answers(model, tests.asked, params=params)
        return {names[name]: found for name, found in vqa.statistics(tests.asked, said, names=list(names)).items()}
    texts, rows = predict.distinct(tests.pool.captions)
    with predict.Pictures(tests.pool) as pictures:
        answers = predict.answers(model, pictures, texts, params=params)
    meteor = params.evaluate.meteor
    return {found.name: _seeing(kind, found, tests.pool, rows, answers, meteor=meteor) for found in tests.pool.sets}


def _seeing(
    kind: Kind,
    test_set: TestSet,
    pool: TestPool,
    rows: Sequence[NDArray[np.int64]],
    answers: predict.Answers,
    *,
    meteor: bool,
) -> dict[str, Statistic]:
    """Retrieval, and of a CoCa its captions, named as in `metrics/evaluate.json`."""
    images = np.array(test_set.images, dtype=np.int64)
    references = [pool.captions[image] for image in images]
    ranked = retrieval.ranks(
        answers.images[images],
        answers.texts[np.concatenate([rows[image] for image in images])],
        image_of_text=np.repeat(np.arange(len(images)), [len(own) for own in references]),
        captions=[text for own in references for text in own],
    )
    prefix = "" if kind == "clip" else f"{kind}_"
    found = {f"{prefix}{name}": value for name, value in retrieval.statistics(ranked).items()}
    if answers.captions is None:
        return found
    return found | caption.statistics([answers.captions[image] for image in images], references, meteor=meteor)


def baseline(kind: Kind, challenger: Statistics, tests: Clean, *, params: Params) -> Statistics:
    """What a first champion must beat in its headline: where training starts from; of SAR-GPT, the commonest answer
    of each family of questions."""
    if kind == "gpt":
        return {name: {HEADLINE[kind]: found[vqa.MAJORITY]} for name, found in challenger.items()}
    return statistics(kind, predict.model("initial", kind, params=params), tests, params=params)


def measured(
    challenger: Statistics, other: Statistics, margins: Mapping[str, Mapping[str, float]], *, settings: Evaluate
) -> list[Measured]:
    """The metrics of `margins` (modality → metric → margin) that both models have, with paired differences."""
    found = []
    for modality, guarded in margins.items():
        first, second = (
            {name: of[modality][name] for name in guarded if name in of.get(modality, {})} for of in (challenger, other)
        )
        paired = differences(first, second, draws=settings.bootstrap_draws, seed=settings.seed)
        found += [
            Measured(modality, name, _value(first[name]), _value(second[name]), difference, guarded[name])
            for name, difference in paired.items()
        ]
    return found


def of_modality(rows: Sequence[Measured], modality: str) -> dict[str, Interval]:
    """Metric → difference on one test set."""
    return {row.metric: row.difference for row in rows if row.test_set == modality}


def _value(statistic: Statistic) -> float:
    return float(statistic.value(statistic.items.sum(axis=0)))
