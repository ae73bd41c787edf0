import pytest
from evaluate_world import captions as references

from tasks import paths, records
from tasks.evaluate import claims, test_sets

SHIPS = "There are {} ships in the image."


@pytest.fixture
def pool(project, monkeypatch):
    monkeypatch.setattr("sar_models.metrics.vqa.LEAST_IMAGES", 3)
    for modality in ("optical", "sar"):  # ships are all annotated, harbors are not
        for folder in paths.sources_data(modality).iterdir():
            with (folder / "source.yaml").open("a") as file:
                file.write("classes: {a: ship, b: aircraft}\nexhaustive: [ship, aircraft]\n")
    return test_sets.read()


def values(pool, captions, *, name="sar/sim_pairs"):
    test_set = next(found for found in pool.sets if found.name == name)
    found = claims.statistics(test_set, claims.annotations(pool), captions)
    return {metric: float(each.value(each.items.sum(axis=0))) for metric, each in found.items()}


def true_captions(pool):
    return [own[0] for own in pool.captions]


def test_references_are_right_in_all_that_they_say(pool):
    assert values(pool, true_captions(pool)) == {
        "claim_precision": 100, "claim_recall": 100, "unsupported_object_rate": 0
    }  # fmt: skip


def test_an_absent_object_lowers_precision_and_counts_as_unsupported(pool):
    said = true_captions(pool)
    first = next(found for found in pool.sets if found.name == "sar/sim_pairs").images[0]
    assert said[first] == references(0)[0]
    said[first] = "Two aircraft stand beside 1 ship."
    found = values(pool, said)
    assert found["claim_precision"] < 100
    assert found["claim_recall"] == 100, "the ship is named all the same"
    assert found["unsupported_object_rate"] == pytest.approx(100 / 7), "one of seven classes that are named"


def test_a_wrong_count_is_no_absent_object(pool):
    found = values(pool, [SHIPS.format(9)] * len(pool.images))
    assert found == {"claim_precision": 0, "claim_recall": 100, "unsupported_object_rate": 0}


def test_what_nothing_is_claimed_of_has_no_precision(pool):
    assert values(pool, ["a grey picture"] * len(pool.images)) == {"claim_recall": 0}
    assert values(pool, [""] * len(pool.images)) == {"claim_recall": 0}
    assert values(pool, true_captions(pool), name="optical/sim_optical") == {}, "nothing is annotated there"


def test_a_draw_without_claims_counts_as_zero(pool):
    test_set = next(found for found in pool.sets if found.name == "sar/sim_pairs")
    found = claims.statistics(test_set, claims.annotations(pool), true_captions(pool))["claim_precision"]
    assert found.value(0 * found.items.sum(axis=0)) == 0


def test_the_table_tells_which_claims_are_true(pool):
    annotated = claims.annotations(pool)
    assert len(annotated) == 10, "SAR images; the optical ones have no annotation"
    said = ["2 ships, an aircraft, and a harbor in a SAR image"] * len(pool.images)
    path = paths.predictions("claims")
    claims.write(path, pool, annotated, {"sar": said})
    rows = records.read(path)
    assert {row["variant"] for row in rows} == {"sar"}
    assert {row["caption"] for row in rows} == set(said)
    of_first = [(row["claim"], row["verdict"]) for row in rows if row["record_id"] == "sim_pairs/1.png"]
    assert of_first == [("ship: count 2", "true"), ("aircraft: count 1", "false"), ("harbor: count 1", "unknown")]
    of_other = [(row["claim"], row["verdict"]) for row in rows if row["record_id"] == "sim_pairs/2.png"]
    assert of_other[0] == ("ship: count 2", "false"), "there are three"


def test_a_test_image_without_a_record_is_named(pool):
    path = paths.sources_data("sar") / "sim_pairs" / "records.parquet"
    rows = [row for row in records.read(path) if row["record_id"] != "sim_pairs/3.png"]
    records.write(path, rows, schema=records.RECORDS)
    with pytest.raises(ValueError, match=r"sim_pairs/records\.parquet has no record sim_pairs/3\.png"):
        claims.annotations(pool)
