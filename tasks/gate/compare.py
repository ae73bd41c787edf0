"""Two models on the same images: the metrics of each as sums over images, and their paired differences."""

from collections.abc import Mapping, Sequence
from typing import Any

from sar_models.metrics.bootstrap import Interval, Statistic, differences
from tasks.evaluate import measure, predict, vqa
from tasks.evaluate.embeddings import Embedder
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
    with predict.Pictures(tests.pool, hardware=params.hardware) as pictures:
        answers = predict.answers(Embedder(model, params=params), pictures, texts, params=params)
    found = {}
    for test_set in tests.pool.sets:
        ranked = measure.ranks(test_set, tests.pool, rows, answers)
        found[test_set.name] = measure.statistics(test_set, tests.pool, answers, ranked, settings=params.evaluate)
    return found


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
