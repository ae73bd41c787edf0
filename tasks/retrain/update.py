"""A source that moves: what is new where it lies, taken into its description.

What a download stage depends on is the description, `sources/<name>.yaml`, which pins every byte by the digest of a
list of digests, or by a commit. So a new object becomes a new line of that list: DVC sees the stage as out of date,
git keeps what was added when, and any revision can be built again as long as the objects are there.
"""

import os
import re
import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tasks import params, paths
from tasks.download import address, catalog, digests, listing, manifest, names
from tasks.download.address import Address
from tasks.download.catalog import Source
from tasks.download.collect import Job
from tasks.download.errors import FetchError
from tasks.download.progress import Bar, Meter
from tasks.download.transfer import Transfer, discard, parallel
from tasks.download.unpack import Limits
from tasks.retrain import watched
from tasks.retrain.remote import Bucket, Index, difference, head


@dataclass(frozen=True)
class Changes:
    """What differs between a source's description and what lies at its address."""

    source: str
    new: tuple[str, ...] = ()  # paths, sorted
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    commits: tuple[str, str] | None = None  # of a git source: before and now

    def __bool__(self) -> bool:
        return bool(self.new or self.changed or self.removed or self.commits)

    def text(self) -> str:
        """One line for people."""
        if not self:
            return f"{self.source}: nothing new"
        counted = f"{len(self.new)} new, {len(self.changed)} changed, {len(self.removed)} removed"
        return f"{self.source}: {counted}" + (f", commit {self.commits[1][:12]}" if self.commits else "")


def update_all() -> list[Changes]:
    """`update` of every watched source that takes part in the run. Raises as it does, and for a watch of no source."""
    names = watched.names()
    for name in names:
        catalog.load(name)
    taking_part = params.load().sources
    return [update(name) for name in names if name in taking_part]


def update(name: str, *, transfer: Transfer | None = None) -> Changes:
    """Bring the description of the watched source `name` up to date; only new and changed objects are fetched.

    They are left where the download stage looks for what an interrupted fetch has proven, with all others that it had,
    so that nothing comes over the network twice. Raises `ValueError` (a `FetchError` for the network) when the source
    cannot be watched or listed, or nothing is left of it; its description is then as it was.
    """
    source, watch = catalog.load(name), watched.load(name)
    where = address.parse(source.address)
    transfer = transfer or Transfer()
    if where.scheme == "git":
        return _follow(source, where, branch=watch.branch, transfer=transfer)
    if where.scheme not in ("s3", "https") or not where.folder or not source.files_list or source.also or watch.branch:
        raise ValueError(
            f"sources/watched/{name}.yaml: what can be watched is an s3:// or https:// folder with `files_list` and "
            "without `also`, or a git+https:// address with `branch`"
        )
    origin = Bucket(where, transfer=transfer) if where.scheme == "s3" else Index(where, transfer=transfer)
    try:
        tags = {path: tag for path, tag in sorted(origin.tags().items()) if watch.takes(path)}
        if not tags:
            raise ValueError(f"{source.address} holds nothing (any more) that sources/watched/{name}.yaml takes")
        names.check_all(tags, where=source.address)
        known, seen = listing.declared(source), watched.seen(name)
        same = {path: seen[path].sha256 for path, tag in tags.items() if path in seen and seen[path].tag == tag}
        wanted = [path for path in tags if path not in same]
        fetched = _fetch(origin, wanted, folder=paths.state() / "watched" / name, name=name, transfer=transfer)
    finally:
        origin.close()
    found = {path: same[path] if path in same else fetched[path][0] for path in tags}
    changes = Changes(
        name,
        new=tuple(path for path in found if path not in known),
        changed=tuple(path for path in found if path in known and found[path] != known[path]),
        removed=tuple(sorted(known.keys() - found.keys())),
    )
    if changes:
        _seed(source, where, found, fetched={path: place for path, (_, place) in fetched.items()}, transfer=transfer)
        _describe(source, found)
    if fetched or found.keys() != seen.keys():
        watched.remember(name, {path: watched.Seen(tags[path], found[path]) for path in tags})
    shutil.rmtree(paths.state() / "watched" / name, ignore_errors=True)
    return changes


