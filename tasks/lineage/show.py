"""Answers as a tree in the terminal."""

from collections.abc import Mapping
from typing import Any

from tasks.registry import artifact

_MOST = 40  # lines below one answer; JSON and the page show all


def tree(title: str, answers: Mapping[str, Any]) -> Any:
    """A `rich` tree of nested mappings and lists; text is shown as it is, never as markup."""
    from rich.text import Text
    from rich.tree import Tree

    root = Tree(Text(title, style="bold"))
    for name, answer in answers.items():
        _branch(root, name, answer)
    return root


def brief(answers: Mapping[str, Any]) -> dict[str, Any]:
    """An audit in the lines that a terminal has room for; JSON has the rest."""
    stages = {
        stage[
            "stage"
        ]: f"{stage['code revision'][:12]} {stage['committed']} · {stage['code files']['files']} code files"
        f" · seed {stage['parameters'].get('seed', '–')} · hardware {stage['parameters'].get('hardware', '–')}"
        for stage in answers["stages"]
    }
    text = [
        {
            "path": row["path"],
            "images": {source: _line(counts) for source, counts in row["images"].items()},
            "text": _by_route(row["text"]),
            "quarantined": _line(row["quarantined"]),
        }
        for row in answers["text"]
    ]
    sources = {
        name: f"{source['records']} records, {source['annotations']} annotations"
        f" · {source['licence']} · {source['digest']}"
        for name, source in answers["sources"].items()
    }
    checkpoints = {row["path"]: row["digest"] for row in answers["checkpoints"]}
    version = {**answers["version"], "tags": _tags(answers["version"]["tags"])}
    short = {"version": version, "stages": stages, "text": text, "sources": sources, "checkpoints": checkpoints}
    return {**answers, **short}


def _tags(tags: Mapping[str, str]) -> dict[str, str]:
    """All, but of the digests of the model's files only how many. A damaged one is for the findings to tell."""
    if artifact.TAG not in tags:
        return dict(tags)
    files = tags[artifact.TAG].count('": "')
    return {**tags, artifact.TAG: f"of {files} files"}


def _by_route(rows: list[dict[str, Any]]) -> dict[str, str]:
    routes: dict[str, dict[str, int]] = {}
    for row in rows:
        counts = routes.setdefault(f"{row['kind']}s, {row['route']}", {"rows": 0, "rules": 0})
        counts["rows"] += row["rows"]
        counts["rules"] += 1
    return {route: _line(counts) for route, counts in routes.items()}


def _line(counts: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def _branch(above: Any, name: str, answer: Any) -> None:
    from rich.text import Text

    style = "bold red" if name == "findings" and answer else "bold" if isinstance(answer, Mapping | list) else ""
    if isinstance(answer, Mapping | list) and not answer:
        above.add(Text(f"{name}: none"))
    elif isinstance(answer, Mapping):
        below = above.add(Text(name, style=style))
        for key, value in _first(below, list(answer.items())):
            _branch(below, str(key), value)
    elif isinstance(answer, list):
        below = above.add(Text(f"{name} ({len(answer)})", style=style))
        rows = answer if name == "findings" else _first(below, answer)
        for row in rows:
            if isinstance(row, Mapping):
                _branch(below, str(next(iter(row.values()))), dict(list(row.items())[1:]))
            else:
                below.add(Text(str(row)))
    else:
        above.add(Text(f"{name}: {answer}", style=style))


def _first(below: Any, rows: list[Any]) -> list[Any]:
    if len(rows) > _MOST:
        from rich.text import Text

        below.add(Text(f"… {len(rows) - _MOST} more: --json shows all", style="dim"))
    return rows[:_MOST]
