"""Measure every variant of CLIP, CoCa and SAR-GPT on every test set.

In   data/{optical,sar}_text/*.parquet, data/sources/*/{shards,features.parquet},
     models/{optical,sar,two_stage}/{clip,coca,gpt}/, checkpoints named in `evaluate.external`
Out  metrics/evaluate.json  {test_set: {variant: {metric: {value, low, high, n}}}}, 95 % intervals over images
     metrics/compare.json   {test_set: {"two_stage-optical": {metric: {value, low, high, n, p}}, …}}, paired differences
     metrics/hygiene.json   {test_set: {images, distinct_captions, leaks_removed, …}}, whether the test sets are clean
     metrics/zero_shot.json {test_set: {variant: {accuracy, per_class, confusion, …}}}, of test sets of chips
     metrics/slices.json    {axis: {test_set: {level: {variant: {metric: …}}}}}, worse images and groups of images
     data/predictions/      captions with their claims, answers and retrievals, record by record
     plots/                 learning curves, recall, CIDEr and exact match by variant, a page of images with captions
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

import pyarrow as pa

from sar_models.metrics.bootstrap import Interval
from tasks import paths
from tasks.evaluate import (
    claims,
    held_out,
    hygiene,
    measure,
    plots,
    predict,
    predictions,
    retrieved,
    samples,
    slices,
    test_sets,
    vqa,
    zero_shot,
)
from tasks.evaluate.embeddings import Embedder
from tasks.evaluate.external import open_external
from tasks.evaluate.vqa import EXACT_MATCH
from tasks.params import VARIANTS, Evaluate, Params

Log = Callable[[Mapping[str, float], int], None]


@dataclass(frozen=True)
class EvaluateSummary:
    """What the flow shows and what MLflow gets."""

    table: measure.Table
    kinds: Mapping[str, str]  # metric → kind of model that it measures
    left_out: tuple[str, ...]  # a sentence for each source without a test set of its own

    def rows(self) -> list[dict[str, Any]]:
        """One row a test set and variant, for a table that people read."""
        return [
            {
                "test_set": test_set,
                "variant": variant,
                "images": next(iter(metrics.values())).n,
                "mean_recall": _text(metrics, "mean_recall", decimals=1),
                "cider": _text(metrics, "cider", decimals=2),
                "vqa_exact_match": _text(metrics, EXACT_MATCH, decimals=1),
            }
            for test_set, variants in self.table.items()
            for variant, metrics in variants.items()
        ]

    def metrics(self) -> dict[tuple[str, str], list[tuple[str, float]]]:
        """(model, data set) as DVC calls them → names such as `sar.sim_ships.two_stage.mean_recall`, and values."""
        found: dict[tuple[str, str], list[tuple[str, float]]] = {}
        for test_set, variants in self.table.items():
            data = f"data/{test_set.partition('/')[0]}_text"
            for variant, metrics in variants.items():
                for metric, interval in metrics.items():
                    name = f"{test_set.replace('/', '.')}.{variant}.{metric}"
                    model = f"models/{variant}/{self.kinds[metric]}"
                    found.setdefault((model, data), []).append((name, interval.value))
        return found


def evaluate(*, params: Params, log: Log | None = None) -> EvaluateSummary:
    """Measure, write `metrics/`, `plots/` and the predictions, and return the table. `log` hears how many models are
    done.

    Raises `ValueError` naming the file and row for an empty test set, a reference written by a model, an image that
    cannot be read, embeddings that are not finite, and a test image that models were trained on; and before any model
    is asked, for METEOR or SPICE without what they need and a checkpoint of other people that does not fit.
    """
    if params.evaluate.meteor:
        from sar_models.metrics.meteor import require_java

        require_java()
    if params.evaluate.spice:
        from sar_models.metrics import spice

        spice.require()
    pool = test_sets.read()
    compared_with = hygiene.refuse_leaks()
    asked = vqa.read()
    annotated = claims.annotations(pool)
    for external in params.evaluate.external:
        open_external(external, params=params)  # read again when its turn comes: a mistake is told now
    for sentence in pool.left_out:
        print(sentence)
    with predict.Pictures(pool, hardware=params.hardware) as pictures:
        found = _ask(pool, pictures, asked, annotated, params=params, log=log)
        table = measure.together(
            *(
                measure.values(of, settings=params.evaluate)
                for of in (found.measured, found.claimed, found.held_out, found.answered)
            )
        )
        measure.write(paths.metrics("evaluate"), table)
        measure.write(paths.metrics("compare"), _compared(found, settings=params.evaluate))
        measure.write(paths.metrics("hygiene"), hygiene.measure(pool, compared=compared_with))
        measure.write(paths.metrics("zero_shot"), found.zero_shot)
        measure.write(paths.metrics("slices"), found.slices)
        predictions.write(paths.predictions("captions"), [image["record_id"] for image in pool.images], found.captions)
        claims.write(paths.predictions("claims"), pool, annotated, found.captions)
        retrieved.write(paths.predictions("retrieval"), found.retrieved)
        vqa.write(paths.predictions("answers"), asked, found.said)
        plots.write(paths.plots(), table, slices=found.slices)
        samples.write(paths.plots() / "samples.png", pool, pictures, found.captions, settings=params.evaluate)
    return EvaluateSummary(table=table, kinds=found.kinds, left_out=tuple(pool.left_out))


@dataclass
class _Found:
    """What has been found of the variants asked so far."""

    measured: dict[str, dict[str, measure.Statistics]]  # test set → variant → of images and captions
    claimed: dict[str, dict[str, measure.Statistics]]  # likewise, of what the captions claim
    held_out: dict[str, dict[str, measure.Statistics]]  # likewise, of true captions; the same for every variant
    answered: dict[str, dict[str, measure.Statistics]]  # likewise, of questions
    zero_shot: dict[str, dict[str, Any]]  # test set → variant
    slices: dict[str, dict[str, Any]]  # axis → test set → level → variant
    captions: dict[str, list[str]]  # variant → one an image
    said: dict[str, list[str]]  # variant → one a question
    retrieved: list[pa.Table]
    kinds: dict[str, str]  # metric → kind of model that it measures


def _ask(
    pool: test_sets.TestPool,
    pictures: predict.Pictures,
    asked: vqa.Asked,
    annotated: Mapping[int, claims.Annotation],
    *,
    params: Params,
    log: Log | None,
) -> _Found:
    """Ask every model of every variant."""
    settings = params.evaluate
    texts, rows = predict.distinct(pool.captions)
    labelled = zero_shot.read(pool)
    wholes = retrieved.whole(pool)
    found = _Found(
        measured={of.name: {} for of in pool.sets}, claimed={}, held_out={}, answered={},
        zero_shot={of.name: {} for of in labelled}, slices={}, captions={}, said={}, retrieved=[], kinds={},
    )  # fmt: skip
    of_true = {of.name: held_out.statistics(of, pool) for of in pool.sets}
    done = count(1)
    for variant, kinds in predict.variants(params).items():
        for kind in kinds:
            print(f"{variant} {kind}: {len(pool.images)} images, {len(texts)} distinct texts", flush=True)
            embedder = Embedder(predict.model(variant, kind, params=params), params=params)
            answers = predict.answers(embedder, pictures, texts, params=params)
            _tell(log, next(done))
            for test_set in pool.sets:
                ranked = measure.ranks(test_set, pool, rows, answers)
                of_model = measure.statistics(test_set, pool, answers, ranked, settings=settings)
                found.measured[test_set.name].setdefault(variant, {}).update(of_model)
                found.kinds.update(dict.fromkeys(of_model, kind))
                if kind == kinds[0] and test_set in wholes:
                    found.retrieved += retrieved.tables(
                        variant, test_set, pool, ranked, answers=answers, distinct=texts, rows=rows
                    )
            if answers.captions is not None:
                found.captions[variant] = answers.captions
                for test_set in pool.sets:
                    of_claims = claims.statistics(test_set, annotated, answers.captions)
                    found.claimed.setdefault(test_set.name, {})[variant] = of_claims
                    found.held_out.setdefault(test_set.name, {})[variant] = of_true[test_set.name]
                    found.kinds.update(dict.fromkeys([*of_claims, *of_true[test_set.name]], kind))
            if kind == kinds[0]:
                for of in labelled:
                    found.zero_shot[of.name][variant] = zero_shot.measure(
                        of, embedder, answers.images, settings=settings
                    )
                slices.add(found.slices, variant, slices.corrupted(
                    pool, pictures, embedder, texts=answers.texts, rows=rows, settings=settings
                ))  # fmt: skip
        if variant in VARIANTS:
            print(f"{variant} gpt: {len(asked.images)} images, {len(asked.rows)} questions", flush=True)
            found.said[variant] = vqa.answers(vqa.model(variant, params=params), asked, params=params)
            _tell(log, next(done))
            for name, of_answers in vqa.statistics(asked, found.said[variant], names=list(found.measured)).items():
                found.answered.setdefault(name, {})[variant] = of_answers
                found.kinds.update(dict.fromkeys(of_answers, "gpt"))
    for whole in wholes:
        for variant, of_group in slices.of_groups(whole, pool, found.measured[whole.name], settings=settings).items():
            slices.add(found.slices, variant, of_group)
    return found


def _compared(found: _Found, *, settings: Evaluate) -> measure.Table:
    """The paired differences of all variants; what a baseline answers is the same for all."""
    of_models = {
        name: {variant: vqa.of_the_model(of_answers) for variant, of_answers in variants.items()}
        for name, variants in found.answered.items()
    }
    return measure.together(
        *(measure.comparisons(of, settings=settings) for of in (found.measured, found.claimed, of_models))
    )


def _tell(log: Log | None, done: int) -> None:
    if log is not None:
        log({"models_done": done}, done)


def _text(metrics: Mapping[str, Interval], name: str, *, decimals: int) -> str:
    """The metric with its interval; empty for a variant without such a model."""
    if name not in metrics:
        return ""
    interval = metrics[name]
    return f"{interval.value:.{decimals}f} [{interval.low:.{decimals}f}, {interval.high:.{decimals}f}]"
