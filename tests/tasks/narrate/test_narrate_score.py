"""The three numbers of a text, counted by hand."""

import pytest
from narrate_cases import box, record, region

from tasks.narrate.score import ClaimScore, score, total

SHIPS = record(boxes=[box("ship", 20, 20), box("ship", 60, 30), box("harbor", 40, 60, 50, 40)])
MAP = record(
    regions=[region("water", 0.66, [0.66] * 9), region("tree", 0.30, [0.3] * 9), region("road", 0.04, [0.04] * 9)]
)


def test_a_true_text_is_all_support() -> None:
    found = score("A SAR image of two ships and a harbor.", SHIPS, exhaustive={"ship", "harbor"})
    assert found == ClaimScore(supported=2, recalled=2, recallable=2, objects=2)  # "SAR image" is not counted
    numbers = total([found])
    assert (numbers.claim_precision, numbers.claim_recall, numbers.unsupported_object_rate) == (1.0, 1.0, 0.0)


def test_contradicted_and_undecidable_are_told_apart() -> None:
    text = "Three ships and two aircraft are visible."
    closed = score(text, SHIPS, exhaustive={"ship", "aircraft"})
    assert (closed.supported, closed.contradicted, closed.undecidable) == (0, 2, 0)
    assert (closed.unsupported_objects, closed.undecidable_objects, closed.objects) == (1, 0, 2)
    open_ended = score(text, SHIPS, exhaustive=set())
    assert (open_ended.supported, open_ended.contradicted, open_ended.undecidable) == (0, 0, 2)  # there may be a third
    assert (open_ended.unsupported_objects, open_ended.undecidable_objects, open_ended.objects) == (0, 1, 2)
    fewer = score("A single ship.", SHIPS, exhaustive=set())
    assert fewer.contradicted == 1  # two are marked, whoever else may be there
    assert fewer.undecidable == 1  # "single": the source cannot say that there is no other


def test_what_is_denied_is_not_named() -> None:
    found = score("No ships are visible.", SHIPS, exhaustive={"ship"})
    assert (found.contradicted, found.objects, found.recalled, found.recallable) == (1, 0, 0, 2)
    assert score("No bridges are visible.", SHIPS, exhaustive={"bridge"}) == ClaimScore(supported=1, recallable=2)
    assert score("No bridges are visible.", SHIPS, exhaustive={"ship"}).undecidable == 1


def test_recall_counts_widest_classes_and_large_covers() -> None:
    jets = record(boxes=[box("a220", 20, 20), box("a330", 90, 90), box("ship", 200, 200)])
    assert score("Two aircraft.", jets, exhaustive=()).recallable == 2
    assert score("An A220 aircraft.", jets, exhaustive=()).recalled == 1
    assert score("Water and roads.", MAP, exhaustive=()) == ClaimScore(
        supported=2, recalled=1, recallable=2, objects=2
    )  # roads are there, but below 5 % nobody needs to tell of them
    assert score("A tank.", record(label="t72"), exhaustive=()).recalled == 1


def test_a_narrower_class_than_annotated_cannot_be_settled() -> None:
    plane = record(boxes=[box("aircraft", 20, 20)])
    found = score("An A330 aircraft.", plane, exhaustive={"aircraft"})
    assert (found.undecidable, found.contradicted, found.undecidable_objects) == (1, 0, 1)


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("The ships are about 100 m long.", SHIPS), ("A Sentinel-1 image.", SHIPS), ("Water covers about 40%.", SHIPS),
        ("The resolution is 3 m.", SHIPS), ("The ships lie in the north-west.", SHIPS),
        ("The ship is oriented horizontally.", SHIPS), ("The ships have a heading of 40 degrees.", SHIPS),
        ("The ship is 12 m wide.", SHIPS), ("Water runs through the image from left to right.", SHIPS),
        ("A patchwork of fields.", SHIPS), ("A shoreline.", SHIPS), ("Three trees.", MAP),
    ],
)  # fmt: skip
def test_what_the_annotation_does_not_tell_is_undecidable(text: str, row: dict) -> None:
    found = score(text, row, exhaustive={"ship", "harbor"})
    assert found.undecidable >= 1, found


def test_totals_are_over_all_claims() -> None:
    numbers = total(
        [
            score("Two ships.", SHIPS, exhaustive={"ship"}),
            score("Three ships. Two harbors.", SHIPS, exhaustive={"ship", "harbor"}),
        ]
    )
    assert numbers.claim_precision == pytest.approx(1 / 3)
    assert numbers.counts.contradicted == 2
    nothing = total([])
    assert (nothing.claim_precision, nothing.claim_recall, nothing.unsupported_object_rate) == (None, None, None)
    assert nothing.counts == ClaimScore()
