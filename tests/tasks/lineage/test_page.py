"""The page draws every node and lets no text become markup."""

import json
import re

from tasks.lineage.audit import Audit
from tasks.lineage.graph import Graph, Node
from tasks.lineage.page import page

EVIL = "</script><img src=x onerror=alert(1)> & 'x'"


def test_every_node_is_drawn_and_names_are_escaped() -> None:
    graph = Graph()
    for name in ("data/a", EVIL, "sar-gpt/1"):
        graph.add(Node("data set", name, {"told": EVIL}))
    graph.link("data/a", EVIL)
    graph.link(EVIL, "sar-gpt/1")
    text = page(Audit(version={"name": EVIL, "aliases": [EVIL]}, findings=[EVIL], graph=graph))
    assert "<img" not in text
    assert text.count('class="node"') == 3
    assert text.count("<path d=") == 2
    (evidence,) = re.findall(r'id="evidence">(.*?)</script>', text, flags=re.DOTALL)
    assert [name for name, _ in json.loads(evidence)] == ["data/a", EVIL, "sar-gpt/1"]
    assert json.loads(evidence)[0][1] == {"told": EVIL}
