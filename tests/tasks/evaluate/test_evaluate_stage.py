import json
import re
import shutil
from collections import Counter

import numpy as np
import pytest
import yaml
from evaluate_world import REPOSITORY, changed

from sar_models import infer, model
from sar_models.metrics import caption as caption_metrics
from tasks import paths, records
from tasks.evaluate import predict, test_sets, vqa
from tasks.evaluate.stage import evaluate

RETRIEVAL = [f"{way}_r{k}" for way in ("i2t", "t2i") for k in (1, 5, 10)] + ["mean_recall"]
RETRIEVAL += ["i2t_median_rank", "t2i_median_rank"]
RETRIEVAL += [f"strict_{name}" for name in RETRIEVAL]
RETRIEVAL += ["i2t_ties", "t2i_ties"]
METRICS = {
    *RETRIEVAL,
    *(f"coca_{name}" for name in RETRIEVAL),
    "bleu_1",
    "bleu_2",
    "bleu_3",
    "bleu_4",
    "rouge_l",
    "cider",
    "scene_graph_f",
}
HELD_OUT = {"held_out_bleu_4", "held_out_rouge_l", "held_out_cider"}  # the same for every variant, so not compared
SHARES = [f"{name}{{}}" for name in ("exact_match", "majority", "over_majority", "text_only", "over_text_only")]
BALANCED = {"vqa_balanced_accuracy", "vqa_balanced_accuracy_yes_no"}
ASKED = {f"vqa_{name}" for name in (*(share.format("") for share in SHARES), "count_error")}
GROUPS = {f"vqa_{share}".format(f"_{group}") for share in SHARES for group in ("presence", "count", "yes_no", "number")}
TOLD = {"claim_recall"}  # these captions claim nothing, so that there is no precision
ANSWERED = {"optical/sim_optical": ASKED | GROUPS, "sar/all": ASKED | GROUPS | BALANCED | TOLD, "sar/real_ships": TOLD,
            "sar/sim_pairs": ASKED | BALANCED | TOLD}  # fmt: skip
SETS = ["optical/sim_optical", "sar/all", "sar/real_ships", "sar/sim_pairs"]


def outputs() -> dict[str, bytes]:
    files = [paths.metrics(name) for name in ("evaluate", "compare", "hygiene", "slices", "zero_shot")]
    files += sorted([*paths.plots().iterdir(), *paths.predictions("captions").parent.iterdir()])
    return {file.name: file.read_bytes() for file in files}


