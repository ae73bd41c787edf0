import numpy as np
import pytest

from sar_models.metrics import retrieval
from tasks import paths, records
from tasks.evaluate import retrieved, test_sets
from tasks.evaluate.stage import evaluate


def test_the_nearest_are_those_of_a_full_sort():
    generator = np.random.default_rng(0)
    queries, gallery = generator.normal(size=(50, 8)), generator.normal(size=(33, 8))
    gallery[20] = gallery[3]
    queries, gallery = (each / np.linalg.norm(each, axis=1, keepdims=True) for each in (queries, gallery))
    rounded = np.round(queries @ gallery.T, retrieved.DECIMALS)
    expected = np.argsort(-rounded, axis=1, kind="stable")[:, :5]
    for block in (7, 1024):
        nearest, cosines = retrieved.best(queries, gallery, block=block)
        np.testing.assert_array_equal(cosines, np.take_along_axis(rounded, expected, axis=1))
        np.testing.assert_array_equal(nearest[:, :2], expected[:, :2])
    assert retrieved.best(queries, gallery[:3])[0].shape == (50, 3)


def test_each_text_is_taken_whole(project):
    assert [found.name for found in retrieved.whole(test_sets.read())] == ["optical/sim_optical", "sar/all"]


def test_recalls_can_be_counted_from_what_is_kept(trained):
    table = evaluate(params=trained).table
    kept = records.read(paths.predictions("retrieval"))
    pool = test_sets.read()
    captions = {place["record_id"]: texts for place, texts in zip(pool.images, pool.captions, strict=True)}
    assert len(kept) == 4 * 3 * 15, "of four variants: an image and its two captions"
    for name in ("optical/sim_optical", "sar/all"):
        for variant, metrics in table[name].items():
            for direction in ("i2t", "t2i"):
                rows = [
                    row for row in kept
                    if (row["test_set"], row["variant"], row["direction"]) == (name, variant, direction)
                ]  # fmt: skip
                for k in (1, 5, 10):
                    share = 100 * np.mean([row["rank"] <= k for row in rows])
                    assert share == pytest.approx(metrics[f"{direction}_r{k}"].value)
                for row in rows:
                    assert row["scores"] == sorted(row["scores"], reverse=True)
                    assert len(row["found"]) == len(set(row["found"])) == len(row["scores"]) == 5
                    own = {retrieval.text_key(text) for text in captions[row["record_id"]]}
                    if direction == "i2t":
                        assert row["query"] == row["record_id"]
                        right = [retrieval.text_key(text) in own for text in row["found"]]
                    else:
                        assert row["query"] in captions[row["record_id"]]
                        right = [row["query"] in captions[record] for record in row["found"]]
                    # A wrong text counts as often as it is carried, and is shown once; scores are rounded.
                    score = row["scores"][right.index(True)] if any(right) else -1.0
                    assert sum(each > score for each in row["scores"]) < row["rank"]
                    assert any(right) or row["rank"] > 5
