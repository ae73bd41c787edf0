"""Groups, votes and growth."""

from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from validate_world import REPOSITORY, Shot, World

from tasks.params import Split
from tasks.validate import split

SETTINGS = Split(val=0.1, test=0.2, seed=7)
NAMES = ("both", "train", "test")
SOURCES: dict[str, Any] = {name: SimpleNamespace(name=name, role=name) for name in NAMES} | {
    name: SimpleNamespace(name=name, role="both") for name in ("own", "own_with_val")
}


def rows(*triples: tuple[str, str, str | None]) -> list[dict[str, Any]]:
    return [
        {"source": source, "role": SOURCES[source].role, "group": group, "split": given_split}
        for source, group, given_split in triples
    ]


def assign(*triples: tuple[str, str, str | None]) -> dict[str, str]:
    return split.assign(rows(*triples), settings=SETTINGS)


def group_that_hashes_to(wanted: str) -> str:
    return next(f"g{n}" for n in range(1000) if split.hashed(f"g{n}", settings=SETTINGS) == wanted)


def test_hash_gives_the_declared_shares() -> None:
    drawn = [split.hashed(f"scene/{n}", settings=SETTINGS) for n in range(20_000)]
    assert drawn.count("test") / len(drawn) == pytest.approx(0.2, abs=0.01)
    assert drawn.count("val") / len(drawn) == pytest.approx(0.1, abs=0.01)


def test_hash_is_pinned_for_ever() -> None:
    """A change of the hash would move images between train and test of every released version."""
    drawn = [split.draw(group, seed=7) for group in ("a", "sim/scene/12")]
    assert drawn == pytest.approx([0.5111364227872545, 0.15349686303072338], abs=1e-15)


GROUPS = st.sampled_from([f"g{n}" for n in range(30)])
HASHED_ROWS = st.lists(st.tuples(st.just("both"), GROUPS, st.none()))
ANY_ROWS = st.lists(
    st.tuples(st.sampled_from(sorted(SOURCES)), GROUPS, st.sampled_from([None, "train", "val", "test"]))
)


@given(HASHED_ROWS, HASHED_ROWS)
def test_growth_of_hash_split_sources_moves_nothing(old: list[Any], new: list[Any]) -> None:
    before = assign(*old)
    after = assign(*old, *new)
    assert {group: after[group] for group in before} == before


@given(ANY_ROWS, ANY_ROWS)
def test_growth_never_takes_a_group_out_of_test(old: list[Any], new: list[Any]) -> None:
    before = assign(*old)
    after = assign(*old, *new)
    assert all(after[group] == "test" for group, where in before.items() if where == "test")


@given(ANY_ROWS)
def test_order_decides_nothing(triples: list[Any]) -> None:
    assert assign(*triples) == assign(*reversed(triples))


@given(ANY_ROWS)
def test_role_test_is_all_test_and_a_given_test_stays_test(triples: list[Any]) -> None:
    groups = assign(*triples)
    for source, group, given_split in triples:
        if source == "test" or (given_split == "test" and source != "train"):
            assert groups[group] == "test"


def test_own_split_wins_over_the_hash() -> None:
    for hashes_to in ("train", "val", "test"):
        group = group_that_hashes_to(hashes_to)
        for own in ("train", "val", "test"):
            assert assign(("own_with_val", group, own), ("own_with_val", "other", "val"))[group] == own


def test_val_is_taken_from_the_train_of_a_source_without_val() -> None:
    groups = [f"g{n}" for n in range(2000)]
    got = assign(*[("own", group, "test" if n % 4 == 0 else "train") for n, group in enumerate(groups)])
    assert [group for group in groups if got[group] == "test"] == groups[::4]
    val = [group for group in groups if got[group] == "val"]
    assert 0.07 < len(val) / 1500 < 0.13
    assert all(split.hashed(group, settings=SETTINGS) == "val" for group in val)


def test_role_train_never_fills_a_test_set_of_its_own() -> None:
    groups = [f"g{n}" for n in range(500)]
    got = assign(*[("train", group, None) for group in groups], ("train", "given", "test"))
    assert set(got.values()) == {"train", "val"}
    assert got["given"] == "train"


def test_a_test_image_of_any_source_takes_the_whole_group() -> None:
    group = group_that_hashes_to("train")
    assert assign(("both", group, None), ("own", group, "test"), ("own", "x", "train"))[group] == "test"
    assert assign(("train", group, None), ("test", group, None))[group] == "test"
    assert split.excluded(SOURCES["train"], split="test") is not None
    assert split.excluded(SOURCES["both"], split="test") is None
    assert split.excluded(SOURCES["train"], split="val") is None


def test_pair_in_two_groups_is_refused(world: World) -> None:
    with pytest.raises(ValueError, match=r"pair a stands in two groups, pairs/1 and pairs/2.*grouping.pattern"):
        world.source("pairs", [
            Shot("s1/a.png", pair_id="a", group="pairs/1"), Shot("s2/a.png", pair_id="a", group="pairs/2"),
        ])  # fmt: skip


def test_whoever_votes_is_a_dependency() -> None:
    """Else DVC would run `validate` before the votes are there, and not again when they change."""
    stages = yaml.safe_load((REPOSITORY / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    assert "data/groups" in stages["validate"]["do"]["deps"]
    assert "data/groups/${key}.parquet" in stages["download"]["do"]["outs"]
