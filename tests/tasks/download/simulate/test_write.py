"""Whole simulated sources: the real layouts, read by the real readers; equal bytes whatever the workers."""

import hashlib
import itertools
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tasks import paths
from tasks.download import catalog
from tasks.download.formats import Item
from tasks.download.read import reader
from tasks.download.simulate import boxes
from tasks.download.simulate.scene import OBJECTS, Scene, scene
from tasks.download.simulate.write import write_source

SOURCES = ("sim_ships", "sim_aircraft", "sim_landcover", "sim_pairs", "sim_optical")
SCENES = 24


def small(name: str, **changes: int) -> catalog.Source:
    source = catalog.load(name)
    assert source.simulate is not None
    source = replace(source, simulate=replace(source.simulate, scenes=SCENES, **changes))
    object.__setattr__(source, "name", name)
    return source


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[catalog.Source, Path, list[Item]]]:
    result = {}
    for name in SOURCES:
        source, folder = small(name), tmp_path_factory.mktemp("simulated") / name
        write_source(source, folder, processes=1)
        result[name] = (source, folder, list(reader(source.format)(folder, source)))
    return result


def place_of(source: catalog.Source, item: Item) -> Scene:
    match = re.search(source.grouping.pattern, item.path)
    assert match is not None
    assert source.simulate is not None
    return scene(int(match["group"]), world=source.simulate.world, seed=source.simulate.seed, size_px=256)


@pytest.mark.parametrize("name", SOURCES)
def test_the_real_reader_meets_every_scene(written: dict, name: str) -> None:
    source, folder, items = written[name]
    assert len(items) == SCENES * (2 if name == "sim_pairs" else 1)
    for item in items:
        with Image.open(folder / item.path) as image:
            assert image.size == (256, 256)
        assert item.modality == ("optical" if name == "sim_optical" or "/opt" in "/" + item.path else "sar")
        place_of(source, item)


@pytest.mark.parametrize("name", ["sim_ships", "sim_aircraft", "sim_pairs"])
def test_boxes_read_back_are_those_of_the_scene(written: dict, name: str) -> None:
    source, _, items = written[name]
    total = 0
    for item in items:
        kinds = {"sim_ships": ("ship",), "sim_aircraft": ("aircraft",)}.get(name, OBJECTS)
        notes = [note for note in boxes.annotations(place_of(source, item)) if note.thing.kind in kinds]
        assert item.boxes is not None
        assert [box.name for box in item.boxes] == [note.thing.look if name == "sim_aircraft" else note.thing.kind
                                                    for note in notes]  # fmt: skip
        total += len(notes)
        for box, note in zip(item.boxes, notes, strict=True):
            if name == "sim_pairs":
                assert (box.x, box.y, box.w, box.h, box.angle_deg) == note.rotated
            else:  # whole px in VOC
                found, expected = np.array([box.x, box.y, box.x + box.w, box.y + box.h]), np.array(note.bounds)
                expected[2:] += expected[:2]
                assert np.abs(found - expected).max() <= (1.0 if name == "sim_aircraft" else 0.011)
                assert found.min() >= 0
                assert found.max() <= 256
    assert total > 20


@pytest.mark.parametrize("name", ["sim_landcover", "sim_pairs"])
def test_masks_read_back_are_those_of_the_scene(written: dict, name: str) -> None:
    source, _, items = written[name]
    names = sorted(set(source.classes.values()))
    values = {int(key): names.index(value) + 1 for key, value in source.classes.items() if key.isdecimal()} | {0: 0}
    for item in items[:8]:
        assert item.mask is not None
        expected = np.vectorize(values.get)(place_of(source, item).mask())
        assert np.array_equal(item.mask(), expected)


def test_sixteen_bit_land_cover_and_eight_bit_elsewhere(written: dict) -> None:
    for name in ("sim_ships", "sim_aircraft", "sim_landcover", "sim_pairs"):
        source, folder, items = written[name]
        pixels = np.asarray(Image.open(folder / items[0].path))
        assert pixels.dtype == (np.uint16 if source.simulate.bit_depth == 16 else np.uint8)
        shown = (pixels / source.radiometry.high[0]).clip(0, 1)
        assert 0.02 < np.median(shown) < 0.5, "the declared range shows the picture neither black nor white"


def test_captions_and_their_files(written: dict) -> None:
    _, folder, items = written["sim_optical"]
    assert all(item.captions is not None and len(item.captions) == 5 for item in items)
    assert {item.split for item in items} == {"train", "test"}
    lines = {name: (folder / name).read_text().count("\n") for name in
             ("train_caps.txt", "train_filename.txt", "test_caps.txt", "test_filename.txt")}  # fmt: skip
    assert lines["train_caps.txt"] == 5 * lines["train_filename.txt"], "train names each image once"
    assert lines["test_caps.txt"] == lines["test_filename.txt"], "test names it for each caption"


def test_pairs_share_group_and_place(written: dict) -> None:
    source, folder, items = written["sim_pairs"]
    by_pair: dict[str, list[Item]] = {}
    for item in items:
        assert item.pair_id is not None
        by_pair.setdefault(item.pair_id, []).append(item)
    for sar, optical in by_pair.values():
        assert (sar.modality, optical.modality) == ("sar", "optical")
        assert sar.boxes == optical.boxes
        assert place_of(source, sar).number == place_of(source, optical).number
        assert Image.open(folder / optical.path).mode == "RGB"
    line = json.loads((folder / "scenes.jsonl").read_text().splitlines()[0])
    assert set(line) == {"pair", "boxes"}


def test_splits_stand_in_the_annotation_files(written: dict) -> None:
    for name, splits in (("sim_ships", {"train", "test"}), ("sim_aircraft", {"train", "val", "test"})):
        assert {item.split for item in written[name][2]} == splits


def digest(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*")) if path.is_file()}  # fmt: skip


def test_two_processes_write_the_same_bytes_as_one(written: dict, tmp_path: Path) -> None:
    source, folder, _ = written["sim_pairs"]
    write_source(source, tmp_path / "again", processes=2)
    assert digest(tmp_path / "again") == digest(folder)


def test_another_seed_gives_other_images(written: dict, tmp_path: Path) -> None:
    write_source(small("sim_ships", seed=2), tmp_path / "other", processes=1)
    before, after = digest(written["sim_ships"][1]), digest(tmp_path / "other")
    images = [name for name in before if name.endswith(".jpg")]
    assert set(images) <= set(after)
    assert all(before[name] != after[name] for name in images)


def test_default_sources_do_not_overlap_and_have_test_images() -> None:
    ranges = []
    for name in SOURCES:
        settings = catalog.load(name, path=paths.source_file(name)).simulate
        assert settings is not None
        ranges.append(range(settings.first_scene, settings.first_scene + settings.scenes))
        assert settings.scenes // 5 >= 80
    ranges.sort(key=lambda numbers: numbers.start)
    assert all(before.stop <= after.start for before, after in itertools.pairwise(ranges))
    assert all("SIMULATED" in catalog.load(name).title for name in SOURCES)


def test_mistakes_are_named(tmp_path: Path) -> None:
    source = small("sim_ships")
    (tmp_path / "there").write_text("x")
    with pytest.raises(ValueError, match="is not empty; give a new folder"):
        write_source(source, tmp_path)
    none = replace(source, simulate=replace(source.simulate, looks=0))
    with pytest.raises(ValueError, match="at least 1 of scenes and looks"):
        write_source(none, tmp_path / "new")
    real = replace(source, address="https://example.org/x.zip", simulate=None)
    with pytest.raises(ValueError, match="not a simulated source"):
        write_source(real, tmp_path / "new")
