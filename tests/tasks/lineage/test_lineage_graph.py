"""The graph itself: reach in both directions, order, parts."""

import pytest

from tasks.lineage.entries import Memo, stage_runs
from tasks.lineage.graph import Graph, Node
from tests.fakes.history import lock


def diamond() -> Graph:
    graph = Graph()
    for name in "abcde":
        graph.add(Node("data set", name))
    for read, made in ("ab", "ac", "bd", "cd"):
        graph.link(read, made)
    return graph


def test_reach_goes_one_way_only() -> None:
    graph = diamond()
    assert graph.behind(["d"]) == {"a", "b", "c", "d"}
    assert graph.after(["b"]) == {"b", "d"}
    assert graph.after(["e"]) == {"e"}


def test_order_puts_what_was_read_first() -> None:
    order = diamond().order()
    assert sorted(order) == list("abcde")
    assert order.index("a") < order.index("b") < order.index("d")


def test_a_part_keeps_the_edges_between_its_nodes() -> None:
    part = diamond().part({"a", "b", "d"})
    assert part.behind(["d"]) == {"a", "b", "d"}
    assert "c" not in part.nodes


def test_a_lock_is_read_entry_by_entry_and_equal_entries_once() -> None:
    memo = Memo()
    one = lock({"narrate@x": ({"data/a": "a" * 32, "tasks/b.py": "b" * 32}, {"data/c": "c" * 32 + ".dir"})})
    runs = stage_runs(one.decode(), memo=memo)
    assert runs["narrate@x"].inputs == {"data/a": "a" * 32}
    assert runs["narrate@x"].code() == {"tasks/b.py": "b" * 32}
    assert runs["narrate@x"].outputs == {"data/c": "c" * 32 + ".dir"}
    assert stage_runs(one.decode(), memo=memo)["narrate@x"] is runs["narrate@x"]


def test_a_lock_that_changed_is_read_as_if_it_were_the_first() -> None:
    """Longer, shorter, with a stage before, and without one: what the lock before said does not show."""
    memo = Memo()
    deps = {"data/a": "a" * 32}
    for names in ("xyz", "xz", "wxyz", "zyx", "x", ""):
        for digest in ("c", "d"):
            entries = {name: (deps, {f"data/{name}": digest * 32, **({"data/l": "e" * 32} if name == "y" else {})})
                       for name in names}  # fmt: skip
            text = lock(entries).decode()
            assert stage_runs(text, memo=memo) == stage_runs(text)
            assert list(stage_runs(text, memo=memo)) == list(names)
    longer = lock({"x": (deps, {"data/x": "c" * 32, "data/y": "c" * 32})}).decode()
    stage_runs(lock({"x": (deps, {"data/x": "c" * 32})}).decode(), memo=memo)
    assert stage_runs(longer, memo=memo) == stage_runs(longer)


def test_quoted_paths_are_read_as_yaml() -> None:
    text = lock({"x": ({"'data/a: b'": "a" * 32}, {})}).decode()
    assert stage_runs(text)["x"].inputs == {"data/a: b": "a" * 32}


@pytest.mark.parametrize(
    ("before", "after"),
    [("schema: '2.0'", "schema: '3.0'"), ("    deps:", "<<<<<<< HEAD\n    deps:"), ("      md5: a", "      mdX: a"),
     ("stages:\n", "stages:\nx\n")],
)  # fmt: skip
def test_a_damaged_lock_is_refused(before: str, after: str) -> None:
    text = lock({"x": ({"data/a": "a" * 32}, {"data/b": "c" * 32})}).decode()
    with pytest.raises(ValueError, match=r"a line|begin|path"):
        stage_runs(text.replace(before, after, 1))
