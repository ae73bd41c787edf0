"""The stage: files in, files out, the same bytes for the same input, each image for itself."""

from pathlib import Path
from random import Random

import pyarrow.parquet as pq
import pytest
import yaml
from narrate_cases import box, random_record, record, region

from tasks import paths, records
from tasks.narrate import stage
from tasks.narrate.claims import read_claims
from tasks.narrate.compose import narrate
from tasks.narrate.stage import NarrateSummary, narrate_source
from tasks.params import Narrate

PARAMS = Narrate(captions_per_image=5, questions_per_image=0, seed=7)


def write_source(root: Path, rows: list[dict], **description: object) -> None:
    described = {
        "title": "Made", "address": "file:///nowhere", "format": "coco", "modality": "sar", "role": "both",
        "licence": "CC0-1.0", "citation": "Nobody", "radiometry": {"unit": "amplitude"},
        "classes": {"ship": "ship"}, "exhaustive": ["ship"],
    }  # fmt: skip
    folder = paths.source_data("made")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "source.yaml").write_text(yaml.safe_dump(described | description), encoding="utf-8")
    records.write(folder / "records.parquet", rows, schema=records.RECORDS)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    (tmp_path / "params.yaml").write_text("sources: {made: sar}\n")
    return tmp_path


def run(root: Path, rows: list[dict], **description: object) -> tuple[NarrateSummary, list[dict]]:
    write_source(root, rows, **description)
    summary = narrate_source("made", params=PARAMS)
    return summary, records.read(paths.source_text("made") / "captions.parquet")


def test_every_kind_of_record(root: Path) -> None:
    scene = {"boxes": [box("ship", 20, 20)], "regions": [region("water", 1.0, [1.0] * 9)]}
    rows = [
        record(record_id="made/boxes", boxes=[box("ship", 20, 20), box("ship", 180, 200)]),
        record(record_id="made/chip", label="t72"),
        record(record_id="made/empty", boxes=[]),
        record(record_id="made/given", captions=["Two ships, as  given .", "Two ships, as  given ."]),
        record(record_id="made/map", regions=[region("water", 1.0, [1.0] * 9)]),
        record(record_id="made/nothing"),
        record(record_id="made/optical", modality="optical", boxes=[box("ship", 20, 20)]),
        record(record_id="made/pair", pair_id="1", **scene),
        record(record_id="made/pair_bare", pair_id="2"),
        record(record_id="made/pair_optical", pair_id="1", modality="optical", **scene),
        record(record_id="made/unreadable", boxes=[box("ship", 20, 20)], width_px=0, height_px=0),
    ]
    summary, captions = run(root, rows)
    routes: dict[str, set[str]] = {}
    for caption in captions:
        routes.setdefault(caption["record_id"], set()).add(caption["route"])
    assert routes == {
        "made/boxes": {"a2c"}, "made/chip": {"chip"}, "made/empty": {"a2c"}, "made/given": {"given"},
        "made/map": {"sa2c"}, "made/optical": {"a2c"}, "made/pair": {"a2c"},
    }  # fmt: skip
    assert summary.without_text == 4
    assert summary.images == len(rows)
    assert summary.captions == len(captions) == sum(summary.routes.values()) == sum(summary.rules.values())
    texts = {row["record_id"]: [] for row in rows}
    for caption in captions:
        texts[caption["record_id"]].append(caption["text"])
    assert texts["made/given"] == ["Two ships, as  given .", "Two ships, as  given ."]
    assert all(("count", "ship", "0") in read_claims(text) for text in texts["made/empty"])
    assert not any("SAR" in text or "radar" in text for text in texts["made/optical"])
    assert any("water" in text.lower() and "ship" in text for text in texts["made/pair"])
    assert [caption["caption_id"] for caption in captions[:2]] == ["made/boxes#c0", "made/boxes#c1"]
    assert captions[0]["rule"] == "boxes.short@2"
    assert {"kind": "count", "subject": "ship", "value": "0"} in captions[10]["claims"]
    assert pq.read_schema(paths.source_text("made") / "captions.parquet").equals(records.CAPTIONS)
    assert summary.metrics()["route_a2c"] == 20
    assert summary.rows()[0]["captions"] == summary.captions


def test_nothing_is_denied_that_the_source_does_not_annotate_exhaustively(root: Path) -> None:
    summary, captions = run(root, [record(record_id="made/empty", boxes=[])], exhaustive=[])
    assert captions == []
    assert summary.without_text == 1


def test_equal_input_gives_equal_bytes_and_growth_changes_no_old_caption(root: Path) -> None:
    rows = [random_record(Random(5), number) | {"record_id": f"made/{number:03}"} for number in range(60)]
    _, before = run(root, rows[:40:2])
    first = (paths.source_text("made") / "captions.parquet").read_bytes()
    _, again = run(root, rows[:40:2])
    assert (paths.source_text("made") / "captions.parquet").read_bytes() == first
    _, grown = run(root, rows)
    assert again == before
    assert [row for row in grown if row["record_id"] in {row["record_id"] for row in before}] == before


def test_bytes_do_not_depend_on_the_chunks_that_rows_go_through_in(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = Random(6)
    rows = [random_record(rng, number) | {"record_id": f"made/{number:03}"} for number in range(150)]
    found = []
    for chunk in (1000, 50, 7):
        monkeypatch.setattr(stage, "CHUNK", chunk)
        write_source(root, rows)
        summary = narrate_source("made", params=Narrate(5, 10, 7))
        files = [paths.source_text("made") / name for name in ("captions.parquet", "questions.parquet")]
        found.append((summary, [file.read_bytes() for file in files]))
    assert found[0][0].questions > 50
    assert found[0] == found[1] == found[2]


def test_images_of_equal_content_read_differently_and_the_seed_matters() -> None:
    content = {"boxes": [box("ship", 20, 20), box("ship", 60, 30)]}
    rows = [record(record_id=f"made/{number}", **content) for number in range(40)]
    detailed = [narrate(row, exhaustive={"ship"}, params=PARAMS)[-1].text for row in rows]
    assert len(set(detailed)) > 30
    other = [narrate(row, exhaustive={"ship"}, params=Narrate(5, 0, 8))[-1].text for row in rows]
    assert sum(a != b for a, b in zip(detailed, other, strict=True)) > 30


@pytest.mark.parametrize("count", [1, 2, 5, 9])
def test_as_many_captions_as_asked_from_short_to_detailed(count: int) -> None:
    row = record(boxes=[box("ship", 20, 20), box("ship", 180, 200), box("harbor", 30, 40, 40, 40)])
    captions = narrate(row, exhaustive=(), params=Narrate(count, 0, 7))
    assert len(captions) == count
    if count > 2:
        assert captions[0].rule == "boxes.short@2"
        assert captions[-1].rule == "boxes.full@1"
        assert len(captions[0].text) < len(captions[-1].text)


def test_a_class_without_words_is_named(root: Path) -> None:
    with pytest.raises(ValueError, match=r"no words for the class 'dinghy': add it to tasks/narrate/nouns\.yaml"):
        run(root, [record(record_id="made/1", boxes=[box("dinghy", 20, 20)])])


def test_a_missing_download_is_named(root: Path) -> None:
    with pytest.raises(ValueError, match="dvc repro"):
        narrate_source("made", params=PARAMS)
