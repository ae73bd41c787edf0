"""Captions at the gate: every planted fault is found under its own name; what people wrote is kept as it stands."""

import json

import pytest
from validate_world import GOOD, TRUE, Shot, World, passed, quarantine

from tasks import paths
from tasks.validate import suites
from tasks.validate.stage import validate_text

CAPTION_FAULTS = [
    ("caption_length", "Tank.", "1 words; allowed are 2 to 120"),
    ("caption_characters", "A T-72 tank\u2028is there.", r"\u2028"),
    ("caption_characters", "A T-72 tank\u0085is there.", r"\x85"),
    ("caption_characters", "A T-72 tank\r\nis there.", r"\r\n"),
    ("caption_characters", "A T-72 tank\tis there.", r"\t"),
    ("caption_characters", "A T-72 tank\x0cis there.", r"\x0c"),
    ("caption_characters", "A T-72 tank\u200bis there.", r"\u200b"),
    ("caption_characters", "A T-72 tank is there \ufffd.", r"\ufffd"),
    ("caption_leftover", "A {label} is there.", "{label}"),
    ("caption_leftover", "A T-72 tank, length None m.", "None"),
    ("caption_leftover", "A T-72 tank, length nan m.", "nan"),
    ("caption_leftover", "A T-72 tank_2 is there.", "tank_2"),
    ("caption_leftover", "An <unk> tank.", "<unk>"),
    ("caption_leftover", "A T-72 tank, length %s m.", "%s"),
    ("caption_spaces", "A T-72  tank is there.", "T-72  tank"),
    ("caption_spaces", "A T-72 tank is there. ", "there. "),
    ("caption_colour", "A green T-72 tank is there.", "green"),
    ("caption_claims", "Three bridges cross the river.", "bridge"),
]


def test_every_caption_fault_has_its_reason_and_detail(world: World) -> None:
    shots = [Shot(f"bad_{n:02}.png", captions=[TRUE, text]) for n, (_, text, _) in enumerate(CAPTION_FAULTS)]
    fine = ["None of the tanks is far: a T-72 tank.", "A T-72 tank (T-72), at 100% zoom; “seen”, as one says."]
    world.source("chips", [*shots, Shot("fine.png", captions=fine, route="given")])
    summary = validate_text("sar", params=world.lenient())
    found = quarantine()
    assert {key: reason for key, (reason, _) in found.items()} == {
        f"chips/bad_{n:02}.png#c1": reason for n, (reason, _, _) in enumerate(CAPTION_FAULTS)
    }
    for n, (_, _, detail) in enumerate(CAPTION_FAULTS):
        assert detail in found[f"chips/bad_{n:02}.png#c1"][1]
    assert summary.captions == 2 * len(CAPTION_FAULTS) + 2 == len(passed()) + len(found)


def test_expectation_that_cannot_be_computed_stops_the_stage(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suites, "FORBIDDEN", "[")
    world.source("chips", GOOD)
    with pytest.raises(RuntimeError, match=r"caption_characters could not be computed: .*unterminated"):
        validate_text("sar", params=world.lenient())


def test_caption_without_a_record_is_refused(world: World) -> None:
    world.source("chips", GOOD)
    world.add_caption("chips", record_id="chips/gone.png", caption_id="chips/gone.png#c0", text="A tank there.",
                      route="chip")  # fmt: skip
    validate_text("sar", params=world.lenient())
    assert quarantine() == {"chips/gone.png#c0": ("caption_record", "records.parquet has no chips/gone.png")}


def test_model_text_trains_but_never_tests(world: World) -> None:
    world.source("written", [Shot("a.png", route="model", split="train"), Shot("b.png", route="model", split="test"),
                             Shot("c.png", split="test"), Shot("v.png", route="model", split="val")])  # fmt: skip
    validate_text("sar", params=world.lenient())
    assert {key: reason for key, (reason, _) in quarantine().items()} == {"written/b.png#c0": "caption_model_in_test"}
    assert sorted(row["record_id"] for row in passed()) == ["written/a.png", "written/c.png", "written/v.png"]


def test_style_of_given_captions_is_counted_and_kept(world: World) -> None:
    given = ["some planes  are parked", "some planes  are parked", "a t_junction beside a pond", "fine planes"]
    world.source("chips", [*GOOD, Shot("twice.png", captions=[TRUE, TRUE])])
    world.source("told", [Shot("told.png", captions=given, route="given", label=None)])
    validate_text("sar", params=world.lenient())
    assert quarantine() == {"chips/twice.png#c1": ("caption_repeated", "same text as chips/twice.png#c0")}
    assert [row["text"] for row in passed() if row["source"] == "told"] == given
    measured = json.loads(paths.metrics("validate_sar").read_text())
    assert measured["sources"]["told"]["warnings"] == {"given_repeated": 1, "given_spaces": 2, "given_leftover": 1}
    assert measured["sources"]["chips"]["warnings"] == {}


def test_given_captions_are_refused_for_what_breaks_tools(world: World) -> None:
    given = ["", "two planes", "some\x0cplanes", "green planes"]
    world.source("told", [Shot("told.png", captions=given, route="given", label=None)])
    validate_text("sar", params=world.lenient())
    assert {key: reason for key, (reason, _) in quarantine().items()} == {
        "told/told.png#c0": "caption_length",
        "told/told.png#c2": "caption_characters",
        "told/told.png#c3": "caption_colour",
    }


def test_captions_of_the_other_modality_do_not_enter_and_are_counted(world: World) -> None:
    world.source("pairs", [*GOOD, Shot("s2/a.png", modality="optical", captions=["a red roof"], label=None)])
    summary = validate_text("sar", params=world.params)
    assert summary.captions == 8
    assert (
        json.loads(paths.metrics("validate_sar").read_text())["sources"]["pairs"]["captions_of_the_other_modality"] == 1
    )


def test_optical_text_may_name_colours(world: World) -> None:
    world.source("seen", [Shot("a.png", modality="optical", route="given", label=None,
                               captions=["green trees around a white roof"])], text="optical")  # fmt: skip
    assert validate_text("optical", params=world.params).quarantined == 0
