"""Text by models of pairs: written by narrate_pairs, let in or kept out by validate, never a test reference."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import open_clip
import pytest
from validate_world import GOOD, SHIP, Shot, World, passed, quarantine

from sar_models.settings import Decoding, Hardware
from tasks import params as settings
from tasks import paths, records
from tasks.narrate import pair_stage
from tasks.validate import pair_text
from tasks.validate.stage import validate_text

open_clip.add_model_config(Path(__file__).parents[2] / "sar_models" / "micro")
SPLITS = ["train", "train", "val", "test"]


def project(world: World) -> settings.Params:
    """Four pairs, each with one ship, of which nothing is narrated; and chips, so that there is other text."""
    shots = [
        Shot(f"{kind}/{n}.png", captions=(), split=split, group=f"place/{n}", pair_id=str(n), modality=modality,
             label=None, boxes=[SHIP | {"class": "ship"}])
        for n, split in enumerate(SPLITS)
        for kind, modality in (("s1", "sar"), ("s2", "optical"))
    ]  # fmt: skip
    world.source("chips", GOOD)
    world.source("twins", shots, exhaustive=["ship"])
    records.write(paths.text("optical") / "train.parquet", [], schema=records.TEXT)
    records.write(paths.text("optical") / "val.parquet", [], schema=records.TEXT)
    pairs = dataclasses.replace(
        world.params.pairs, sources=("twins",), decoding=Decoding(max_tokens=4), rewriter="rules", held_out_images=3
    )
    return dataclasses.replace(world.params, pairs=pairs, hardware=Hardware(threads=1))


def written(texts: Mapping[str, str], **held_out: Any) -> None:
    """Pair text as narrate_pairs would leave it."""
    rows = [
        {"record_id": f"twins/s1/{n}.png", "caption_id": f"twins/s1/{n}.png#p0", "text": text, "route": "pair",
         "rule": "pair.rules@1", "claims": []}
        for n, text in texts.items()
    ]  # fmt: skip
    folder = paths.pair_text("twins")
    records.write(folder / pair_stage.CAPTIONS, rows, schema=records.CAPTIONS)
    report = {"held_out": {"images": 50, "of": "annotated pairs of twins", "claim_precision": 0.9,
                           "claims": {"supported": 90, "contradicted": 10}} | held_out}  # fmt: skip
    (folder / pair_stage.REPORT).write_text(json.dumps(report))


TRUE = dict.fromkeys("0123", "A SAR image of one ship.")


def test_true_enough_text_enters_but_never_as_a_test_reference(world: World) -> None:
    params = project(world)
    written(TRUE)
    validate_text("sar", params=params)  # and one of four captions refused does not stop the stage
    texts = {row["record_id"]: row for row in passed() if row["source"] == "twins"}
    assert {name: (row["route"], row["split"]) for name, row in texts.items()} == {
        "twins/s1/0.png": ("pair", "train"), "twins/s1/1.png": ("pair", "train"), "twins/s1/2.png": ("pair", "val"),
    }  # fmt: skip
    assert {name: reason for name, (reason, _) in quarantine().items()} == {
        "twins/s1/3.png#p0": "caption_model_in_test"
    }


@pytest.mark.parametrize(
    ("held_out", "detail"),
    [
        (
            {"claim_precision": 0.79},
            "claim precision 0.790 of 100 claims on 50 held-out images (annotated pairs of twins)",
        ),
        (
            {"claim_precision": 1.0, "claims": {"supported": 29, "contradicted": 0}},
            "is not measured: it is of 29 claims",
        ),
        ({"claim_precision": None, "claims": {"supported": 0, "contradicted": 0}}, "is not measured"),
    ],
)
def test_below_the_threshold_all_of_it_goes_to_quarantine_for_that_reason(
    world: World, held_out: dict[str, Any], detail: str
) -> None:
    params = project(world)
    written(TRUE, **held_out)
    validate_text("sar", params=params)
    found = quarantine()
    assert {name: reason for name, (reason, _) in found.items()} == dict.fromkeys(
        (f"twins/s1/{n}.png#p0" for n in range(4)), "pair_claim_precision"
    )
    assert all(detail in why for _, why in found.values())
    assert "twins" not in {row["source"] for row in passed()}


def test_what_the_annotation_contradicts_is_refused_one_by_one(world: World) -> None:
    params = project(world)
    written(
        {**TRUE, "0": "A SAR image of three ships.", "1": "A SAR image of a ship. It measures about 90 m in length."}
    )
    validate_text("sar", params=params)
    reasons = {name: reason for name, (reason, _) in quarantine().items()}
    assert reasons["twins/s1/0.png#p0"] == "caption_claims"
    assert "twins/s1/1.png#p0" not in reasons  # no pixel spacing: the annotation cannot settle a length


def test_text_and_report_must_be_there(world: World) -> None:
    params = project(world)
    with pytest.raises(ValueError, match="dvc repro narrate_pairs@twins"):
        validate_text("sar", params=params)
    written(TRUE)
    with pytest.raises(ValueError, match="left by an earlier run"):
        validate_text("sar", params=world.params)  # whose pairs.sources do not name it


def test_the_stage_captions_rewrites_and_measures(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """With fixed sentences in the captioner's place, every number follows."""
    from sar_models import model

    params = project(world)
    model.save(model.initial("coca", architecture="micro_coca", seed=1), paths.model("optical", "coca"))
    said = {"0": "one white ship is in the picture .", "1": "three grey ships are in the picture .",
            "2": "it is blue .", "3": "one red ship is in the picture ."}  # fmt: skip

    def captions(_: object, rows: Sequence[Mapping[str, Any]], **__: object) -> dict[str, str]:
        assert all(row["modality"] == "optical" for row in rows)
        return {row["record_id"]: said[row["pair_id"]] for row in rows}

    monkeypatch.setattr(pair_stage, "_captions", captions)
    params = dataclasses.replace(params, pairs=dataclasses.replace(params.pairs, held_out_images=9))
    summary = pair_stage.narrate_pairs("twins", params=params)
    rows = records.read(paths.pair_text("twins") / pair_stage.CAPTIONS)
    assert {row["record_id"]: row["text"] for row in rows} == {
        "twins/s1/0.png": "One ship is in the SAR image.", "twins/s1/1.png": "Three ships are in the SAR image.",
        "twins/s1/3.png": "One ship is in the SAR image.",
    }  # fmt: skip
    assert {(row["route"], row["rule"].split("@")[0]) for row in rows} == {("pair", "pair.rules")}
    assert rows[0]["claims"]
    assert (summary.pairs, summary.captions, summary.without_text) == (4, 3, 1)
    report = json.loads((paths.pair_text("twins") / pair_stage.REPORT).read_text())
    assert report["held_out"]["images"] == 4
    assert report["held_out"]["claims"]["supported"] == 2
    assert report["held_out"]["claims"]["contradicted"] == 1
    assert report["held_out"]["claim_precision"] == 0.6667
    assert report["guard"]["refused"] == {"nothing_left": 1}


