"""The lineage graph as values: nodes with their evidence, and which was made from which. Pure, and small."""

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal[
    "source", "source file", "record", "caption", "question", "data set", "stage run", "code revision", "parameters",
    "environment lock", "checkpoint", "measurement", "model version", "alias", "decision",
]  # fmt: skip


@dataclass(frozen=True)
class Node:
    """A thing with a name that is its alone, and the facts that a person is shown as evidence."""

    kind: Kind
    name: str
    facts: Mapping[str, Any] = field(default_factory=dict, compare=False)


@dataclass
class Graph:
    """Directed and without cycles: an edge goes from what was read to what was made of it."""

    nodes: dict[str, Node] = field(default_factory=dict)
    made_of: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    made_into: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def add(self, node: Node) -> str:
        """Put `node` in unless its name is known; gives the name."""
        self.nodes.setdefault(node.name, node)
        return node.name

    def link(self, read: str, made: str) -> None:
        assert all(name in self.nodes for name in (read, made)), f"{read} → {made}: add the nodes first"
        self.made_of[made].add(read)
        self.made_into[read].add(made)

    def behind(self, names: Iterable[str]) -> set[str]:
        """`names` and everything that they were made of, however far back."""
        return _reach(names, self.made_of)

    def after(self, names: Iterable[str]) -> set[str]:
        """`names` and everything that was made of them, however far on."""
        return _reach(names, self.made_into)

    def part(self, names: set[str]) -> "Graph":
        """Only the nodes `names`, with the edges between them."""
        small = Graph()
        for name in sorted(names):
            small.add(self.nodes[name])
        for made in sorted(names):
            for read in sorted(self.made_of.get(made, set()) & names):
                small.link(read, made)
        return small

    def order(self) -> list[str]:
        """Names so that what was read stands before what was made of it (Kahn 1962), equals by name."""
        waiting = {name: len(self.made_of.get(name, ())) for name in self.nodes}
        ready = deque(sorted(name for name, count in waiting.items() if count == 0))
        order = []
        while ready:
            name = ready.popleft()
            order.append(name)
            for made in sorted(self.made_into.get(name, ())):
                waiting[made] -= 1
                if waiting[made] == 0:
                    ready.append(made)
        assert len(order) == len(self.nodes), "the lineage has a cycle"
        return order


def _reach(names: Iterable[str], step: Mapping[str, set[str]]) -> set[str]:
    found = set(names)
    waiting = list(found)
    while waiting:
        for name in step.get(waiting.pop(), ()):
            if name not in found:
                found.add(name)
                waiting.append(name)
    return found
