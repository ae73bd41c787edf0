"""Whether the registry still says, and holds, what was registered: tags against the run and the graph, files against
their digests."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tasks.lineage import versions
from tasks.lineage.graph import Graph
from tasks.lineage.versions import Version
from tasks.registry import artifact

_FIXED = ("dvc.weights", "git.commit", "decoding", "interface")  # the version and its run have them from the beginning
_DATA = {"dvc.data.optical": "data/optical_text", "dvc.data.sar": "data/sar_text"}


def tags(version: Version, *, graph: Graph, sources: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Findings: tags of `version` that its run, the data behind it or the descriptions of its sources contradict."""
    findings = []
    run = versions.run_of(version)
    for key in _FIXED if run is not None else ():
        if run.data.tags.get(key) != version.tags.get(key):
            findings.append(
                f"registry: tag {key} of {version.name} is {version.tags.get(key)}, of its run {run.data.tags.get(key)}"
            )
    behind = [graph.nodes[name].facts for name in graph.behind([version.name])]
    for key, path in _DATA.items():
        read = {fact["digest"] for fact in behind if fact.get("path") == path}
        if key in version.tags and read and version.tags[key] not in read:
            told = ", ".join(sorted(read))
            findings.append(f"registry: tag {key} of {version.name} is {version.tags[key]}, and it learned from {told}")
    return findings + _licences(version, sources=sources)


def _licences(version: Version, *, sources: Mapping[str, Mapping[str, Any]]) -> list[str]:
    if "licences" not in version.tags:
        return []
    try:
        stated = {name: " ".join(licence.split()) for name, licence in json.loads(version.tags["licences"]).items()}
    except (ValueError, AttributeError) as error:
        return [f"registry: tag licences of {version.name} cannot be read: {error}"]
    return [
        f"registry: tag licences of {version.name} says {stated[name]} of {name}, its description {facts['licence']}"
        for name, facts in sources.items()
        if name in stated and stated[name] != facts.get("licence")
    ]


def files(version: Version, *, folder: Path) -> list[str] | None:
    """Findings: files of `version` in `folder`, as fetched from the registry, that are not what was registered.
    Nothing where the version was registered without their digests."""
    if artifact.TAG not in version.tags:
        return None
    try:
        stated = dict(json.loads(version.tags[artifact.TAG]))
    except (ValueError, TypeError) as error:
        return [f"registry: tag {artifact.TAG} of {version.name} cannot be read: {error}"]
    now = artifact.digests(folder)
    return [
        f"registry: {name} of {version.name} hashes to {now.get(name, 'nothing, for it is missing')}, not to "
        f"{stated.get(name, 'anything: it was not registered')}"
        for name in sorted(stated.keys() | now.keys())
        if stated.get(name) != now.get(name)
    ]
