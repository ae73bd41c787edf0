"""Only sources whose licence is known to allow the use; unknown is not allowed."""

import dataclasses
import json

import pytest
from validate_world import Shot, World, quarantine, scene

from tasks import paths, records
from tasks.params import Params
from tasks.validate.stage import validate_text

GOOD = [Shot(f"{n}.png") for n in range(3)]


def params(world: World, use: str) -> Params:
    """Under these the stage stops where a quarter of a source is refused, unless for its licence."""
    lenient = world.lenient(0.25)
    return dataclasses.replace(lenient, validate=dataclasses.replace(lenient.validate, licence_use=use))


@pytest.fixture
def text(world: World) -> World:
    same = scene(99)
    world.source("free", [*GOOD, Shot("copy.png", pixels=same, split="train"), Shot("val.png", split="val")],
                 licence="Apache-2.0", allows=["research", "commercial", "redistribution"])  # fmt: skip
    world.source("research", [*GOOD, Shot("test.png", pixels=same, split="test")],
                 licence="CC BY-NC 4.0", allows=["research", "redistribution"])  # fmt: skip
    world.source("unknown", GOOD, licence="none stated")
    return world


@pytest.mark.parametrize(
    ("use", "stay"),
    [("any", {"free", "research", "unknown"}), ("research", {"free", "research"}), ("commercial", {"free"}),
     ("redistribution", {"free", "research"})],
)  # fmt: skip
def test_the_set_is_built_of_what_is_allowed(text: World, use: str, stay: set[str]) -> None:
    summary = validate_text("sar", params=params(text, use))
    rows = [row for split in ("train", "val", "test") for row in records.read(paths.text("sar") / f"{split}.parquet")]
    assert {row["source"] for row in rows} == stay
    refused = {key: value for key, value in quarantine().items() if value[0] == "licence_use"}
    assert {key.split("/")[0] for key in refused} == {"free", "research", "unknown"} - stay
    assert summary.captions == len(rows) + summary.quarantined
    if use == "commercial":
        assert refused["research/0.png"][1] == (
            "the licence of research is not known to allow commercial use: CC BY-NC 4.0"
        )


def test_what_is_left_out_costs_no_copy(text: World) -> None:
    """With the test set left out, its copy in training is no leak."""
    validate_text("sar", params=params(text, "commercial"))
    assert "free/copy.png" not in quarantine()
    validate_text("sar", params=text.lenient())
    assert quarantine()["free/copy.png"][0] == "image_copy"


def test_nothing_left_is_a_clear_error(world: World) -> None:
    world.source("unknown", GOOD)
    with pytest.raises(ValueError, match=r"no caption is left \(validate.licence_use is commercial\)"):
        validate_text("sar", params=params(world, "commercial"))


def test_the_card_says_what_would_drop_out(text: World) -> None:
    validate_text("sar", params=text.lenient())
    card = (paths.text("sar") / "README.md").read_text(encoding="utf-8")
    assert "- research: unknown\n- commercial: research, unknown\n- redistribution: unknown\n" in card
    assert "| research | CC BY-NC 4.0 | yes | not known | yes |" in card
    described = json.loads((paths.text("sar") / "croissant.json").read_text())
    assert described["license"] == ["Apache-2.0", "CC BY-NC 4.0", "none stated"]


def test_an_unknown_use_is_a_clear_error(world: World) -> None:
    with pytest.raises(ValueError, match=r"allows.*'fun'; choose one of research, commercial, redistribution"):
        world.source("odd", GOOD, allows=["fun"])
