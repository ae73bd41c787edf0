"""Settings: what is wrong is named, and what to write instead."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest

from tasks import strict


@dataclass(frozen=True)
class Inner:
    rate: float
    kind: Literal["a", "b"] = "a"

    def __post_init__(self) -> None:
        if self.rate < 0:
            raise ValueError("rate must not be negative")


@dataclass(frozen=True)
class Outer:
    name: str
    inner: Inner
    sizes: tuple[int, ...] = ()
    table: dict[str, float] = field(default_factory=dict)
    maybe: int | None = None


GOOD = {"name": "x", "inner": {"rate": 1}}


def test_nested_values_arrive_with_their_types() -> None:
    outer = strict.parse(Outer, {**GOOD, "sizes": [1, 2], "table": {"k": 2}, "maybe": None}, where="file")
    assert outer == Outer("x", Inner(1.0), (1, 2), {"k": 2.0}, None)
    assert isinstance(outer.inner.rate, float)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"nam": "y"}, r"file: unknown key 'nam'; did you mean 'name'\?"),
        ({"inner": {"rate": 1, "knd": "a"}}, r"file: inner: unknown key 'knd'; did you mean 'kind'\?"),
        ({"inner": {}}, r"file: inner: key 'rate' is missing"),
        ({"inner": {"rate": "fast"}}, r"file: inner: rate must be of type float, got 'fast'"),
        ({"inner": {"rate": 1, "kind": "c"}}, r"kind is 'c'; choose one of a, b"),
        ({"inner": {"rate": -1}}, r"file: inner: rate must not be negative"),
        ({"sizes": [1, "2"]}, r"sizes\[1\] must be of type int"),
        ({"sizes": 3}, r"sizes must be a list"),
        ({"table": [1]}, r"table must be a mapping"),
        ({"table": {1: 2}}, r'table key must be of type str, got 1; write it in quotes: "1"'),
        ({"maybe": True}, r"maybe must be of type int, got True"),
        ({"inner": 3}, r"inner: expected a mapping of Inner settings, got int"),
    ],
)
def test_each_mistake_is_named(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        strict.parse(Outer, {**GOOD, **change}, where="file")


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"gone\.yaml does not exist"):
        strict.load(Outer, tmp_path / "gone.yaml")
    (tmp_path / "bad.yaml").write_text("a: [1")
    with pytest.raises(ValueError, match=r"bad\.yaml is not valid YAML"):
        strict.load(Outer, tmp_path / "bad.yaml")
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match=r"bytes\.yaml is not valid YAML"):
        strict.load(Outer, tmp_path / "bytes.yaml")


def test_a_key_that_stands_twice_is_refused_and_a_merge_is_not(tmp_path: Path) -> None:
    file = tmp_path / "file.yaml"
    file.write_text("name: x\ninner: {rate: 1}\ntable: {a: 1, b: 2, a: 3}\n")
    with pytest.raises(ValueError, match=r"file\.yaml is not valid YAML: 'a' stands there twice"):
        strict.load(Outer, file)
    file.write_text("name: x\ninner: &in {rate: 1}\ntable: {<<: *in, a: 1, rate: 3}\n")
    assert strict.load(Outer, file).table == {"a": 1.0, "rate": 3.0}
