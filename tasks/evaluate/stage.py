"""Measure every variant of CLIP, CoCa and SAR-GPT on every test set.

In   data/{optical,sar}_text/*.parquet, data/sources/*/{shards,features.parquet},
     models/{optical,sar,two_stage}/{clip,coca,gpt}/
Out  metrics/evaluate.json  {test_set: {variant: {metric: {value, low, high, n}}}}, 95 % intervals over images
     metrics/compare.json   {test_set: {"two_stage-optical": {metric: {value, low, high, n}}, …}}, paired differences
     metrics/hygiene.json   {test_set: {images, distinct_captions, leaks_removed, …}}, whether the test sets are clean
     data/predictions/      captions, answers and retrievals, record by record
     plots/                 learning curves, recall, CIDEr and exact match by variant, a page of images with captions
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

import pyarrow as pa

from sar_models.metrics.bootstrap import Interval
from tasks import paths
from tasks.evaluate import hygiene, measure, plots, predict, predictions, retrieved, samples, test_sets, vqa
from tasks.evaluate.vqa import EXACT_MATCH
from tasks.params import Params

Log = Callable[[Mapping[str, float], int], None]


@dataclass(frozen=True)
class EvaluateSummary:
    """What the flow shows and what MLflow gets."""

    table: measure.Table
    left_out: tuple[str, ...]  # a sentence for each source without a test set of its own

    def rows(self) -> list[dict[str, Any]]:
        """One row a test set and variant, for a table that people read."""
        return [
            {
                "test_set": test_set,
                "variant": variant,
                "images": metrics["mean_recall"].n,
                "mean_recall": _text(metrics["mean_recall"], decimals=1),
                "cider": _text(metrics["cider"], decimals=2),
                "vqa_exact_match": _text(metrics[EXACT_MATCH], decimals=1) if EXACT_MATCH in metrics else "",
            }
            for test_set, variants in self.table.items()
            for variant, metrics in variants.items()
        ]

    def metrics(self) -> dict[str, float]:
        """`sar.sim_ships.two_stage.mean_recall` → value, for every metric."""
        return {
            f"{test_set.replace('/', '.')}.{variant}.{metric}": interval.value
            for test_set, variants in self.table.items()
            for variant, metrics in variants.items()
            for metric, interval in metrics.items()
        }


def evaluate(*, params: Params, log: Log | None = None) -> EvaluateSummary:
    """Measure, write `metrics/` and `plots/`, and return the table. `log` hears how many models are done.

    Raises `ValueError` naming the file and row for an empty test set, a reference written by a model, an image that
    cannot be read, embeddings that are not finite, and a test image that models were trained on; and for METEOR without
    Java, before any model is asked.
    """
    if params.evaluate.meteor:
        from sar_models.metrics.meteor import require_java

        require_java()
    pool = test_sets.read()
    compared_with = hygiene.refuse_leaks()
    asked = vqa.read()
    for sentence in pool.left_out:
        print(sentence)
    texts, rows = predict.distinct(pool.captions)
    wholes = retrieved.whole(pool)
    measured: dict[str, dict[str, measure.Statistics]] = {found.name: {} for found in pool.sets}
    answered: dict[str, dict[str, measure.Statistics]] = {}
    captions: dict[str, list[str]] = {}
    said: dict[str, list[str]] = {}
    found: list[pa.Table] = []  # by CLIP
    done = count(1)
    with predict.Pictures(pool) as pictures:
        for variant in predict.VARIANTS:
            answers = {}
            for kind in predict.KINDS:
                print(f"{variant} {kind}: {len(pool.images)} images, {len(texts)} distinct texts", flush=True)
                model = predict.model(variant, kind, params=params)
                answers[kind] = predict.answers(model, pictures, texts, params=params)
                _tell(log, next(done))
            captions[variant] = answers["coca"].captions or []
            for test_set in pool.sets:
                measured[test_set.name][variant] = {}
                for kind, of in answers.items():
                    ranked = measure.ranks(test_set, pool, rows, of)
                    measured[test_set.name][variant] |= measure.statistics(
                        test_set, pool, of, ranked, meteor=params.evaluate.meteor
                    )
                    if kind == "clip" and test_set in wholes:
                        found += retrieved.tables(
                            variant, test_set, pool, ranked, images=of.images, texts=of.texts, distinct=texts, rows=rows
                        )
            print(f"{variant} gpt: {len(asked.images)} images, {len(asked.rows)} questions", flush=True)
            said[variant] = vqa.answers(vqa.model(variant, params=params), asked, params=params)
            _tell(log, next(done))
            for name, right in vqa.statistics(asked, said[variant], names=list(measured)).items():
                answered.setdefault(name, {})[variant] = right
        table = measure.together(
            measure.values(measured, settings=params.evaluate), measure.values(answered, settings=params.evaluate)
        )
        compared = {
            name: {variant: vqa.of_the_model(found) for variant, found in variants.items()}
            for name, variants in answered.items()
        }
        measure.write(paths.metrics("evaluate"), table)
        measure.write(
            paths.metrics("compare"),
            measure.together(
                measure.comparisons(measured, settings=params.evaluate),
                measure.comparisons(compared, settings=params.evaluate),
            ),
        )
        measure.write(paths.metrics("hygiene"), hygiene.measure(pool, compared=compared_with))
        retrieved.write(paths.predictions("retrieval"), found)
        predictions.write(paths.predictions("captions"), [image["record_id"] for image in pool.images], captions)
        vqa.write(paths.predictions("answers"), asked, said)
        plots.write(paths.plots(), table)
        samples.write(paths.plots() / "samples.png", pool, pictures, captions, settings=params.evaluate)
    return EvaluateSummary(table=table, left_out=tuple(pool.left_out))


def _tell(log: Log | None, done: int) -> None:
    if log is not None:
        log({"models_done": done}, done)


def _text(interval: Interval, *, decimals: int) -> str:
    return f"{interval.value:.{decimals}f} [{interval.low:.{decimals}f}, {interval.high:.{decimals}f}]"
