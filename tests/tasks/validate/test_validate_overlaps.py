"""Planted crops of simulated images are found whatever was done to them; different scenes and other dates are not."""

from itertools import product
from typing import Any

import numpy as np
import pytest
from overlap_cases import image, jpeg, resized, simulated, turned
from validate_world import Shot, World, quarantine

from tasks.validate import matching, overlaps
from tasks.validate.matching import Collection, Placement
from tasks.validate.overlaps import Found
from tasks.validate.registration import register
from tasks.validate.stage import validate_text


def find(*images: dict[str, Any]) -> Found:
    return overlaps.find(images, picture=lambda row: row["pixels"])


@pytest.fixture(scope="module")
def collection() -> list[dict[str, Any]]:
    """Test images, what was made of them, and strangers."""
    images = [image(f"known/{n}.png", "test", simulated(n)) for n in range(8)]
    for turn in range(8):
        scale, quality = (0.5, 0.7, 1.0, 1.5)[turn % 4], (75, 85, 95)[turn % 3]
        crop = simulated(turn)[40:330, 20:320]  # 59 %
        changed = jpeg(turned(resized(crop, scale), turn), quality=quality)
        images.append(image(f"mix/{turn:06}.jpg", "train", changed))
    images += [image(f"mix/other{n}.jpg", "train", simulated(100 + n)) for n in range(8)]
    return images


def test_turned_resized_and_reencoded_crops_yield_to_test(collection: list[dict[str, Any]]) -> None:
    found = find(*collection)
    assert {name: detail.split(" is in ")[1].split()[0] for name, detail in found.overlaps.items()} == {
        f"mix/{n:06}.jpg": f"known/{n}.png" for n in range(8)
    }
    assert "turned by 90° anticlockwise, resized by 1.00" in found.overlaps["mix/000006.jpg"]
    assert found.same_place == {}


def test_order_decides_nothing(collection: list[dict[str, Any]]) -> None:
    assert find(*collection[::-1]) == find(*collection)


@pytest.mark.parametrize("turn", range(8))
def test_the_placement_is_the_one_that_was_made(turn: int) -> None:
    whole = simulated(3)
    part = turned(resized(whole[50:350, 30:380], 0.8), turn)
    both = Collection.of([image("a", "test", whole)["landmarks"], image("b", "train", part)["landmarks"]], ranks=[2, 0])
    (candidate,) = matching.candidates(both)
    placement = candidate.placement
    assert (candidate.copy, candidate.other) == (1, 0)
    assert placement.scale == pytest.approx(1 / 0.8, abs=0.02)
    corners = np.array(list(product((0.0, part.shape[1]), (0.0, part.shape[0]))))
    x, y = matching.turned(corners[:, 0], corners[:, 1], placement.turn)
    x, y = placement.scale * x + placement.shift_x_px, placement.scale * y + placement.shift_y_px
    assert (x.min(), x.max(), y.min(), y.max()) == pytest.approx((30, 380, 50, 350), abs=4)


@pytest.mark.parametrize("part", [1, 3])
def test_matches_may_be_looked_at_some_images_at_a_time(
    collection: list[dict[str, Any]], part: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    ranks = [int(image["split"] == "test") for image in collection]
    whole = Collection.of([image["landmarks"] for image in collection], ranks=ranks)
    at_once = matching.candidates(whole)
    monkeypatch.setattr(matching, "PART", part)
    assert len(at_once) >= 8
    assert matching.candidates(whole) == at_once


@pytest.mark.parametrize("error", [0.97, 1.04])
def test_a_scale_off_by_some_per_cent_is_put_right(error: float) -> None:
    """Three landmarks tell no better, and then only the middle of the two pictures fits."""
    whole = simulated(4)[..., np.newaxis]
    off_px = (1 - error) * 384 / 2
    found = register(whole, whole, Placement(0, error, off_px, off_px))
    assert found is not None
    assert found.kind == "copy"
    assert found.correlation > 0.8


def test_neighbours_that_overlap_by_a_third(collection: list[dict[str, Any]]) -> None:
    wide = simulated(7, size_px=720)
    left, right = wide[:390, :390], wide[:390, 260:650]
    found = find(image("sheet/left", "test", left), image("mix/right", "train", right), *collection)
    assert found.overlaps["mix/right"].startswith("33 %")


def test_the_same_place_on_another_date_is_no_copy() -> None:
    worlds = ("ships", "landcover", "landcover", "aircraft", "pairs")
    images = [image(f"first/{n}", "test", simulated(n, world=world)) for n, world in enumerate(worlds)]
    images += [image(f"second/{n}", "train", simulated(n, world=world, again=True)) for n, world in enumerate(worlds)]
    found = find(*images)
    assert found.overlaps == {}
    assert found.same_place
    assert all(name.split("/")[1] == place.split("/")[1] for name, place in found.same_place.items())


def test_different_scenes_are_never_the_same() -> None:
    """Laid over each other in every way, not only where landmarks propose it."""
    pictures = [simulated(n, size_px=256)[..., np.newaxis] for n in range(200, 206)]
    for a, b in product(pictures, pictures):
        if a is not b:
            for turn in (0, 3):
                shift = 256.0 if turn else 0.0
                assert register(a, b, Placement(turn, 1.0, shift, shift)) is None


def test_val_that_yields_to_test_refuses_no_train_image() -> None:
    wide = simulated(9, size_px=640)
    test, val, train = (image(name, name, wide[:, a:b]) for name, a, b in
                        (("test", 0, 300), ("val", 150, 450), ("train", 310, 640)))  # fmt: skip
    assert set(find(test, val, train).overlaps) == {"val"}
    assert set(find(val, train).overlaps) == {"train"}


def test_empty_small_and_unreadable_images_resemble_nothing() -> None:
    flat = np.full((300, 300), 90, dtype=np.uint8)
    images = [image("a", "train", flat), image("b", "test", flat), image("c", "test", simulated(1)[:20, :20])]
    assert find(*images, {"record_id": "d", "split": "train", "landmarks": None}) == Found()
    assert find() == Found()


def test_likeness_within_a_split_is_no_leak() -> None:
    assert find(image("a", "train", simulated(1)), image("b", "train", simulated(1)[:300, :300])) == Found()


def test_the_gate_refuses_the_training_crop_and_counts_it(world: World) -> None:
    whole = simulated(2)
    crop = jpeg(turned(whole[30:330, 60:360], 5), quality=80)
    world.source("known", [Shot("a.png", pixels=whole, split="test"), Shot("v.png", split="val")])
    world.source("mix", [Shot("000001.png", pixels=crop, split="train"), Shot("000002.png", split="train")])
    validate_text("sar", params=world.lenient())
    images = {key: value for key, value in quarantine().items() if "#" not in key}
    assert list(images) == ["mix/000001.png"]
    reason, detail = images["mix/000001.png"]
    assert reason == "image_overlap"
    assert "100 % of it, turned by 90° clockwise, resized by 1.00, is in known/a.png" in detail
