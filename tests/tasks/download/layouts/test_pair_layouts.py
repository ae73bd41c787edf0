"""BRIGHT, QXS-SAROPT, SEN1-2 and OSdataset as their descriptions in sources/ read them."""

from pathlib import Path

import numpy as np
import pytest
from fakes import bright, geotiff, pairs
from fakes.drawing import save, speckle
from layout_project import make

from tasks import paths, records


def test_bright_damage_is_of_the_radar_image_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make(tmp_path, monkeypatch, "bright", bright.draw)
    project.pin()
    rows = project.download()
    assert len(rows) == 7
    name = bright.PAIRS[0]
    after, before = rows[f"post-event/{name}_post_disaster.tif"], rows[f"pre-event/{name}_pre_disaster.tif"]
    assert (after["modality"], before["modality"]) == ("sar", "optical")
    assert after["pair_id"] == before["pair_id"] == name
    assert before["regions"] is before["labelled_fraction"] is None
    # 0 says that there is no building: it is labelled, and shares are of the whole image.
    assert after["labelled_fraction"] == 1.0
    assert {region["class"]: region["fraction"] for region in after["regions"]} == {
        "background": 1110 / 1200,
        "destroyed_building": 30 / 1200,
        "intact_building": 60 / 1200,
    }
    assert {row["group"] for row in rows.values()} == {
        f"bright/{event}" for event in ("bata-explosion", "turkey-earthquake", "ukraine-conflict")
    }
    for row in (after, before):
        assert row["crs"] == "EPSG:32650"
        assert row["bounds"] == [bright.WEST, bright.NORTH - 15.0, bright.WEST + 20.0, bright.NORTH]
        assert (row["pixel_spacing_x_m"], row["pixel_spacing_y_m"]) == (bright.STEP_M, bright.STEP_M)


def test_bright_image_whose_partner_is_withheld_stands_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make(tmp_path, monkeypatch, "bright", bright.draw)
    alone = [item for item in project.items() if bright.WITHHELD in item.path]
    assert [(item.modality, item.pair_id) for item in alone] == [("sar", None)]
    assert alone[0].mask is not None
    # Where a user made the optical image, they are a pair again.
    geotiff.write(project.placed / f"pre-event/{bright.WITHHELD}_pre_disaster.tif", np.zeros((30, 40, 3), np.uint8))
    made = [item for item in project.items() if bright.WITHHELD in item.path]
    assert [(item.modality, item.pair_id) for item in made] == [("sar", bright.WITHHELD), ("optical", bright.WITHHELD)]


@pytest.mark.parametrize(
    ("gone", "said"),
    [
        ("pre-event/{}_pre_disaster.tif", "1 SAR image without its optical partner, the first {}"),
        ("post-event/{}_post_disaster.tif", "1 optical image without its SAR partner, the first {}"),
        ("target/{}_building_damage.tif", r"its mask target/{}_building_damage\.tif is missing"),
    ],
)
def test_bright_part_that_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gone: str, said: str) -> None:
    project = make(tmp_path, monkeypatch, "bright", bright.draw)
    (project.placed / gone.format(bright.PAIRS[1])).unlink()
    with pytest.raises(ValueError, match=said.format(bright.PAIRS[1])):
        project.items()


def test_bright_value_that_is_no_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make(tmp_path, monkeypatch, "bright", bright.draw)
    place = project.placed / f"target/{bright.PAIRS[1]}_building_damage.tif"
    geotiff.write(place, np.full((30, 40), 4, dtype=np.uint8))
    project.pin()
    with pytest.raises(ValueError, match=rf"{bright.PAIRS[1]}_building_damage\.tif: value 4 \(1200 px\)"):
        project.download()


def test_qxs_groups_are_blocks_of_consecutive_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def draw(root: Path) -> None:
        for number in (1, 499, 500, 20000):
            for folder in ("sar_256_oc_0.2", "opt_256_oc_0.2"):
                save(root / folder / f"{number}.png", speckle(16, 16, seed=number))

    project = make(tmp_path, monkeypatch, "qxs_saropt", draw)
    project.pin()
    rows = project.download()
    assert len(rows) == 8
    assert {row["pair_id"]: row["group"] for row in rows.values()} == {
        "1": "qxs_saropt/0-499",
        "499": "qxs_saropt/0-499",
        "500": "qxs_saropt/500-999",
        "20000": "qxs_saropt/20000-20499",
    }
    groups = records.read(paths.source_groups("qxs_saropt"))
    assert [row["group"] for row in groups] == ["qxs_saropt/0-499", "qxs_saropt/20000-20499", "qxs_saropt/500-999"]
    assert all(row["captions"] is row["boxes"] is row["regions"] is None for row in rows.values())


def test_sen12_groups_are_season_and_region(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make(tmp_path, monkeypatch, "sen12", pairs.draw_sen12)
    project.pin()
    rows = project.download()
    found = {(row["pair_id"], row["group"]) for row in rows.values()}
    assert found == {
        ("ROIs1158_spring_10_124", "sen12/ROIs1158_spring_10"),
        ("ROIs1158_spring_10_7", "sen12/ROIs1158_spring_10"),
        ("ROIs1868_summer_10_7", "sen12/ROIs1868_summer_10"),
    }
    assert len(rows) == 6
    radar = rows["ROIs1158_spring/s1_10/ROIs1158_spring_s1_10_p124.png"]
    optical = rows["ROIs1158_spring/s2_10/ROIs1158_spring_s2_10_p124.png"]
    assert (radar["modality"], optical["modality"]) == ("sar", "optical")
    assert radar["pair_id"] == optical["pair_id"]


def test_sen12_patch_without_partner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make(tmp_path, monkeypatch, "sen12", pairs.draw_sen12)
    (project.placed / "ROIs1868_summer/s2_10/ROIs1868_summer_s2_10_p7.png").unlink()
    with pytest.raises(ValueError, match="1 SAR image without its optical partner, the first ROIs1868_summer_10_7,"):
        project.items()


def test_osdataset_names_may_repeat_in_two_folders_and_their_pattern_is_an_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make(tmp_path, monkeypatch, "osdataset", pairs.draw_osdataset)
    assert project.source().role == "test"
    pairs_found = [(item.path, item.pair_id) for item in project.items()]
    assert pairs_found == [
        ("test/sar1.png", "test_1"),
        ("test/opt1.png", "test_1"),
        ("train/sar1.png", "train_1"),
        ("train/opt1.png", "train_1"),
    ]
    for split in ("train", "test"):  # as another edition might name them
        for kind in ("sar", "opt"):
            (project.placed / split / f"{kind}1.png").rename(project.placed / split / f"0001_{kind}.png")
    patterns = {kind: rf"(?P<folder>\w+)/(?P<number>\d+)_{kind[:3]}\.png" for kind in ("sar", "optical")}
    project.describe(reader=patterns)
    assert [item.pair_id for item in project.items()] == ["test_0001", "test_0001", "train_0001", "train_0001"]
