import json
import re

import pytest
from evaluate_world import write_text

from tasks import paths, records
from tasks.evaluate import hygiene, test_sets
from tasks.evaluate.stage import evaluate

TABLES = {split: f"{split}.parquet" for split in ("train", "val", "test")}


def rows(modality: str, split: str = "test") -> list[dict]:
    return records.read(paths.text(modality) / TABLES[split])


def refuse(record_id: str, reason: str, *, caption_id: str | None = None) -> dict:
    return {"record_id": record_id, "caption_id": caption_id, "source": record_id.partition("/")[0], "text": None,
            "reason": reason, "detail": ""}  # fmt: skip


def test_counts_of_a_clean_set_and_of_what_the_gate_took_out(project):
    refused = [refuse("real_ships/a.png", "image_copy"), refuse("real_ships/b.png", "image_near_copy"),
               refuse("real_ships/c.png", "image_overlap"), refuse("real_ships/d.png", "image_overlap"),
               refuse("sim_pairs/e.png", "image_readable"),
               refuse("sim_pairs/e.png", "image_readable", caption_id="x")]  # fmt: skip
    records.write(paths.text("sar") / "quarantine.parquet", refused, schema=records.QUARANTINE)
    found = hygiene.measure(test_sets.read(), compared=hygiene.refuse_leaks())
    assert found["sar/real_ships"] == {
        # Of two captions each, the first and the last image share one; every first one is written in train too.
        "images": 4, "captions": 8, "distinct_captions": 7, "captions_in_train": 4, "images_compared": 4,
        "exact_copies_removed": 1, "near_copies_removed": 1, "overlaps_removed": 2, "leaks_removed": 3, "unreadable": 0,
    }  # fmt: skip
    assert found["sar/sim_pairs"]["unreadable"] == found["sar/all"]["unreadable"] == 1
    assert found["sar/all"]["leaks_removed"] == 3
    assert found["optical/sim_optical"]["leaks_removed"] == 0


@pytest.mark.parametrize("split", ["train", "val"])
def test_a_test_image_hidden_in_training_is_named(project, split):
    """Under another name and with another caption, so that only its bytes tell."""
    hidden = rows("sar")[0] | {"record_id": "sim_pairs/z.png", "caption_id": "sim_pairs/z.png#c0", "split": split,
                               "text": "Nothing.", "group": "elsewhere"}  # fmt: skip
    write_text("sar", [*rows("sar", split), hidden], split=split)
    message = f"test.parquet: real_ships/0.png has the same bytes as sim_pairs/z.png of {split}"
    with pytest.raises(ValueError, match=re.escape(message)):
        evaluate(params=project)


def test_an_image_of_the_other_text_leaks_too(project):
    hidden = rows("optical")[0] | {"record_id": "sim_pairs/z.png", "caption_id": "sim_pairs/z.png#c0", "split": "train"}
    write_text("sar", [*rows("sar", "train"), hidden], split="train")
    with pytest.raises(ValueError, match=r"optical_text/test\.parquet: sim_optical/0\.png has the same bytes as"):
        hygiene.refuse_leaks()


def test_a_stored_again_copy_a_shared_scene_and_a_shared_record_are_named(project):
    clean = rows("sar", "train")
    features = paths.sources_data("sar") / "sim_pairs" / "features.parquet"
    described = {row["record_id"]: row for row in records.read(features)}
    copied = described["sim_pairs/6.png"] | {
        name: described["sim_pairs/0.png"][name] for name in ("dhash", "thumbnail")
    }
    again = [copied if name == "sim_pairs/6.png" else row for name, row in described.items()]
    records.write(features, again, schema=records.FEATURES)
    with pytest.raises(ValueError, match=r"sim_pairs/0\.png looks nearly the same as sim_pairs/6\.png of train"):
        hygiene.refuse_leaks()
    records.write(features, described.values(), schema=records.FEATURES)
    hygiene.refuse_leaks()

    write_text("sar", [row | {"group": "real_ships/1"} for row in clean], split="train")
    with pytest.raises(ValueError, match=r"real_ships/1\.png is of the same group \(real_ships/1\) as"):
        hygiene.refuse_leaks()
    write_text("sar", [*clean, *(row | {"split": "train"} for row in rows("sar")[:1])], split="train")
    with pytest.raises(ValueError, match=r"real_ships/0\.png is the same record as"):
        hygiene.refuse_leaks()


def test_an_image_without_descriptors_is_named(project):
    features = paths.sources_data("sar") / "sim_pairs" / "features.parquet"
    records.write(features, records.read(features)[1:], schema=records.FEATURES)
    with pytest.raises(ValueError, match=r"features.parquet of sim_pairs does not describe sim_pairs/0\.png"):
        hygiene.refuse_leaks()


def test_evaluate_writes_it(trained):
    evaluate(params=trained)
    text = paths.metrics("hygiene").read_text()
    assert text == json.dumps(json.loads(text), indent=2, sort_keys=True) + "\n"
    assert json.loads(text) == hygiene.measure(test_sets.read(), compared={"optical": 2, "sar": 4})