def _follow(source: Source, where: Address, *, branch: str, transfer: Transfer) -> Changes:
    """Of a git address: the newest commit of the branch."""
    if not re.fullmatch(r"\w[\w./-]*", branch):
        raise ValueError(f"sources/watched/{source.name}.yaml: `branch` is {branch!r}; name the branch to follow")
    if source.files_list or source.files:
        raise ValueError(
            f"sources/{source.name}.yaml: the commit of a followed branch proves every file; take out "
            "`files` or `files_list`, whose digests would not be those of the next commit"
        )
    commit = head(where, branch, transfer=transfer)
    if commit == where.commit:
        return Changes(source.name)
    folder = paths.state() / "watched" / f"{source.name}.git"
    kinds = difference(where, commit, folder=folder, transfer=transfer)
    _replace(source, key="address", value=source.address.replace(f"@{where.commit}", f"@{commit}"))

    def of(kind: str) -> tuple[str, ...]:
        return tuple(sorted(path for path, found in kinds.items() if found in kind))

    return Changes(source.name, new=of("A"), changed=of("MT"), removed=of("D"), commits=(where.commit, commit))


def _fetch(
    origin: Bucket | Index, wanted: list[str], *, folder: Path, name: str, transfer: Transfer
) -> dict[str, tuple[str, Path]]:
    """Path → digest and place of each of `wanted`."""
    fetched: dict[str, tuple[str, Path]] = {}

    def one(number: int, path: str, bar: Meter) -> None:
        part = folder / str(number)
        discard(part)  # of an earlier look: another object may have had its number
        origin.get(path, part, bar=bar, threads=max(1, transfer.threads // len(wanted)))
        fetched[path] = (digests.of_file(part).sha256, part)
        bar.finished()

    folder.mkdir(parents=True, exist_ok=True)
    with Bar(f"new in {name}", unit="files", total=len(wanted)) as bar:
        jobs = [partial(one, number, path) for number, path in enumerate(wanted)]
        parallel(jobs, threads=transfer.threads, bar=bar)
    return fetched


def _seed(
    source: Source, where: Address, files: dict[str, str], *, fetched: dict[str, Path], transfer: Transfer
) -> None:
    """Lay out what the download stage will want where it keeps what an interrupted fetch has proven."""
    raw = paths.state() / "raw"
    job = Job(source.name, "", where, None, files, source.mirror, None, False, transfer, Limits())
    tree = raw / ".partial" / source.name / manifest.key([job])[:16] / "0" / "tree"
    for path in files:
        place = fetched.get(path) or raw / source.name / path
        if place.is_file():  # else the stage fetches it: it proves each file by its digest anyway
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            (tree / path).unlink(missing_ok=True)
            os.link(place, tree / path)


def _describe(source: Source, files: dict[str, str]) -> None:
    """The list of digests, and its own digest in the description."""
    assert source.files_list is not None
    file = paths.source_file(source.name).with_name(source.files_list)
    file.write_text("".join(f"{files[path]}  {path}\n" for path in sorted(files)), encoding="utf-8")
    _replace(source, key="files_list_sha256", value=digests.of_file(file).sha256)


def _replace(source: Source, *, key: str, value: str) -> None:
    """Write a value of the description anew; its comments and order stay."""
    file = paths.source_file(source.name)
    text, count = re.subn(rf"(?m)^{key}:.*$", f"{key}: {value}", file.read_text(encoding="utf-8"))
    if count != 1:
        raise FetchError(f"{file}: write `{key}: …` on one line of its own, at the left edge")
    partial_file = file.with_suffix(".partial")
    partial_file.write_text(text, encoding="utf-8")
    partial_file.replace(file)
