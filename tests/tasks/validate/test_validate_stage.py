"""The gate as a whole: every planted fault is found under its own name, and nothing is lost."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import yaml
from validate_world import GOOD, SHIP, Shot, World, passed, quarantine, scene

from tasks import paths, records
from tasks.validate import docs, split
from tasks.validate.stage import validate_text


def test_sound_data_passes_whole(world: World) -> None:
    world.source("chips", GOOD)
    summary = validate_text("sar", params=world.params)
    assert (summary.images, summary.captions, summary.quarantined) == (8, 8, 0)
    assert summary.train + summary.val + summary.test == 8
    assert quarantine() == {}
    rows = passed()
    assert sorted(row["record_id"] for row in rows) == [f"chips/good_{n:02}.png" for n in range(8)]
    for row in rows:
        assert row["split"] == split.hashed(row["group"], settings=world.params.validate.split)


def test_image_faults_have_their_reasons_and_take_the_captions_along(world: World) -> None:
    wide = np.tile(scene(5), (1, 100))
    world.source("chips", [
        *GOOD,
        Shot("broken.png", data=b"not an image", error="cannot decode the image: broken"),
        Shot("changed.png", record={"sha256": hashlib.sha256(b"other").hexdigest()}),
        Shot("long.png", pixels=wide, captions=["A SAR image of a T-72 tank.", "Three bridges cross the river."]),
        Shot("tiny.png", pixels=scene(6, size=12)),
    ])  # fmt: skip
    summary = validate_text("sar", params=world.lenient())
    found = quarantine()
    assert {key: reason for key, (reason, _) in found.items()} == {
        "chips/broken.png": "image_readable", "chips/broken.png#c0": "image_readable",
        "chips/changed.png": "image_digest", "chips/changed.png#c0": "image_digest",
        "chips/long.png": "image_width", "chips/long.png#c0": "image_width", "chips/long.png#c1": "image_width",
        "chips/tiny.png": "image_width", "chips/tiny.png#c0": "image_width",
    }  # fmt: skip
    assert "4800 px wide; allowed are 16 to 4096" in found["chips/long.png"][1]
    assert "cannot decode" in found["chips/broken.png"][1]
    assert summary.captions == 13 == len(passed()) + summary.quarantined


def test_changed_bytes_in_the_shard_are_found(world: World) -> None:
    world.source("chips", GOOD)
    (row, *_) = records.read(paths.source_data("chips") / "records.parquet")
    shard = paths.source_data("chips") / "shards" / row["shard"]
    data = bytearray(shard.read_bytes())
    data[row["offset"] + row["length"] // 2] ^= 1
    shard.write_bytes(bytes(data))
    validate_text("sar", params=world.lenient())
    assert quarantine()[row["record_id"]][0] == "image_digest"


def test_a_missing_licence_stops_the_stage(world: World) -> None:
    world.source("chips", GOOD, licence=" ")
    with pytest.raises(ValueError, match=r"chips: 8 of 8 captions \(100.0%\), by licence \(8\)"):
        validate_text("sar", params=world.params)
    assert quarantine()["chips/good_00.png"] == ("licence", "sources/chips.yaml states no licence")


def test_stop_above_the_share_leaves_the_quarantine_and_no_data(world: World) -> None:
    world.source("chips", GOOD)
    validate_text("sar", params=world.params)
    bad = [Shot("z1.png", captions=["A {x} tank"]), Shot("z2.png", captions=["Tank."]), Shot("z3.png", captions=["T."])]
    world.source("chips", [*GOOD, *bad])
    validate_text("sar", params=world.lenient(3 / 11))  # at the share it passes
    with pytest.raises(ValueError, match="max_quarantine_share") as error:
        validate_text("sar", params=world.lenient(3 / 11 - 1e-9))
    said = str(error.value)
    assert "chips: 3 of 11 captions (27.3%), by caption_length (2), caption_leftover (1)" in said
    assert str(paths.text("sar") / "quarantine.parquet") in said
    assert len(quarantine()) == 3
    assert sorted(path.name for path in paths.text("sar").iterdir()) == ["quarantine.parquet"]


def test_copies_yield_to_test(world: World) -> None:
    same, near = scene(100), scene(200)
    noisy = np.clip(near.astype(int) + np.random.default_rng(0).integers(-3, 4, near.shape), 0, 255).astype(np.uint8)
    world.source("known", [
        Shot("exact.png", pixels=same, split="test"), Shot("near.png", pixels=near, split="test"),
        Shot("alone.png", split="val"),
    ])  # fmt: skip
    world.source("renamed", [
        Shot("000001.png", pixels=same, split="train"), Shot("000002.png", pixels=noisy, split="train"),
        Shot("000003.png", split="train"), Shot("000004.png", split="val"),
    ])  # fmt: skip
    validate_text("sar", params=world.lenient())
    images = {key: value for key, value in quarantine().items() if "#" not in key}
    assert images == {
        "renamed/000001.png": ("image_copy", "same bytes as known/exact.png"),
        "renamed/000002.png": ("image_near_copy", "near duplicate of known/near.png"),
    }


def test_a_broken_test_image_does_not_cost_its_training_copy(world: World) -> None:
    pixels = scene(100)
    world.source("known", [Shot("a.png", pixels=pixels, split="test", error="cannot decode")])
    world.source("other", [Shot("a.png", pixels=pixels, split="train"), Shot("v.png", split="val")])
    validate_text("sar", params=world.lenient())
    assert {key for key in quarantine() if "#" not in key} == {"known/a.png"}


def test_a_group_stands_in_one_split_across_both_texts(world: World) -> None:
    shared = {"grouping": {"space": "world"}}
    numbers = range(40)
    world.source("seen", [Shot(f"{n}.png", group=f"world/{n}", modality="optical", label=None, route="given",
                               captions=["a view of some land"]) for n in numbers],
                 text="optical", **shared)  # fmt: skip
    world.source("pairs", [
        Shot(f"{kind}/{n}.png", group=f"world/{n}", pair_id=str(n), modality=modality,
             captions=None if modality == "sar" else [])
        for kind, modality in (("s1", "sar"), ("s2", "optical")) for n in numbers
    ], **shared)  # fmt: skip
    official = [Shot(f"{n}.png", group=f"world/{n}", split="test" if n < 10 else "train") for n in range(20)]
    world.source("bench", official, **shared)
    world.source("extra", [Shot(f"{n}.png", group=f"world/{n}") for n in range(5, 25)], role="train", **shared)
    for modality in ("optical", "sar"):
        validate_text(modality, params=world.lenient())
    stands_in: dict[str, set[str]] = {}
    for row in passed("optical") + passed("sar"):
        stands_in.setdefault(row["group"], set()).add(row["split"])
    assert len(stands_in) == 40
    assert all(len(splits) == 1 for splits in stands_in.values())
    assert all(stands_in[f"world/{n}"] == {"test"} for n in range(10))
    optical = {row["group"]: row["split"] for row in passed("optical")}
    assert all(optical[f"world/{n}"] == "test" for n in range(10))
    refused = {key for key, (reason, _) in quarantine().items() if reason == "role_train_only" and "#" not in key}
    assert refused == {f"extra/{n}.png" for n in range(5, 25) if stands_in[f"world/{n}"] == {"test"}}
    assert {"extra/5.png", "extra/9.png"} <= refused


def test_two_runs_give_the_same_bytes(make_world: Callable[[str], World]) -> None:
    def build(folder: str) -> dict[str, bytes]:
        world = make_world(folder)
        world.source("b", [Shot("a.png", boxes=[SHIP], label=None, captions=["One ship is there."]), *GOOD])
        world.source("a", [Shot("x.png", captions=["Tank."]), *GOOD])
        validate_text("sar", params=world.lenient())
        outputs = [*paths.text("sar").iterdir(), paths.metrics("validate_sar")]
        return {path.name: path.read_bytes() for path in outputs}

    first, second = build("one"), build("two")
    assert first == second
    assert set(first) == {
        *(f"{split}{kind}" for split in ("train", "val", "test")
          for kind in (".parquet", ".csv", "_questions.parquet", "_llava.json")),
        "quarantine.parquet", "README.md", "croissant.json", "validate_sar.json",
    }  # fmt: skip


def test_csv_reads_back_with_quotes_commas_and_umlauts(world: World) -> None:
    texts = ['A "T-72", seen from above, stands alone.', "Ein Panzer für sich, “T-72”.", "It's a T-72; the only one."]
    world.source("chips", [Shot("dir,one/a b.png", captions=texts, route="given", label=None, split="train")])
    validate_text("sar", params=world.params)
    frame = pd.read_csv(paths.text("sar") / "train.csv")
    assert list(frame.columns) == ["filepath", "caption"]
    assert frame["caption"].tolist() == texts
    assert set(frame["filepath"]) == {"Image/chips/dir,one/a b.png"}


def test_tables_have_the_declared_schemas(world: World) -> None:
    world.source("chips", [*GOOD, Shot("bad.png", captions=["Tank."])])
    validate_text("sar", params=world.lenient())
    folder = paths.text("sar")
    for name in ("train", "val", "test"):
        table = records.read_table(folder / f"{name}.parquet")
        assert table.schema.equals(records.TEXT)
        assert set(table["split"].to_pylist()) <= {name}
    assert records.read_table(folder / "quarantine.parquet").schema.equals(records.QUARANTINE)


def test_metrics_are_sorted_and_add_up(world: World) -> None:
    world.source("chips", [*GOOD, Shot("bad.png", captions=["Tank.", "There is a T-72 tank."])])
    world.source("other", GOOD, licence="MIT")
    summary = validate_text("sar", params=world.lenient())
    text = paths.metrics("validate_sar").read_text()
    measured = json.loads(text)
    assert text == json.dumps(measured, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    for of in [*measured["sources"].values(), measured["total"]]:
        assert of["captions"] == of["captions_passed"] + of["captions_refused"]
        assert of["captions_passed"] == sum(part["captions"] for part in of["splits"].values())
        assert of["captions_refused"] == sum(of["quarantined"].values())
    assert measured["sources"]["other"]["licence"] == "MIT"
    assert measured["total"]["distinct_captions_share"] == round(2 / 17, 4)
    rows = {row["source"]: row for row in summary.rows()}
    assert (rows["chips"]["quarantined"], rows["chips"]["top_reason"]) == (1, "caption_length")
    assert summary.metrics()["captions"] == 18.0


def test_card_states_licence_citation_note_and_simulation(world: World) -> None:
    world.source("chips", GOOD, licence="GPL-3.0 | see readme", note="COMPOSITE: targets pasted into scenes")
    world.source("sim", [Shot("s.png", boxes=[SHIP], label=None, captions=["One ship is there."], route="a2c")],
                 address="simulated", simulate={"world": "ships", "scenes": 1, "first_scene": 0})  # fmt: skip
    validate_text("sar", params=world.params)
    text = (paths.text("sar") / "README.md").read_text(encoding="utf-8")
    _, head, body = text.split("---\n", 2)
    assert yaml.safe_load(head)["license"] == "other"
    assert {"config_name", "data_files"} == set(yaml.safe_load(head)["configs"][0])
    for wanted in (
        "**SIMULATED**: the images and captions of sim", "GPL-3.0 | see readme", "Nobody, chips, 2026",
        "COMPOSITE: targets pasted", "note: SIMULATED.", "COMPOSITE: in chips", "| t72 |", "| ship |", "CC0-1.0",
    ):  # fmt: skip
        assert wanted in body, wanted
    assert str(world.root) not in text


def test_data_docs_are_written_and_follow_the_inputs(world: World) -> None:
    world.source("chips", GOOD)
    validate_text("sar", params=world.params)
    page = docs.index("sar", params=world.params)
    assert page == paths.data_docs("sar") / "index.html"
    assert not page.is_relative_to(paths.text("sar"))
    made = page.stat().st_mtime_ns
    assert docs.index("sar", params=world.params).stat().st_mtime_ns == made
    html = "".join(path.read_text(encoding="utf-8") for path in page.parent.glob("validations/**/*.html"))
    assert "The bytes in the shard have the digest of the record." in html
    world.source("chips", [*GOOD, Shot("more.png")])
    assert docs.index("sar", params=world.params).stat().st_mtime_ns > made
    (paths.source_text("chips") / "captions.parquet").unlink()
    with pytest.raises(ValueError, match="does not exist"):
        docs.index("sar", params=world.params)


def test_data_docs_show_markup_in_captions_and_names_as_text(world: World) -> None:
    markup = "<script>alert(1)</script>"
    bad = [Shot(f"<img src=x onerror=alert({n})>.png", captions=[f"{markup} {{{n}}}"]) for n in range(3)]
    world.source("chips", [*GOOD, *bad])
    validate_text("sar", params=world.lenient())
    assert "caption_leftover" in str(quarantine())
    pages = list(docs.index("sar", params=world.params).parent.rglob("*.html"))
    shown = "".join(page.read_text(encoding="utf-8") for page in pages)
    assert "alert(1)" in shown, "the page shows what was wrong"
    assert markup not in shown
    assert "<img src=x" not in shown


def test_no_source_and_no_caption_are_clear_errors(world: World) -> None:
    with pytest.raises(ValueError, match="no source of modality optical"):
        validate_text("optical", params=world.params)
    world.source("chips", [Shot("a.png", captions=[])])
    with pytest.raises(ValueError, match="no caption of a sar image in chips"):
        validate_text("sar", params=world.params)
    world.source("seen", GOOD, text="optical")
    paths.source_groups("seen").unlink()
    with pytest.raises(ValueError, match="seen: not downloaded; run `dvc repro validate@sar`"):
        validate_text("sar", params=world.params)


def test_what_an_earlier_run_left_is_refused(world: World) -> None:
    """A dependency on a folder covers all that lies in it."""
    world.source("chips", GOOD)
    stranger = paths.sources_text("sar") / "left_behind"
    stranger.mkdir()
    with pytest.raises(ValueError, match=r"left_behind: of no source of this text.*delete it"):
        validate_text("sar", params=world.params)


def test_two_images_at_one_path_are_refused(world: World) -> None:
    deep = scene(1).astype(np.uint16) * 200
    world.source("chips", [Shot("a.png", pixels=deep, record={"high": [65535.0]}), Shot("a.png.png")])
    with pytest.raises(ValueError, match=r"a\.png\.png"):
        validate_text("sar", params=world.params)


def test_the_stage_loads_neither_torch_nor_great_expectations_before_it_runs() -> None:
    heavy = "{'torch', 'open_clip', 'great_expectations', 'pandas'}"
    code = f"import sys, tasks.validate.stage, tasks.validate.docs; print(sorted({heavy} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


@pytest.mark.parametrize(("address", "shown"), [
    ("file:///home/somebody/sets/ships.zip", "file://…/ships.zip"),
    ("git+file:///home/somebody/repository@" + "a" * 40 + "#data", "git+file://…/repository@" + "a" * 40 + "#data"),
    ("https://example.org/sets/ships.zip", "https://example.org/sets/ships.zip"),
])  # fmt: skip
def test_the_card_shows_no_path_of_somebodys_disk(world: World, address: str, shown: str) -> None:
    world.source("chips", GOOD, address=address)
    validate_text("sar", params=world.params)
    card = (paths.text("sar") / "README.md").read_text(encoding="utf-8")
    assert f"- address: {shown}\n" in card
    assert "somebody" not in card
