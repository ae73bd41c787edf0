"""Two versions side by side: data, code, settings, environment, metrics, and the captions that changed most."""

import re
from collections.abc import Mapping
from typing import Any

from tasks.lineage.entries import stage_runs
from tasks.registry.fetch import tags
from tasks.report import items
from tasks.report.examples import VARIANT
from tasks.report.version import Version, git, of_revision, of_tree

COUNTS = ("images", "images_refused", "captions_passed", "captions_refused")
MOST = 10  # items
TREE = "."
_PACKAGE = re.compile(r"(?m)^([A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?==([^\s;\\]+)")


def version(name: str) -> Version:
    """What `name` means: `.` the files as they lie here, `models:/NAME/3` or `models:/NAME@ALIAS` the commit whose lock
    has the weights and metrics of that registered model, else a revision of git.

    Raises `ValueError` when there is none.
    """
    if name == TREE:
        return of_tree()
    return _of_model(name) if name.startswith("models:") else of_revision(name)


def _of_model(uri: str) -> Version:
    known = tags(uri)
    wanted = {known.get("dvc.weights"), known.get("dvc.metrics")}
    if None in wanted:
        raise ValueError(f"{uri} has no tags dvc.weights and dvc.metrics: it was not registered by `sar-text register`")
    changed = git("log", "--all", "--format=%H", f"-S{known['dvc.weights']}", "--", "dvc.lock").split()
    for found in (of_tree(), *map(of_revision, changed)):
        if wanted <= set(found.digests().values()):
            return Version(uri, found.commit, found.small, found.place)
    raise ValueError(f"no commit of this repository has the weights and metrics of {uri} in its dvc.lock: commit it "
                     "after the run, or fetch the branch that has it")  # fmt: skip


def compare(a: Version, b: Version) -> dict[str, Any]:
    """What differs between the versions, as pairs [a, b]; null stands for what one of them lacks.

    `metrics` also hold the difference; `items` is null where captions or test images are out of reach.
    Raises `ValueError` naming a damaged file.
    """
    return {
        "a": {"name": a.name, "commit": a.commit},
        "b": {"name": b.name, "commit": b.commit},
        "data": _differing(a.digests(), b.digests()),
        "records": _differing(_records(a), _records(b)),
        "code": _differing(_code(a), _code(b)),
        "settings": _differing(a.settings(), b.settings()),
        "environment": _differing(_packages(a), _packages(b)),
        "metrics": _metrics(a, b),
        "items": _items(a, b),
    }


def _differing(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, list[Any]]:
    return {key: [a.get(key), b.get(key)] for key in sorted(a.keys() | b.keys()) if a.get(key) != b.get(key)}


def _code(of: Version) -> dict[str, str]:
    """Code file → its MD5 when stages ran it; two, where a stage that was not run again had an older one."""
    found: dict[str, set[str]] = {}
    text = of.small("dvc.lock")
    try:
        runs = stage_runs(text.decode()) if text else {}
    except ValueError as error:
        raise ValueError(f"dvc.lock of {of.name} is damaged ({error})") from error
    for run in runs.values():
        for path, md5 in run.code().items():
            found.setdefault(path, set()).add(md5)
    return {path: " ".join(sorted(digests)) for path, digests in found.items()}


def _packages(of: Version) -> dict[str, str]:
    """Package → version, of `requirements.lock`; none where there is no such file."""
    return dict(_PACKAGE.findall((of.small("requirements.lock") or b"").decode()))


def _records(of: Version) -> dict[str, int]:
    """`sar.sim_ships.captions_passed` → how many, as the gate counted."""
    return {
        f"{text}.{source}.{count}": row[count]
        for text in items.TEXTS
        for source, row in (of.json(f"metrics/validate_{text}.json") or {"sources": {}})["sources"].items()
        for count in COUNTS
    }


def _metrics(a: Version, b: Version) -> list[dict[str, Any]]:
    """A row for each value that differs."""
    left, right = _values(a), _values(b)
    rows = []
    for key, pair in _differing(left, right).items():
        test_set, variant, metric = key.split("\n")
        difference = None if None in pair else round(pair[1] - pair[0], 6)
        row = {"test_set": test_set, "variant": variant, "metric": metric}
        rows.append(row | {"values": pair, "difference": difference})
    return rows


def _values(of: Version) -> dict[str, float | None]:
    table = of.json("metrics/evaluate.json") or {}
    return {
        f"{test_set}\n{variant}\n{metric}": entry["value"]
        for test_set, variants in table.items()
        for variant, metrics in variants.items()
        for metric, entry in metrics.items()
    }


def _items(a: Version, b: Version) -> list[dict[str, Any]] | None:
    """The captions whose CIDEr changed most, of SAR test images that both have, against the true captions of `b`."""
    known = items.read(b, text="sar")
    before, after = items.said(a, variant=VARIANT), items.said(b, variant=VARIANT)
    if known is None or before is None or after is None:
        return None
    common = {name: known[name] for name in known if name in before and name in after}
    old, new = items.cider(common, before), items.cider(common, after)
    moved = sorted((name for name in common if before[name] != after[name]),
                   key=lambda name: (-abs(new[name] - old[name]), name))  # fmt: skip
    return [
        {"record_id": name, "captions": [before[name], after[name]], "true": common[name].captions[0],
         "cider": [round(old[name], 6), round(new[name], 6)], "difference": round(new[name] - old[name], 6)}
        for name in moved[:MOST]
    ]  # fmt: skip
