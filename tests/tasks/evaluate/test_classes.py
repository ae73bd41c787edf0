"""Zero-shot classification through the stage, on a source that holds chips."""

import json

import numpy as np
import pytest
from evaluate_world import SIZES, changed

from sar_models import infer, model
from tasks import paths, records
from tasks.evaluate import predict, test_sets, zero_shot
from tasks.evaluate.stage import evaluate
from tasks.params import Params

LABELS = ["t72", "a330", "ship"]


def label_all(source: str, labels: list[str | None]) -> None:
    path = paths.sources_data("sar") / source / "records.parquet"
    rows = [row | {"label": labels[number % len(labels)]} for number, row in enumerate(records.read(path))]
    records.write(path, rows, schema=records.RECORDS)


def test_the_classes_are_those_of_the_nearest_prompts(trained: Params) -> None:
    label_all("sim_pairs", LABELS)
    evaluate(params=changed(trained, slice_images=0))
    table = json.loads(paths.metrics("zero_shot").read_text())
    assert list(table) == ["sar/sim_pairs"], "the other sources have no labels, and so has the whole"
    assert list(table["sar/sim_pairs"]) == ["initial", "optical", "sar", "two_stage"]
    found = table["sar/sim_pairs"]["two_stage"]
    assert found["classes"] == sorted(LABELS)
    assert {name: each["n"] for name, each in found["per_class"].items()} == dict.fromkeys(LABELS, 2)

    of = model.load(paths.model("two_stage", "clip"))
    pool = test_sets.read()
    members = next(each.images for each in pool.sets if each.name == "sar/sim_pairs")
    with predict.Pictures(pool, hardware=trained.hardware) as pictures:
        shown = [pictures.full(image) for image in members]
    images = infer.embed_images(of, shown, hardware=trained.hardware, batch_size=4)
    said = []
    for name, words in (("a330", "an A330 aircraft"), ("ship", "a ship"), ("t72", "a T-72 tank")):
        prompts = zero_shot.prompts_of([name], "sar")
        assert len(prompts) >= 5
        assert all(words in prompt for prompt in prompts), prompts
        mean = infer.embed_texts(of, prompts, hardware=trained.hardware, batch_size=4).mean(axis=0)
        said.append(images @ (mean / np.linalg.norm(mean)))
    truth = np.array([2, 0, 1] * 2)  # t72, a330, ship
    right = np.argmax(said, axis=0) == truth
    assert found["accuracy"]["value"] == pytest.approx(100 * right.mean(), abs=1e-5)
    assert found["accuracy"]["n"] == 6
    confusion = np.array(found["confusion"])
    assert confusion.sum(axis=1).tolist() == [2, 2, 2]
    assert confusion.trace() == right.sum()
    assert found["balanced_accuracy"]["value"] == pytest.approx(found["accuracy"]["value"]), "as many of each class"


def test_sets_without_a_label_each_or_with_one_class_are_left_out(project: Params) -> None:
    pool = test_sets.read()
    assert zero_shot.read(pool) == []
    label_all("sim_pairs", ["t72", None])
    label_all("real_ships", ["ship"])
    assert zero_shot.read(pool) == []
    label_all("sim_pairs", ["t72"])
    assert [found.name for found in zero_shot.read(pool)] == ["sar/all"]
    assert SIZES["sar"] == {"real_ships": 4, "sim_pairs": 6}
    assert zero_shot.read(pool)[0].truth.tolist() == [0] * 4 + [1] * 6


def test_a_class_without_words_is_named(project: Params) -> None:
    label_all("sim_pairs", ["t72", "zeppelin"])
    with pytest.raises(ValueError, match="no words for the class 'zeppelin': add it to"):
        zero_shot.read(test_sets.read())


def test_every_prompt_holds_the_class_once() -> None:
    with pytest.raises(ValueError, match=r"must hold one \{\}"):
        zero_shot.Prompts(sar=("A SAR image.",), optical=("An image of {}.",))