def test_evaluate_writes_metrics_comparisons_and_plots(trained):
    heard = []
    summary = evaluate(params=trained, log=lambda metrics, step: heard.append((dict(metrics), step)))
    assert heard == [({"models_done": number}, number) for number in range(1, 13)]

    text = paths.metrics("evaluate").read_text()
    table = json.loads(text)
    assert text == json.dumps(table, indent=2, sort_keys=True) + "\n"
    assert list(table) == SETS
    for test_set, variants in table.items():
        assert list(variants) == ["initial", "optical", "sar", "two_stage"]
        for metrics in variants.values():
            assert set(metrics) == METRICS | HELD_OUT | ANSWERED[test_set], "two images are too few to be asked about"
            for found in metrics.values():
                assert set(found) == {"value", "low", "high", "n"}
                assert found["low"] <= found["value"] + 1e-6
                assert found["value"] <= found["high"] + 1e-6
    assert table["sar/all"]["optical"]["mean_recall"]["n"] == 10

    compared = json.loads(paths.metrics("compare").read_text())
    assert list(compared) == SETS
    for test_set, pairs in compared.items():
        assert list(pairs) == [
            "optical-initial", "sar-initial", "sar-optical", "two_stage-initial", "two_stage-optical", "two_stage-sar"
        ]  # fmt: skip
        for pair, metrics in pairs.items():
            later, earlier = pair.split("-")
            assert set(metrics) == METRICS | {
                name for name in ANSWERED[test_set] if not re.search("majority|text", name)
            }
            for name, found in metrics.items():
                difference = table[test_set][later][name]["value"] - table[test_set][earlier][name]["value"]
                assert found["value"] == pytest.approx(difference, abs=2e-6)
                assert set(found) == {"value", "low", "high", "n", "p"}
                assert 0 < found["p"] <= 1

    assert sorted(outputs()) == [
        "answers.parquet", "captions.parquet", "cider_by_variant.png", "claims.parquet",
        "compare.json", "evaluate.json", "hygiene.json",
        "learning_curves.png", "recall_by_variant.png", "retrieval.parquet", "samples.png", "slices.json", "slices.png",
        "vqa_by_variant.png", "zero_shot.json",
    ]  # fmt: skip
    shown = yaml.safe_load((REPOSITORY / "dvc.yaml").read_text())["plots"]
    drawn = [name for name in shown if isinstance(name, str)]
    assert sorted(drawn) == sorted(f"plots/{name}" for name in outputs() if name.endswith(".png")), "`dvc plots show`"
    named = summary.metrics()
    assert set(named) == {
        (f"models/{variant}/{kind}", f"data/{text}_text")
        for variant in ("initial", "optical", "sar", "two_stage")
        for kind in ("clip", "coca", "gpt")
        for text in ("optical", "sar")
    }
    of_model = dict(named["models/two_stage/clip", "data/sar_text"])
    assert of_model["sar.sim_pairs.two_stage.mean_recall"] == pytest.approx(
        table["sar/sim_pairs"]["two_stage"]["mean_recall"]["value"], abs=1e-6
    )
    assert "sar.all.two_stage.cider" in dict(named["models/two_stage/coca", "data/sar_text"])
    assert "sar.all.two_stage.vqa_exact_match" in dict(named["models/two_stage/gpt", "data/sar_text"])
    flat = [name for metrics in named.values() for name, _ in metrics]
    assert all(re.fullmatch(r"[\w./ -]+", name) for name in flat)
    assert len(flat) == len(set(flat)) == 4 * sum(len(METRICS | HELD_OUT | names) for names in ANSWERED.values())
    assert [(row["test_set"], row["variant"]) for row in summary.rows()][:4] == [
        ("optical/sim_optical", variant) for variant in ("initial", "optical", "sar", "two_stage")
    ]


def test_equal_inputs_give_equal_bytes(trained):
    evaluate(params=trained)
    first = outputs()
    shutil.rmtree(paths.plots())
    evaluate(params=trained)
    assert outputs() == first


def test_metrics_are_those_of_the_model(trained):
    """The numbers of one set and variant, computed by hand from the model's own answers."""
    evaluate(params=trained)
    table = json.loads(paths.metrics("evaluate").read_text())["sar/sim_pairs"]["two_stage"]
    pool = test_sets.read()
    chosen = next(found for found in pool.sets if found.name == "sar/sim_pairs").images
    with predict.Pictures(pool, hardware=trained.hardware) as pictures:
        shown = [pictures.full(image) for image in chosen]
    clip, coca = (model.load(paths.model("two_stage", kind)) for kind in ("clip", "coca"))

    images = infer.embed_images(clip, shown, hardware=trained.hardware, batch_size=4)
    texts = [text for image in chosen for text in pool.captions[image]]
    scores = images @ infer.embed_texts(clip, texts, hardware=trained.hardware, batch_size=4).T
    right = np.array([[text in pool.captions[image] for text in texts] for image in chosen])
    best = np.where(right, scores, -np.inf).max(axis=1, keepdims=True)
    hits = ((scores >= best - 1e-6) & ~right).sum(axis=1) < 1
    assert table["i2t_r1"]["value"] == pytest.approx(100 * hits.mean(), abs=1e-5)

    said = infer.caption(coca, shown, decoding=trained.evaluate.decoding, hardware=trained.hardware)
    expected = caption_metrics.statistics(said, [pool.captions[image] for image in chosen])
    for name, statistic in expected.items():
        assert table[name]["value"] == pytest.approx(float(statistic.value(statistic.items.sum(axis=0))), abs=1e-6)


