"""Withdraw a source or a record: write it down, tag every version that learned from it, take their aliases away, and
list what holds it still."""

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tasks import paths, tracking
from tasks.lineage import versions, withdrawn
from tasks.lineage.collect import Lineage, outputs_of
from tasks.lineage.impact import Impact, Item, impact
from tasks.lineage.versions import Version
from tasks.registry.turn import turn

TAG = "withdrawn"
LEARNED = ("trained on it", "through a parent")
CHAMPION = "champion"
PASSED = "passed"  # what the gate writes as `gate.decision`
BY_HAND = (
    "what `sar-text export` and `sar-text narrate` wrote, and reports: they lie where somebody asked for them; look "
    "through them for the record ids",
)


@dataclass
class Withdrawal:
    """What was done, and what is left to delete."""

    file: str
    impact: Impact
    tagged: list[str] = field(default_factory=list)  # versions
    aliases: dict[str, str] = field(default_factory=dict)  # alias → the version that it moved to, or `removed`
    delete: list[Path] = field(default_factory=list)  # files and folders that hold it, and nothing that stays
    remote: list[str] = field(default_factory=list)  # objects on the DVC remote
    artifacts: list[str] = field(default_factory=list)  # where the registry keeps the models that learned from it
    by_hand: list[str] = field(default_factory=lambda: list(BY_HAND))


def withdraw(item: Item, *, reason: str, by: str, lineage: Lineage, remote: Any = None) -> Withdrawal:
    """Withdraw `item`; the same call again changes nothing more. `lineage` holds all locks (`add_all`)."""
    known = versions.load_all()
    touched = impact(item, lineage=lineage, versions=known)
    result = Withdrawal(str(withdrawn.add(item, reason=reason, by=by)), touched)
    affected = [version for version in known if touched.versions.get(version.name) in LEARNED]
    client = tracking.client()
    for version in affected:
        told = {"what": item.name, "how": touched.versions[version.name], "reason": reason, "by": by}
        client.set_model_version_tag(version.model, version.number, TAG, json.dumps(told, ensure_ascii=False))
        result.tagged.append(version.name)
    sound = [version for version in known if version not in affected and TAG not in version.tags]
    for version in affected:
        for alias in version.aliases:
            result.aliases[f"{version.model}@{alias}"] = _move(version, alias, sound=sound)
    digests = _digests(touched, lineage=lineage)
    objects = [path for path in map(lineage.cache.path, digests) if path.is_file()]
    result.delete = [*objects, *_copies(touched, lineage=lineage), *_made_anew(item)]
    result.artifacts = _artifacts(affected)
    if item.records:
        result.by_hand.append(f"the original files that {item.source} was built from, below .state/raw")
    if remote is not None:
        result.remote = [name for name in map(remote.oid_to_path, digests) if remote.fs.exists(name)]
    return result


def purge(withdrawal: Withdrawal, *, remote: Any = None) -> int:
    """Delete what it lists, here and on the remote; gives how many files and folders."""
    for path in withdrawal.delete:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    for name in withdrawal.remote:
        remote.fs.remove(name)
    for address in withdrawal.artifacts:
        tracking.delete_artifacts(address)
    return len(withdrawal.delete) + len(withdrawal.remote) + len(withdrawal.artifacts)


def still_there(lineage: Lineage, *, known: list[Version]) -> tuple[list[str], list[str]]:
    """Of everything that was withdrawn: findings where a current ref leads to it, notes on older revisions that do."""
    findings, notes = [], []
    for item in [item for each in withdrawn.load_all() for item in withdrawn.items(each)]:
        touched = impact(item, lineage=lineage, versions=known)
        for ref, names in touched.current.items():
            findings.append(f"{item.name} was withdrawn, and {ref} still leads to it: {', '.join(names)}")
        if touched.old_revisions:
            commits = ", ".join(commit[:12] for commit in touched.old_revisions)
            notes.append(f"{item.name} was withdrawn; older revisions lead to it: {commits}")
        for name, how in touched.versions.items():
            tagged = next(version for version in known if version.name == name).tags
            if how in LEARNED and TAG not in tagged:
                findings.append(f"{name} learned from {item.name}, which was withdrawn, and is not tagged so")
    return findings, notes


@turn()
def _move(version: Version, alias: str, *, sound: list[Version]) -> str:
    """A champion falls back to the newest sound version that passed the gate; every other alias is removed."""
    client = tracking.client()
    passed = [
        other for other in sound if other.model == version.model and other.tags.get("gate.decision") == PASSED
    ]  # fmt: skip
    if alias == CHAMPION and passed:
        other = max(passed, key=lambda found: int(found.number))
        client.set_registered_model_alias(version.model, alias, other.number)
        return other.name
    client.delete_registered_model_alias(version.model, alias)
    return "removed"


def _digests(touched: Impact, *, lineage: Lineage) -> list[str]:
    """Objects that nothing but touched data refers to. What a folder held whose listing is gone is a finding."""
    held: dict[bool, set[str]] = {True: set(), False: set()}
    for node in lineage.graph.nodes.values():
        digest = str(node.facts.get("digest", ""))
        if node.kind in ("data set", "checkpoint", "measurement"):
            is_folder = digest.endswith(".dir") and node.kind != "measurement"  # those lie in git alone
            listing = lineage.cache.listing(digest) if is_folder else {}
            if listing is None and node.name in touched.data:
                touched.findings.append(
                    f"{node.name}: its listing is not in the cache, so that what it held can be deleted nowhere: "
                    "`dvc fetch --all-commits`, then the same command again"
                )
            held[node.name in touched.data] |= {digest, *(listing or {}).values()}
    return sorted(held[True] - held[False])


def _copies(touched: Impact, *, lineage: Lineage) -> list[Path]:
    """What is checked out of it, here and in every other worktree, such as that of the retrains."""
    names = {(node.facts["path"], node.facts["digest"]) for name in touched.data if (node := lineage.graph.nodes[name])}
    found = []
    for root, commit in lineage.history.worktrees.items():
        blob = lineage.history.locks.get(commit)
        here = outputs_of(lineage.lock(blob)) if blob else {}
        found += [root / path for path, digest in sorted(here.items()) if (path, digest) in names]
    return [path for path in found if path.exists()]


def _made_anew(item: Item) -> list[Path]:
    """What lies below `.state/` and is made anew when it is missing: pixels, tokens, embeddings, reports, Data Docs,
    trainings that were broken off; of a whole source also its original files."""
    state = paths.state()
    kept = ["embeddings", "checkpoints", "data_docs", "report"]
    originals = [] if item.records else [state / "raw" / item.source, state / "watched" / item.source]
    return [path for path in [paths.input_cache(), *(state / name for name in kept), *originals] if path.exists()]


def _artifacts(affected: list[Version]) -> list[str]:
    """Where MLflow's store keeps the models of these versions, if it does."""
    client = tracking.client()
    found = []
    for version in affected:
        source = str(client.get_model_version(version.model, version.number).source)
        if source.startswith("models:/m-"):
            found.append(client.get_logged_model(source.removeprefix("models:/")).artifact_location)
    return [address for address in found if tracking.keeps_artifacts(address)]
