"""Captions of optical images → captions of a SAR image: what falls away, what stays, and the English after it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.narrate.claims import colour_words
from tasks.narrate.rewrite_rules import Rules, sar_caption, vocabulary

# (optical, SAR), all written for this test.
PAIRS = [
    ("three white boats are moored at a grey pier .", "Three boats are moored at a pier."),
    ("An aerial photo of an orange roof.", "A SAR image of a roof."),
    ("This is a high-resolution satellite image of a white airplane.", "This is a SAR image of an airplane."),
    ("the roofs are dark red and the lawn is bright green", "The roofs are visible and the lawn is visible."),
    ("many lush green trees stand on both sides of the river", "Many trees stand on both sides of the river."),
    ("two black and white buses cross a long bridge", "Two buses cross a long bridge."),
    ("large and green trees surround the round lake", "Large trees surround the round lake."),
    ("The color of the big lake is dark blue.", "The big lake is visible."),
    ("cars in different colors are parked in the left half", "Cars are parked in the left half."),
    ("houses with red roofs, some of them casting long shadows on the road.", "Houses with roofs."),
    ("a harbor partly covered by thin clouds", "A harbor."),
    ("On a sunny day, four tugs wait near the quay.", "Four tugs wait near the quay."),
    ("there are some blue-roofed sheds in the upper left of the picture .",
     "There are some sheds in the upper left of the SAR image."),
    ("It is a piece of green next to a pond.", "It is a piece of ground next to a pond."),
    ("A tanker sails on the Red Sea.", "A tanker sails on the Red Sea."),
    ("orange trees grow beside a yellow field", "Orange trees grow beside a field."),
    ("The forest is thick and dark green.", "The forest is thick."),
    ("Five planes stand on the apron. The sky is cloudy. Two of them are white.",
     "Five planes stand on the apron. Two of them are visible."),
]  # fmt: skip


@pytest.mark.parametrize(("optical", "sar"), PAIRS)
def test_what_radar_does_not_see_is_left_out_and_the_rest_stays(optical: str, sar: str) -> None:
    assert sar_caption(optical) == sar
    assert sar_caption(sar) == sar  # nothing more to do


@pytest.mark.parametrize("text", ["It is green.", "Blue, white and grey.", "a watermark in the corner", "", "   "])
def test_where_nothing_is_left_there_is_no_caption(text: str) -> None:
    assert sar_caption(text) == ""


def test_what_holds_of_radar_too_is_kept_word_for_word() -> None:
    for text in (
        "Two ships lie beside a harbor in the upper left.",
        "About 40% of the mapped area is water, and a bridge crosses it from left to right.",
        "A hospital, an hour's walk from a university, has an 8-shaped ramp.",
    ):
        assert sar_caption(text) == text


def test_one_rule_for_all_and_its_version() -> None:
    assert Rules().rule == f"pair.rules@{vocabulary().version}"
    assert Rules().rewrite(["a red car passes", "It is red."]) == ["A car passes.", ""]


NOUNS = ("tree", "ship", "roof", "river", "airplane", "orange boat", "field")
COLOURS = (
    "red",
    "dark green",
    "light blue",
    "grey and white",
    "yellowish",
    "silver",
    "black, white and red",
    "pale pink",
)
FRAMES = (
    "{n} {c} {o}s are near the {p}", "a {c} {o} is beside a {d} {p}", "the {o}s are {c} and {d} {p}s lie around",
    "the {p} is {c} with two {d} {o}s", "a {o} painted {c} in the {p}", "some {c} {o}s, {n} {p}s and a {d} {o}",
)  # fmt: skip


@given(
    st.sampled_from(FRAMES), st.sampled_from(NOUNS), st.sampled_from(NOUNS), st.sampled_from(COLOURS),
    st.sampled_from(COLOURS), st.sampled_from(("two", "many", "13", "several")),
)  # fmt: skip
def test_no_colour_stays_and_no_noun_or_number_goes(frame: str, o: str, p: str, c: str, d: str, n: str) -> None:
    text = frame.format(o=o, p=p, c=c, d=d, n=n)
    found = sar_caption(text)
    assert not colour_words(found)
    if found:
        for noun in {o.removeprefix("orange "), p.removeprefix("orange ")} | ({n} if "{n}" in frame else set()):
            assert noun in found.lower(), (text, found)
        assert not re.search(r"\ba [aeiou]|\ban [^aeiou]|  | [.,]|\b(?:and|with|of|a|the)[.,]", found), found
