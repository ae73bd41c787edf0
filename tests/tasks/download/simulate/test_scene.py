"""Scene descriptions: deterministic, sensible, annotated exactly."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tasks.download.simulate import boxes
from tasks.download.simulate.canvas import GROUND
from tasks.download.simulate.scene import BUILDING, THEMES, WATER, Scene, margin_px, scene, theme_of

NUMBERS = range(1, 61)


def scenes(world: str = "pairs") -> list[Scene]:
    return [scene(number, world=world, seed=3, size_px=256) for number in NUMBERS]


def test_equal_arguments_give_the_equal_scene_and_others_do_not() -> None:
    first, again, other = (scene(7, world="pairs", seed=seed, size_px=256) for seed in (3, 3, 4))
    assert first.things == again.things
    assert np.array_equal(first.cover, again.cover)
    assert np.array_equal(first.relief, again.relief)
    assert not np.array_equal(first.relief, other.relief)


def test_worlds_that_know_the_theme_show_the_same_place_under_the_same_number() -> None:
    shared = 0
    for number in NUMBERS:
        assert theme_of(number, world="pairs", seed=3) == theme_of(number, world="optical", seed=3)
        if theme_of(number, world="optical", seed=3) in THEMES["ships"]:
            everywhere, ships = (scene(number, world=world, seed=3, size_px=256) for world in ("optical", "ships"))
            assert everywhere.things == ships.things
            shared += 1
    assert shared > 5


def test_every_theme_of_a_world_occurs() -> None:
    for world, themes in THEMES.items():
        assert {theme_of(number, world=world, seed=3) for number in range(300)} == set(themes)


def test_things_stand_on_ground_that_suits_them_and_inside_the_image() -> None:
    kinds = set()
    for place in scenes():
        for thing in place.annotated():
            kinds.add(thing.kind)
            if thing.kind in ("bridge", "harbor"):
                continue
            ground = place.cover[_pixels(place, thing.outline())]
            allowed = [int(np.isin(ground, GROUND[thing.kind]).sum()), ground.size]
            assert allowed[0] >= 0.97 * allowed[1], f"scene {place.number}: {thing}"
            corners = np.concatenate(thing.outline()) - place.margin_px
            assert corners.min() >= 0
            assert corners.max() <= place.size_px
    assert kinds == {"ship", "aircraft", "vehicle", "storage_tank", "bridge", "harbor"}


def test_bridges_span_water_from_bank_to_bank() -> None:
    found = 0
    for place in scenes("ships"):
        for thing in place.annotated():
            if thing.kind == "bridge":
                beside = _pixels(place, [thing.outline()[0] + (20 * _across(thing.angle_deg))])
                assert (place.cover[beside] == WATER).mean() > 0.5
                found += 1
    assert found > 3


def _across(angle_deg: float) -> np.ndarray:
    turned = np.radians(angle_deg + 90)
    return np.array([np.cos(turned), np.sin(turned)])


def test_things_do_not_stand_in_each_other() -> None:
    for place in scenes():
        count = np.zeros(place.cover.shape, np.uint8)
        for thing in place.annotated():
            if thing.kind not in ("harbor", "bridge", "vehicle"):
                count[_pixels(place, thing.outline())] += 1
        assert (count > 1).sum() < 4


def _pixels(place: Scene, outline: list[np.ndarray]) -> np.ndarray:
    layer = Image.new("1", place.cover.shape[::-1])
    for polygon in outline:
        ImageDraw.Draw(layer).polygon(polygon.ravel().tolist(), fill=1)
    return np.asarray(layer)


def test_boxes_are_inside_the_image_and_around_the_drawn_body() -> None:
    for place in scenes():
        for note in boxes.annotations(place):
            x, y, w, h = note.bounds
            assert min(x, y) >= 0
            assert max(x + w, y + h) <= place.size_px
            rows, columns = np.nonzero(place.crop(_pixels(place, note.thing.outline())))
            drawn = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
            assert np.abs(drawn - (x, y, x + w, y + h)).max() <= 1.5, note
            rx, ry, rw, rh, angle = note.rotated
            assert rw > 0
            assert rh > 0
            assert angle is None or 0 <= angle < 180
            if angle is not None:
                centre = (rx + rw / 2, ry + rh / 2)
                assert centre == pytest.approx(
                    (note.thing.x - place.margin_px, note.thing.y - place.margin_px), abs=0.02
                )


def test_masks_hold_ground_and_leave_out_what_hides_it() -> None:
    for place in scenes()[:25]:
        mask = place.mask()
        assert mask.shape == (256, 256)
        assert mask.max() <= 8
        hidden = np.zeros(place.cover.shape, bool)
        for thing in place.annotated():
            if thing.kind not in ("bridge", "harbor"):
                hidden |= _pixels(place, thing.outline())
        hidden = place.crop(hidden)
        assert np.array_equal(mask == 0, hidden)
        assert np.array_equal(mask[~hidden], place.crop(place.cover)[~hidden])
    assert any((place.mask() == BUILDING).any() for place in scenes()[:25])


def test_margin_keeps_side_lobes_apart() -> None:
    assert margin_px(256) == 7
    assert margin_px(512) >= 7


def test_small_images_are_refused() -> None:
    with pytest.raises(ValueError, match="size_px of at least 192"):
        scene(1, world="pairs", seed=1, size_px=128)
