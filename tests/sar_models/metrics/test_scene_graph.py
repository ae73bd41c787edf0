import pytest

from sar_models.metrics.scene_graph import graph, statistic


@pytest.mark.parametrize(
    ("text", "tuples"),
    [
        ("two white ships near the harbor", [("ship", "two"), ("ship", "white"), ("ship", "near", "harbor")]),
        ("a man wearing a suit and tie", [("man", "wear", "suit"), ("man", "wear", "tie")]),
        ("cars parked on the street", [("car", "park on", "street")]),
        ("a road with trees and grass", [("road", "with", "tree"), ("road", "with", "grass")]),
        ("blue and white boat in front of a pier",
         [("boat", "blue"), ("boat", "white"), ("boat", "in front of", "pier")]),
        ("the trees in the background have brown leaves",
         [("tree", "in", "background"), ("tree", "have", "leaf"), ("leaf", "brown")]),
        ("the man's shirt is dark blue", [("man", "have", "shirt"), ("shirt", "dark"), ("shirt", "blue")]),
        ("The sea is calm. A large ship is moored.", [("sea", "calm"), ("ship", "large"), ("ship", "moor")]),
        ("grassland surrounded by buildings", [("grassland", "surround by", "building")]),
        ("dog is running", [("dog", "run")]),
        ("", []),
        ("in of the", []),
    ],
)  # fmt: skip
def test_tuples(text, tuples):
    objects = {(name,) for each in tuples for name in ((each[0], each[2]) if len(each) == 3 else each[:1])}
    assert graph(text) == {*tuples, *objects}


def value(said, references) -> float:
    found = statistic(said, references)
    return float(found.value(found.items.sum(axis=0)))


def test_the_score_by_hand():
    references = [["two ships near a pier", "a long pier"]]
    assert value(["two ships near a long pier"], references) == 1, "the tuples of all references count together"
    # ship, two ships; the references have ship, pier, two ships, ship near pier, long pier.
    assert value(["two ships"], references) == pytest.approx(2 * 2 / (2 + 5))
    assert value(["two aircraft"], references) == 0
    assert value(["", "two ships"], [["a ship"], ["two ships"]]) == 0.5
    assert value([""], [[""]]) == 0
