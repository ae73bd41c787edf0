"""What every fault must leave whole. Each check names what is broken, in words; nothing found is an empty list."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from benchmarks.faults.registry import Registry

IDENTITY = (
    "dvc.weights", "dvc.metrics", "dvc.data.optical", "dvc.data.sar", "decoding", "interface", "licences", "git.commit",
)  # fmt: skip


def outputs(found: Mapping[str, str], expected: Mapping[str, str]) -> list[str]:
    """`found` are the digests (path → digest) of an undisturbed run."""
    return [
        f"{path} is {found.get(path, 'missing')}, in an undisturbed run {expected.get(path, 'not there')}"
        for path in sorted(found.keys() | expected.keys())
        if found.get(path) != expected.get(path)
    ]


def cache(folder: Path) -> list[str]:
    """Every object in DVC's cache has the digest that it is named by."""
    broken = []
    for path in sorted((folder / "files" / "md5").glob("??/*")):
        name = path.parent.name + path.name.removesuffix(".dir")
        if len(name) == 32 and hashlib.md5(path.read_bytes()).hexdigest() != name:
            broken.append(f"the cache keeps other bytes under {name}")
    return broken


def remote(objects: Mapping[str, bytes]) -> list[str]:
    """Likewise every object in the bucket."""
    return [
        f"the remote keeps other bytes under {key}"
        for key, content in sorted(objects.items())
        if key.startswith("dvc/files/md5/")
        and hashlib.md5(content).hexdigest() != "".join(key.split("/")[-2:]).removesuffix(".dir")
    ]


def registered(registry: Registry) -> list[str]:
    """Nothing is half registered, and no alias stands on a version that did not earn it. Also true in between."""
    broken, seen = [], set[tuple[str, ...]]()
    for version in registry.versions:
        called = f"{version.name} version {version.number}"
        if version.status != "READY":
            broken.append(f"{called} is {version.status}")
        if missing := [key for key in IDENTITY if key not in version.tags]:
            broken.append(f"{called} lacks {', '.join(missing)}")
        if version.weights != version.tags.get("dvc.weights"):
            broken.append(f"{called} keeps {version.weights}, its tag says {version.tags.get('dvc.weights')}")
        same = (version.name, *(version.tags.get(key, "") for key in ("dvc.weights", "decoding", "interface")))
        if same in seen:
            broken.append(f"{called} is registered a second time")
        seen.add(same)
    for name, aliases in registry.aliases.items():
        broken += _aliases(name, aliases, registry=registry)
    return broken


def _aliases(name: str, aliases: Mapping[str, str], *, registry: Registry) -> list[str]:
    versions = {version.number: version for version in registry.versions if version.name == name}
    broken = [
        f"{name}@{alias} is on version {number}, which there is not"
        for alias, number in aliases.items()
        if number not in versions
    ]
    champion = versions.get(aliases.get("champion", ""))
    if champion is None:
        return broken
    changes = [json.loads(text) for text in registry.changes.get(name, {}).values()]
    forced = any(change["version"] == champion.number and change["forced"] for change in changes)
    decision = champion.tags.get("gate.decision", "not set")
    if decision != "passed" and not forced:
        broken.append(f"{name}@champion is on version {champion.number}, whose gate.decision is {decision}")
    return broken


def finished(registry: Registry) -> list[str]:
    """After the next run nothing is left open."""
    broken = [f"the run {name} is left open" for name in registry.open_runs]
    for name, changes in registry.changes.items():
        broken += [f"{tag} of {name} is left undone" for tag, text in changes.items() if not json.loads(text)["done"]]
    return broken
