"""Every digest behind a version computed anew: what DVC keeps (MD5) and what git keeps (SHA-1), wherever it lies.

MD5 is what `dvc.lock` says; it finds damage, and nobody who can choose both files is stopped by it.
"""

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tasks import lock
from tasks.lineage import registered
from tasks.lineage.collect import Lineage, outputs_of, weights_path
from tasks.lineage.copies import Copy, hash_all, of_file
from tasks.lineage.damage import where
from tasks.lineage.entries import stage_runs
from tasks.lineage.history import LOCK
from tasks.lineage.versions import Version


@dataclass
class Verified:
    """What was hashed, and what is not what it should be."""

    files: int = 0
    size_bytes: int = 0
    notes: list[str] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)


def verify(version: Version, *, lineage: Lineage, remote: Any = None, artifact: Path | None = None) -> Verified:
    """Hash all that `lineage.graph` holds behind `version` in the cache, the working tree and `remote` (an object
    database of DVC's), the locks in git, and what the registry keeps, with the weights in `artifact`."""
    result = Verified()
    outputs = _outputs(version, lineage=lineage)
    copies = [
        *_cached(outputs, lineage=lineage, result=result),
        *_working_tree(outputs, lineage=lineage, result=result),
    ]
    if remote is not None:
        copies += _remote(copies, remote=remote, result=result)
    _compare(copies, lineage=lineage, result=result)
    _locks(version, lineage=lineage, result=result)
    if artifact is not None:
        _registered(version, artifact=artifact, result=result)
    return result


def _registered(version: Version, *, artifact: Path, result: Verified) -> None:
    """The weights by the digest in the lock, and every file beside them by the one that it was registered with."""
    if (found := lock.digest_of(artifact)) != version.weights:
        result.findings.append(f"registry: the weights of {version.name} hash to {found}, not to {version.weights}")
    findings = registered.files(version, folder=artifact.parents[1])
    if findings is None:
        result.notes.append("it was registered without digests of the files beside the weights: they are not covered")
    result.findings += findings or []


def _compare(copies: list[Copy], *, lineage: Lineage, result: Verified) -> None:
    """Hash them, and name those that are not what they must be, with what of them is damaged."""
    hashed = hash_all(copies)
    sound = {copy.md5: copy for copy, found in hashed if found == copy.md5}
    result.files, result.size_bytes = len(hashed), sum(copy.size_bytes for copy, _ in hashed)
    for copy, found in hashed:
        if found != copy.md5:
            part = where(copy, sound=sound.get(copy.md5), cache=lineage.cache)
            result.findings.append(
                f"{copy.place}: {copy.what} ({copy.path}) hashes to {found}, not to {copy.md5}{part}"
            )


def _outputs(version: Version, *, lineage: Lineage) -> dict[str, dict[str, Any]]:
    """Data and weights behind `version`, by name."""
    nodes = (lineage.graph.nodes[name] for name in sorted(lineage.graph.behind([version.name])))
    return {node.name: dict(node.facts) for node in nodes if node.kind in ("data set", "checkpoint")}


def _cached(outputs: dict[str, dict[str, Any]], *, lineage: Lineage, result: Verified) -> list[Copy]:
    """Objects in the cache, listings of folders among them, each once."""
    found: dict[str, Copy] = {}
    for name, facts in outputs.items():
        digest = facts["digest"]
        listing = lineage.cache.listing(digest) if digest.endswith(".dir") else {}
        if listing is None:
            result.findings.append(f"cache: {name}: its listing {digest} is missing or damaged, `dvc pull` fetches it")
            continue
        for inner, md5 in [("", digest), *listing.items()]:
            path = lineage.cache.path(md5)
            if not path.is_file():
                result.findings.append(f"cache: {name}: {inner or 'itself'} ({md5}) is missing, `dvc pull` fetches it")
            elif md5 not in found:
                plain = md5.removesuffix(".dir")
                found[md5] = of_file(path, place="cache", output=name, folder=digest, inner=inner, md5=plain)
    return list(found.values())


def _working_tree(outputs: dict[str, dict[str, Any]], *, lineage: Lineage, result: Verified) -> list[Copy]:
    """Files that are checked out from this very revision, where they are not the cache's own by a link."""
    try:
        lock_text = (lineage.history.root / LOCK).read_text(encoding="utf-8")
        here = outputs_of(stage_runs(lock_text))
    except (OSError, ValueError) as error:
        result.findings.append(f"working tree: {LOCK} cannot be read: {error}")
        return []
    _compare_lock(lock_text, lineage=lineage, result=result)
    found = []
    for name, facts in outputs.items():
        if here.get(facts["path"]) != facts["digest"]:
            continue
        digest = facts["digest"]
        listing = lineage.cache.listing(digest) if digest.endswith(".dir") else {"": digest}
        for inner, md5 in (listing or {}).items():
            path, cached = lineage.history.root / facts["path"] / inner, lineage.cache.path(md5)
            if not path.is_file():
                result.findings.append(f"working tree: {name}: {inner} is missing, `dvc checkout` brings it back")
            elif not (cached.is_file() and path.samefile(cached)):
                found.append(of_file(path, place="working tree", output=name, folder=digest, inner=inner, md5=md5))
    return found


def _compare_lock(text: str, *, lineage: Lineage, result: Verified) -> None:
    """Name the entries in which the lock that lies here differs from the committed one."""
    head = lineage.history.locks.get(lineage.history.current["HEAD"])
    committed = lineage.lock(head) if head else {}
    here = stage_runs(text)
    for stage in sorted(set(committed) | set(here)):
        if (here[stage].text if stage in here else "") != (committed[stage].text if stage in committed else ""):
            result.findings.append(f"working tree: {LOCK} says other things of {stage} than the commit does")


def _remote(copies: list[Copy], *, remote: Any, result: Verified) -> list[Copy]:
    """The same objects where `dvc push` put them."""
    found = []
    for copy in copies:
        if copy.place == "cache":
            name = Path(copy.path)
            path = remote.oid_to_path(name.parent.name + name.name)
            if remote.fs.exists(path):
                found.append(replace(copy, place="remote", path=path, open=_Opener(remote.fs, path)))
            else:
                result.findings.append(f"remote: {copy.what} ({path}) is missing, `dvc push` sends it")
    return found


@dataclass(frozen=True)
class _Opener:
    filesystem: Any
    path: str

    def __call__(self) -> Any:
        return self.filesystem.open(self.path, "rb")


def _locks(version: Version, *, lineage: Lineage, result: Verified) -> None:
    """Git's own digest of every lock that names the weights."""
    commits = lineage.locks_with(version.weights) if weights_path(version) else []
    for blob in dict.fromkeys(lineage.history.locks[commit] for commit in commits):
        data = lineage.all_texts[blob]
        if hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest() != blob:
            result.findings.append(f"git: {LOCK} (blob {blob}) does not hash to its name")


def remote_of(root: Path) -> Any:
    """The object database of DVC's default remote; nothing where none is set."""
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    repo = Repo(str(root))
    if not repo.config["core"].get("remote"):
        return None
    try:
        return repo.cloud.get_remote_odb()
    except DvcException as error:
        raise ValueError(f"the DVC remote cannot be reached: {error}") from error