def test_answers_are_those_of_the_model(trained):
    """The answers of one variant, asked again, and their share that is right."""
    from sar_models import gpt_model
    from sar_models.answer import answers
    from sar_models.metrics.vqa import normalise
    from sar_models.shards import ShardReader

    evaluate(params=trained)
    kept = records.read(paths.predictions("answers"))
    said = {row["question_id"]: row["text"] for row in kept if row["variant"] == "optical"}
    assert len(kept) == 4 * len(said) == 4 * 26
    rows = [row for row in records.read(paths.text("sar") / "test_questions.parquet") if row["source"] == "sim_pairs"]
    with ShardReader(paths.sources_data("sar")) as reader:
        again = answers(
            gpt_model.load(paths.model("optical", "gpt")), [reader.picture(row) for row in rows],
            [[row["question"]] for row in rows], answering=trained.evaluate.answering, hardware=trained.hardware,
        )  # fmt: skip
    assert [each[0] for each in again] == [said[row["question_id"]] for row in rows]
    right = [normalise(said[row["question_id"]]) == row["answer"] for row in rows]
    found = json.loads(paths.metrics("evaluate").read_text())["sar/sim_pairs"]["optical"]
    assert found["vqa_exact_match"]["value"] == pytest.approx(100 * np.mean(right), abs=1e-5)


def test_the_majority_is_learned_from_train_family_by_family(trained):
    asked = vqa.read()
    train = records.read(paths.text("sar") / "train_questions.parquet")
    for row, answer in zip(asked.rows, asked.baselines["majority"], strict=True):
        if row["text"] == "sar":
            counts = Counter(known["answer"] for known in train if known["family"] == row["family"])
            assert counts[answer] == max(counts.values())
    assert len(asked.images) == 13
    assert [asked.images[number]["record_id"] for number in asked.image_of] == [row["record_id"] for row in asked.rows]
    for modality in ("optical", "sar"):
        for split in ("train", "test"):
            records.write(paths.text(modality) / f"{split}_questions.parquet", [], schema=records.QUESTION_TEXT)
    table = evaluate(params=trained).table
    assert not any(name.startswith("vqa") for name in table["sar/all"]["optical"]), "nothing is asked"


def test_an_unreadable_image_is_an_error(trained):
    shard = paths.sources_data("sar") / "sim_pairs" / "shards" / "000000.tar"
    content = bytearray(shard.read_bytes())
    content[:200] = bytes(200)
    shard.write_bytes(content)
    with pytest.raises(ValueError, match=r"sim_pairs/0\.png"):
        evaluate(params=trained)


def test_a_missing_shard_is_an_error(trained):
    (paths.sources_data("sar") / "sim_pairs" / "shards" / "000000.tar").unlink()
    with pytest.raises(ValueError, match=r"sim_pairs/0\.png: \S+sim_pairs/shards/000000\.tar does not exist"):
        evaluate(params=trained)


def test_a_broken_model_is_an_error(trained):
    folder = paths.model("optical", "clip")
    broken = model.load(folder)
    for parameter in broken.module.parameters():
        parameter.data.fill_(float("nan"))
    model.save(broken, folder)
    with pytest.raises(ValueError, match="images row 0: the embedding holds NaN"):
        evaluate(params=trained)


def test_a_missing_model_is_named(project):
    with pytest.raises(ValueError, match=r"models/optical/clip/config\.json does not exist"):
        evaluate(params=project)


def test_meteor_without_java_fails_before_any_work(project, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(ValueError, match="install a Java runtime"):
        evaluate(params=changed(project, meteor=True))


def test_spice_without_corenlp_fails_before_any_work(project, monkeypatch):
    monkeypatch.setattr("sar_models.metrics.spice._folder", lambda: paths.root())
    with pytest.raises(ValueError, match="SPICE is not computed"):
        evaluate(params=changed(project, spice=True))
