"""narrate_model: captions of images without annotation are kept above thresholds, or quarantined with their scores."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import open_clip
import pytest
import yaml
from validate_world import REPOSITORY, SHIP, Shot, World

from sar_models.settings import Decoding, Hardware, Sampling
from tasks import params as settings
from tasks import paths, records
from tasks.narrate import model_stage
from tasks.narrate.model_captions import Written

open_clip.add_model_config(Path(__file__).parents[2] / "sar_models" / "micro")
KNOWN = 60


def project(world: World) -> settings.Params:
    from sar_models import model

    known = [Shot(f"{n:02}.png", label=None, boxes=[SHIP]) for n in range(KNOWN)]
    bare = [Shot(f"{n}.png", label=None, captions=()) for n in range(4)]
    world.source("ships", known, exhaustive=["ship"])
    world.source("bare", [*bare, Shot("chip.png")])
    rows = [row | {"split": "val"} for row in records.read(paths.source_data("ships") / "records.parquet")]
    fields = set(records.TEXT.names)
    rows = [{key: value for key, value in row.items() if key in fields} for row in rows]
    records.write(paths.text("sar") / "val.parquet", rows, schema=records.TEXT)
    for kind in ("coca", "clip"):
        model.save(model.initial(kind, architecture=f"micro_{kind}", seed=1), paths.model("two_stage", kind))
    quick = settings.ModelText(
        ("bare",), Decoding(max_tokens=3), Sampling(max_tokens=3), samples=1, validation_images=KNOWN,
        min_claim_precision=0.9, seed=3,
    )  # fmt: skip
    return dataclasses.replace(world.params, model_text=quick, hardware=Hardware(threads=1))


def read(name: str) -> list[dict[str, Any]]:
    return records.read(paths.model_text() / f"{name}.parquet")


def test_a_model_that_knows_nothing_has_nothing_kept(world: World) -> None:
    params = project(world)
    files = []
    for _ in range(2):
        summary = model_stage.narrate_model(params=params)
        files.append({path.name: path.read_bytes() for path in paths.model_text().iterdir()})
    assert files[0] == files[1]
    assert sorted(files[0]) == ["README.md", "captions.parquet", "quarantine.parquet", "report.json"]
    assert read("captions") == []
    refused = read("quarantine")
    assert [row["record_id"] for row in refused] == [f"bare/{n}.png" for n in range(4)]  # the chip is annotated
    assert {row["reason"] for row in refused} == {"no_threshold"}
    assert all(row["clip_score"] is not None and 0 <= row["agreement"] <= 1 for row in refused)
    assert summary.metrics()["quarantined"] == 4
    assert "nothing is kept" in (paths.model_text() / "README.md").read_text()


def test_thresholds_are_those_of_the_validation_images(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """With fixed captions in the model's place: above a score of 0.5 they are true."""
    params = project(world)
    bare = {"bare/0.png": ("A SAR image of one ship.", 0.9), "bare/1.png": ("A SAR image of one ship.", 0.2),
            "bare/2.png": ("One white ship.", 0.9), "bare/3.png": ("A nice SAR image.", 0.9)}  # fmt: skip

    def said(_: object, rows: Sequence[Mapping[str, Any]], **__: object) -> list[Written]:
        found = []
        for number, row in enumerate(rows):
            score = number / KNOWN
            text = "A SAR image of one ship." if score > 0.5 else "A SAR image of three ships."
            text, score = bare.get(row["record_id"], (text, score))
            found.append(Written(text, (text,), score, score))
        return found

    monkeypatch.setattr(model_stage, "_written", said)
    model_stage.narrate_model(params=params)
    (kept,) = read("captions")
    assert (kept["record_id"], kept["route"], kept["clip_score"]) == ("bare/0.png", "model", 0.9)
    assert kept["claims"] == [{"kind": "modality", "subject": "image", "value": "sar"},
                              {"kind": "count", "subject": "ship", "value": "1"}]  # fmt: skip
    assert {row["record_id"]: row["reason"] for row in read("quarantine")} == {
        "bare/1.png": "low_clip_score", "bare/2.png": "caption_colour", "bare/3.png": "nothing_claimed",
    }  # fmt: skip
    report = json.loads((paths.model_text() / "report.json").read_text())
    assert 0.4 < report["chosen"]["clip_score"] < 0.6
    assert report["chosen"]["claim_precision"] >= 0.9
    assert (report["images"], report["kept"]) == (4, 1)
    card = (paths.model_text() / "README.md").read_text()
    assert "1 of 4" in card
    assert "`low_clip_score` | 1" in card


def test_no_stage_reads_it() -> None:
    graph = yaml.safe_load((REPOSITORY / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    bodies = {name: stage.get("do", stage) for name, stage in graph.items()}
    assert "data/model_text" in bodies["narrate_model"]["outs"]
    readers = [name for name, body in bodies.items() for dep in body["deps"] if "data/model_text".startswith(dep)]
    assert readers == []


def test_a_source_that_is_annotated_whole_is_an_error(world: World) -> None:
    params = project(world)
    whole = dataclasses.replace(params.model_text, sources=("ships",))
    with pytest.raises(ValueError, match="every SAR image of ships is annotated"):
        model_stage.narrate_model(params=dataclasses.replace(params, model_text=whole))