def test_the_stage_with_a_real_captioner_gives_equal_bytes(world: World) -> None:
    from sar_models import model

    params = project(world)
    model.save(model.initial("coca", architecture="micro_coca", seed=1), paths.model("optical", "coca"))
    files = []
    for _ in range(2):
        pair_stage.narrate_pairs("twins", params=params)
        files.append([(paths.pair_text("twins") / n).read_bytes() for n in (pair_stage.CAPTIONS, pair_stage.REPORT)])
    assert files[0] == files[1]
    report = json.loads(files[0][1])
    assert report["held_out"]["images"] == 3
    assert len(report["captioner_weights_sha256"]) == 64
    records.write(
        paths.text("optical") / "train.parquet", [{"group": f"place/{n}"} for n in range(4)], schema=records.TEXT
    )
    pair_stage.narrate_pairs("twins", params=params)  # the captioner was trained on these places
    report = json.loads((paths.pair_text("twins") / pair_stage.REPORT).read_text())
    assert (report["held_out"]["images"], report["held_out"]["of"]) == (0, "optical validation images")
    assert pair_text.unproven(report, least=0.1)


def test_a_source_without_pairs_is_an_error(world: World) -> None:
    params = project(world)
    with pytest.raises(ValueError, match=r"chips holds no SAR image with an optical partner"):
        pair_stage.narrate_pairs("chips", params=params)
