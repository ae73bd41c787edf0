"""Along each axis the numbers are those of the model on these very pictures."""

import json

import numpy as np
import pytest
from evaluate_world import changed

from sar_models import infer, model
from sar_models.metrics import retrieval
from tasks import paths, records
from tasks.evaluate import plots, predict, samples, slices, test_sets
from tasks.evaluate.stage import evaluate
from tasks.params import Params


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "LEAST_IMAGES", 3)


def test_every_axis_level_and_variant_is_there(trained: Params) -> None:
    evaluate(params=trained)
    table = json.loads(paths.metrics("slices").read_text())
    assert set(table) == {*slices.LEVELS, "objects", "object_size", "source", "route"}
    for axis, levels in slices.LEVELS.items():
        assert set(table[axis]["sar/sample"]) == set(levels)
        assert table[axis]["sar/sample"]["clean"] == table["gain_db"]["sar/sample"]["clean"]
    assert set(table["source"]["sar/all"]) == {"real_ships", "sim_pairs"}
    assert set(table["objects"]["sar/all"]) == {"1", "2-4"}
    assert set(table["object_size"]["sar/all"]) == {"below 16 px"}
    assert set(table["route"]["optical/sim_optical"]) == {"a2c"}
    for sets in table.values():
        for name, levels in sets.items():
            for variants in levels.values():
                assert list(variants) == ["initial", "optical", "sar", "two_stage"]
                for metrics in variants.values():
                    assert set(metrics) == set(slices.METRICS) - ({"cider"} if name == "sar/sample" else set())
    whole = json.loads(paths.metrics("evaluate").read_text())["sar/all"]["two_stage"]
    assert {name: table["route"]["sar/all"]["a2c"]["two_stage"][name] for name in slices.METRICS} == {
        name: whole[name] for name in slices.METRICS
    }, "every caption is of that route"
    parts = [table["source"]["sar/all"][source]["two_stage"]["i2t_r1"] for source in ("real_ships", "sim_pairs")]
    assert [part["n"] for part in parts] == [4, 6]
    assert sum(part["value"] * part["n"] for part in parts) / 10 == pytest.approx(whole["i2t_r1"]["value"], abs=1e-5)


def test_a_level_is_what_the_model_makes_of_these_pictures(trained: Params) -> None:
    """Made worse by hand: halved means, without our code."""
    evaluate(params=trained)
    found = json.loads(paths.metrics("slices").read_text())["resolution"]["sar/sample"]["1/2"]["two_stage"]
    pool = test_sets.read()
    chosen = samples.choose(pool, trained.evaluate.slice_images, seed=trained.evaluate.seed)
    assert len(chosen) == 6
    with predict.Pictures(pool, hardware=trained.hardware) as pictures:
        whole = [pictures.full(image).astype(float) for image in chosen]
    halved = [
        np.rint(each.reshape(15, 2, 20, 2).mean(axis=(1, 3)) - 0.01)[..., None].astype(np.uint8) for each in whole
    ]
    of = model.load(paths.model("two_stage", "clip"))
    captions = [text for image in chosen for text in pool.captions[image]]
    ranked = retrieval.ranks(
        infer.embed_images(of, halved, hardware=trained.hardware, batch_size=4),
        infer.embed_texts(of, captions, hardware=trained.hardware, batch_size=4),
        image_of_text=np.repeat(np.arange(6), 2), captions=captions,
    )  # fmt: skip
    statistic = retrieval.statistics(ranked)["mean_recall"]
    assert found["mean_recall"]["value"] == pytest.approx(float(statistic.value(statistic.items.sum(axis=0))), abs=1e-4)


def test_groups_that_are_too_small_and_no_worse_images_are_left_out(
    trained: Params, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slices, "LEAST_IMAGES", 100)
    evaluate(params=changed(trained, slice_images=0))
    assert json.loads(paths.metrics("slices").read_text()) == {}
    assert not (paths.plots() / "slices.png").exists()


def test_an_image_without_a_record_is_named(project: Params) -> None:
    path = paths.sources_data("sar") / "sim_pairs" / "records.parquet"
    records.write(path, records.read(path)[1:], schema=records.RECORDS)
    pool = test_sets.read()
    with pytest.raises(ValueError, match=r"records.parquet of sar has no sim_pairs/0\.png"):
        slices.groups(pool.sets[1], pool)


def test_the_plot_is_byte_equal_and_shows_its_numbers(project: Params, tmp_path) -> None:
    def table(value: float) -> dict:
        from sar_models.metrics.bootstrap import Interval

        metrics = {"mean_recall": Interval(value, value - 1, value + 1, 9)}
        levels = {level: dict.fromkeys(predict.VARIANTS, metrics) for level in ("clean", "4", "1")}
        return {"speckle_looks": {"sar/sample": levels}, "source": {"optical/a": levels, "sar/all": levels}}

    for name, value in (("a.png", 10.0), ("b.png", 10.0), ("c.png", 20.0)):
        plots.along_axes(tmp_path / name, table(value))
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert (tmp_path / "a.png").read_bytes() != (tmp_path / "c.png").read_bytes()
