"""The guard over both rewriters: what it refuses, what takes the place of what is refused, and the counts of it."""

from collections.abc import Sequence

import pytest

from tasks.narrate.rewrite import Counts, count, guard, rewrite
from tasks.narrate.rewrite_rules import sar_caption


class Fixed:
    """A rewriter with its answers written down."""

    rule = "pair.fixed@1"

    def __init__(self, answers: dict[str, str]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def rewrite(self, captions: Sequence[str]) -> list[str]:
        self.asked += captions
        return [self.answers[caption] for caption in captions]


@pytest.mark.parametrize(
    ("original", "text", "reason"),
    [
        ("Two white ships lie near a harbor.", "Two ships lie near a harbor.", None),
        ("Two white ships lie near a harbor.", "In the SAR image, two ships lie near a harbor.", None),
        ("Three white ships are on the sea.", "Some ships are on the sea.", None),  # vaguer, and still true
        ("Two white ships lie near a harbor.", "Three ships lie near a harbor.", "adds_a_claim"),
        ("Two white ships are here.", "Two ships and a bridge are here.", "adds_a_claim"),
        ("Two white ships are here.", "Two ships are in the upper left.", "adds_a_claim"),
        ("Two white ships are here.", "Two white ships are here.", "keeps_a_colour"),
        ("Two white ships pass a windmill.", "There is a windmill.", "loses_the_object"),
        ("Two white ships are here.", "", "nothing_left"),
        ("Two white ships are here.", "Two ships are here.\nAs asked, no colours.", "nothing_left"),
        ("A red windmill turns.", "A windmill turns.", None),  # a class that the vocabulary does not know
        ("A red windmill turns slowly beside its shed.", "Lorem ipsum dolor.", "loses_the_object"),
        ("Two white ships.", "Two ships " + "and so on " * 9, "adds_a_claim"),
        ("a red and white ship", "A ship.", None),  # "a" belongs to the ship, not to the colours
    ],
)
def test_guard(original: str, text: str, reason: str | None) -> None:
    assert guard(original, text, plain=sar_caption(original)) == reason


def test_the_rules_take_the_place_of_what_is_refused_and_the_share_is_told() -> None:
    answers = {
        "Two white ships lie near a harbor.": "Two ships lie near a harbor.",
        "One red bridge is here.": "One red bridge is here.",
        "Four grey aircraft are here.": "Nine aircraft are here.",
        "It is green.": "Everything is green.",
    }
    by = Fixed(answers)
    found = rewrite([*answers, "One red bridge is here."], by=by)
    assert by.asked == list(answers)  # each text once
    assert [(each.text, each.rule.split("@")[0], each.refused) for each in found] == [
        ("Two ships lie near a harbor.", "pair.fixed", None),
        ("One bridge is here.", "pair.rules", "keeps_a_colour"),
        ("Four aircraft are here.", "pair.rules", "adds_a_claim"),
        ("", "pair.rules", "keeps_a_colour"),
        ("One bridge is here.", "pair.rules", "keeps_a_colour"),
    ]
    counts = count(found)
    assert counts == Counts(4, {"adds_a_claim": 1, "keeps_a_colour": 2}, 1)
    assert counts.refused_share == 0.75
