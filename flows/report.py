"""`sar-text report`, and `compare` or `diff`: what was measured as one page, and two versions side by side."""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flows.ask import Add

SHORT = 12  # characters of a digest or commit


def add_commands(add: Add) -> None:
    """Add them to the `sar-text` command; `diff` is another name of `compare`."""
    report = add("report", _report, "show what was measured as one HTML page, made anew if its inputs changed")
    report.add_argument("profile", nargs="?", help="of runs/, such as real; default: the run of params.yaml")
    report.add_argument("--out", type=Path, metavar="FILE", help="where to write it; default: below .state/")
    report.add_argument("--no-open", action="store_true", help="open no browser")
    differs = "data, code, settings, environment, metrics, captions"
    for title in ("compare", "diff"):
        compare = add(title, _compare, f"show what differs between two versions: {differs}")
        for name in ("a", "b"):
            compare.add_argument(
                name, metavar=name.upper(), help="a commit, branch or tag, models:/sar-rs-clip/3, or . for files here"
            )
        compare.add_argument("--json", action="store_true", help="print one JSON object")


def _report(arguments: argparse.Namespace) -> None:
    import webbrowser

    from tasks.report.page import write

    page = write(arguments.profile, out=arguments.out).resolve()
    print(page)
    if not arguments.no_open:
        webbrowser.open(page.as_uri())


def _compare(arguments: argparse.Namespace) -> None:
    from tasks.report.compare import compare, version

    found = compare(version(arguments.a), version(arguments.b))
    print(json.dumps(found, indent=2, ensure_ascii=False) if arguments.json else text(found))


def text(found: Mapping[str, Any]) -> str:
    """What `compare` found, for a terminal: headline metrics only, digests cut short."""
    from tasks.report.tables import HEADLINE

    lines = [f"{side.upper()}  {found[side]['name']}  {found[side]['commit'][:SHORT]}" for side in ("a", "b")]
    lines += _section("Data (digests by DVC)", [_pair(key, pair, cut=SHORT) for key, pair in found["data"].items()])
    lines += _section("Records", [_pair(key, pair) for key, pair in found["records"].items()])
    lines += _section("Code (MD5 of what ran)", [_pair(key, pair, cut=SHORT) for key, pair in found["code"].items()])
    lines += _section("Settings", [_pair(key, pair) for key, pair in found["settings"].items()])
    lines += _section("Environment", [_pair(key, pair) for key, pair in found["environment"].items()])
    rows = [row for row in found["metrics"] if row["metric"] in HEADLINE]
    measured = [
        f"{row['test_set']:24} {row['variant']:10} {row['metric']:16} {_value(row['values'][0]):>8} → "
        f"{_value(row['values'][1]):>8}" + ("" if row["difference"] is None else f"  {row['difference']:+.3f}")
        for row in rows
    ]
    lines += _section(f"Metrics ({len(found['metrics'])} values differ; all by --json)", measured)
    if found["items"] is None:
        lines += ["", "Captions: those of one version, or the test images, are neither here nor in DVC's cache"]
    else:
        moved = [line for item in found["items"] for line in _item(item)]
        lines += _section("Captions that changed most (CIDEr)", moved)
    return "\n".join(_printable(line) for line in lines)


def _section(title: str, lines: list[str]) -> list[str]:
    return ["", title, *(f"  {line}" for line in lines or ["no difference"])]


def _pair(key: str, pair: list[Any], *, cut: int | None = None) -> str:
    before, after = ("none" if value is None else str(value)[:cut] for value in pair)
    return f"{key:44} {before} → {after}"


def _value(value: float | None) -> str:
    return "none" if value is None else f"{value:.3f}"


def _item(item: Mapping[str, Any]) -> list[str]:
    before, after = item["captions"]
    return [
        f"{item['record_id']}  {item['cider'][0]:.2f} → {item['cider'][1]:.2f}",
        f"    A     {before}",
        f"    B     {after}",
        f"    true  {item['true']}",
    ]


def _printable(line: str) -> str:
    """What models wrote, or a name, must not steer the terminal."""
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in line)
