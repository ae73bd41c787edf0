import re

import pyarrow as pa
import pytest
from evaluate_world import SIZES, captions, write_text

from tasks import paths, records
from tasks.evaluate import test_sets


def rows(modality: str) -> list[dict]:
    return records.read(paths.text(modality) / "test.parquet")


def test_one_set_a_source_and_one_of_all(project):
    pool = test_sets.read()
    assert [found.name for found in pool.sets] == ["optical/sim_optical", "sar/all", "sar/real_ships", "sar/sim_pairs"]
    sizes = {found.name: len(found.images) for found in pool.sets}
    assert sizes == {"optical/sim_optical": 5, "sar/all": 10, "sar/real_ships": 4, "sar/sim_pairs": 6}
    assert len(pool.images) == len(pool.captions) == len(pool.modalities) == 15
    assert pool.modalities.count("sar") == sum(SIZES["sar"].values())
    for found in pool.sets:
        for image in found.images:
            place = pool.images[image]
            assert found.name in (f"{place['modality']}/all", f"{place['modality']}/{place['source']}")
            assert pool.captions[image] == captions(int(place["group"].split("/")[1]))


def test_a_source_with_one_image_counts_only_with_the_others(project):
    write_text("sar", [row for row in rows("sar") if row["source"] != "real_ships" or row["group"] == "real_ships/0"])
    pool = test_sets.read()
    assert [found.name for found in pool.sets] == ["optical/sim_optical", "sar/all", "sar/sim_pairs"]
    assert len(pool.sets[1].images) == 7
    assert pool.left_out == ["sar/real_ships has one test image: counted only in sar/all"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"route": "model"}, "row 1 (real_ships/0.png#c1): a model wrote this caption"),
        ({"text": "  "}, "row 1 (real_ships/0.png#c1): the caption is empty"),
        ({"text": None}, "row 1 (real_ships/0.png#c1): the caption is empty"),
        ({"caption_id": "real_ships/0.png#c0"}, "row 1 (real_ships/0.png#c0): this caption_id comes twice"),
        (
            {"text": "A caf\ufffd."},
            "row 1 (real_ships/0.png#c1): the caption holds a replacement character",
        ),
        ({"offset": 7}, "record real_ships/0.png stands for two different images"),
    ],
)
def test_bad_rows_are_named(project, change, message):
    changed = rows("sar")
    changed[1] |= change
    write_text("sar", changed)
    with pytest.raises(ValueError, match=re.escape(message)) as error:
        test_sets.read()
    assert "test.parquet" in str(error.value)


def test_captions_in_another_encoding_name_the_row(project):
    path = paths.text("sar") / "test.parquet"
    table = records.read_table(path)
    texts = [text.encode() for text in table["text"].to_pylist()]
    texts[3] = "Schiffe vor Kühlungsborn.".encode("latin-1")
    latin = pa.Array.from_buffers(pa.string(), len(texts), pa.array(texts, pa.binary()).buffers())
    broken = table.set_column(table.schema.get_field_index("text"), "text", latin)
    records.write_table(path, broken)
    with pytest.raises(ValueError, match=r"test\.parquet row 3: the text is not UTF-8"):
        test_sets.read()


def test_an_empty_a_tiny_and_a_missing_table(project):
    whole = rows("sar")
    write_text("sar", [])
    with pytest.raises(ValueError, match=r"holds no row: no source of the sar text has a test image"):
        test_sets.read()
    write_text("sar", whole[:2])
    with pytest.raises(ValueError, match="holds one image; retrieval needs at least 2"):
        test_sets.read()
    (paths.text("sar") / "test.parquet").unlink()
    with pytest.raises(ValueError, match="does not exist: run `dvc repro`"):
        test_sets.read()
