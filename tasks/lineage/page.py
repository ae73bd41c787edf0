"""An audit as one HTML page that needs nothing else: the graph drawn, evidence by a click, everything escaped."""

import json
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from tasks.lineage.audit import Audit
from tasks.lineage.graph import Graph

_COLUMN_PX, _ROW_PX, _BOX_PX = 250, 40, (210, 24)
_COLOURS = {
    "stage run": "#fff3cd", "data set": "#d6eaf8", "checkpoint": "#d5f5e3", "model version": "#f5cba7",
    "alias": "#f9e79f", "measurement": "#ebdef0", "decision": "#fadbd8",
}  # fmt: skip


def page(audit: Audit) -> str:
    """The page, as text."""
    places = _places(audit.graph)
    stages = {f"{stage['stage']} {stage['entry']}": stage for stage in audit.stages}
    evidence = [[name, stages.get(name) or dict(audit.graph.nodes[name].facts)] for name in places]
    template = Template((Path(__file__).parent / "page.html").read_text(encoding="utf-8"))
    name = str(audit.version["name"])
    return template.substitute(
        title=escape(f"Lineage of {name}"),
        subtitle=escape(f"{', '.join(audit.version['aliases']) or 'no alias'} · {len(audit.findings)} findings"),
        findings="".join(f"<li>{escape(finding)}</li>" for finding in audit.findings),
        width=max((x for x, _ in places.values()), default=0) + _COLUMN_PX,
        height=max((y for _, y in places.values()), default=0) + 2 * _ROW_PX,
        drawing=_drawing(audit.graph, places),
        answers=escape(json.dumps(audit.as_dict(), indent=1, ensure_ascii=False)),
        evidence=_script(evidence),
    )


def _places(graph: Graph) -> dict[str, tuple[int, int]]:
    """Left upper corners in px: a column for each step away from the sources, names in order below each other."""
    depth: dict[str, int] = {}
    for name in graph.order():
        depth[name] = 1 + max((depth[read] for read in graph.made_of.get(name, ())), default=-1)
    rows: dict[int, int] = {}
    places = {}
    for name in sorted(depth, key=lambda name: (depth[name], name)):
        column = depth[name]
        rows[column] = rows.get(column, 0) + 1
        places[name] = (10 + column * _COLUMN_PX, rows[column] * _ROW_PX)
    return places


def _drawing(graph: Graph, places: dict[str, tuple[int, int]]) -> str:
    width, height = _BOX_PX
    lines = []
    for made, (x, y) in places.items():
        for read in sorted(graph.made_of.get(made, ())):
            start_x, start_y = places[read][0] + width, places[read][1] + height // 2
            middle = (start_x + x) // 2
            end_y = y + height // 2
            lines.append(f'<path d="M{start_x} {start_y} C{middle} {start_y} {middle} {end_y} {x} {end_y}"/>')
    for number, (name, (x, y)) in enumerate(places.items()):
        colour = _COLOURS.get(graph.nodes[name].kind, "#eee")
        lines.append(
            f'<g class="node" data-number="{number}"><title>{escape(name)}</title>'
            f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="4" fill="{colour}"/>'
            f'<text x="{x + 6}" y="{y + 16}">{escape(name[:31])}</text></g>'
        )
    return "\n".join(lines)


def _script(evidence: Any) -> str:
    """JSON that cannot end the script that it stands in."""
    return (
        json.dumps(evidence, ensure_ascii=False).replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    )
