"""Gathering the files of a source where nobody sees them yet, each proven before it counts.

A source is a whole commit (git), a folder of listed files (any address, or the mirror), or one file or archive.
"""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import sha256 as hash_of
from pathlib import Path, PurePosixPath

from tasks.download import digests, local, names, unpack
from tasks.download.address import Address
from tasks.download.digests import MAKE_LIST, Digest
from tasks.download.errors import FetchError
from tasks.download.progress import Bar, Meter
from tasks.download.transfer import Origin, Transfer, discard, parallel
from tasks.download.unpack import Limits


@dataclass(frozen=True)
class Job:
    """One address to gather files from: that of a source, or of one of its further parts."""

    name: str  # of the source
    folder: str  # where the files go below the published one; empty: at its top
    address: Address
    sha256: str | None  # of the one file at the address
    files: Mapping[str, str]  # path → sha256; empty: all that the archive or the commit holds
    mirror: str | None  # below SAR_TEXT_MIRROR
    place: str | None  # what to put there by hand, where no program gets it
    unwrap: bool  # leave out the one folder that an archive wraps everything in
    transfer: Transfer
    limits: Limits
    work: Path = Path()  # hidden from users, kept between attempts

    @property
    def tree(self) -> Path:
        """What is gathered here, in its final layout."""
        return self.work / "tree"

    def part(self, path: str) -> Path:
        """Where `path` is gathered until it is proven."""
        folder = self.work / "parts"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / hash_of(path.encode()).hexdigest()[:32]

    def mirrored(self) -> Path | None:
        """The mirror's copy, where a mirror is set and has one."""
        root = os.environ.get("SAR_TEXT_MIRROR")
        if not root or self.mirror is None:
            return None
        if not Path(root).is_dir():
            raise FetchError(
                f"SAR_TEXT_MIRROR is {root}, which is no folder: correct it, or unset it to use the address"
            )
        place = Path(root) / names.clean(self.mirror, where="mirror")
        return place if place.exists() else None


def collect(job: Job) -> dict[str, Digest]:
    """Fill `job.tree` and say what is in it. Raises `FetchError` for whatever keeps a file from being had or proven."""
    job.work.mkdir(parents=True, exist_ok=True)
    if job.address.scheme == "git" and not job.files:
        return _whole_commit(job)
    mirrored = job.mirrored()
    is_folder = job.address.folder or (job.address.scheme == "file" and local.path_of(job.address).is_dir())
    if job.files and (is_folder or (mirrored is not None and mirrored.is_dir())):
        return _folder(job, mirrored)
    return _single(job, mirrored)


def _whole_commit(job: Job) -> dict[str, Digest]:
    if (mirrored := job.mirrored()) is not None:
        raise FetchError(f"the mirror's copy {mirrored} cannot be proven by the commit alone. {MAKE_LIST}")
    shutil.rmtree(job.tree, ignore_errors=True)
    content: dict[str, Digest] = {}
    with Bar(f"fetch {job.name}", unit="files") as bar:
        folder, found = _clone(job, paths=(), bar=bar)
        for path in found:
            target = job.tree / path
            target.parent.mkdir(parents=True, exist_ok=True)
            content[path] = digests.of_file(folder / path)
            (folder / path).replace(target)
    return content


def _folder(job: Job, mirrored: Path | None) -> dict[str, Digest]:
    """Listed files: from the mirror what it has, the others from the address."""
    held = {path: _held(job.tree / path, sha256) for path, sha256 in job.files.items()}
    content = {path: digest for path, digest in held.items() if digest is not None}
    wanted = sorted(job.files.keys() - content.keys())
    here = [path for path in wanted if mirrored is not None and (mirrored / path).is_file()]
    others = sorted(set(wanted) - set(here))

    def bring(origin: Origin, paths: Sequence[str], title: str) -> None:
        threads = job.transfer.threads

        def one(path: str, bar: Meter) -> None:
            each = max(1, threads // len(paths))
            content[path] = _proven(job, origin, path, job.files[path], job.tree / path, bar=bar, threads=each)
            bar.finished()

        with Bar(title, unit="files", total=len(paths)) as bar:
            parallel([partial(one, path) for path in paths], threads=threads, bar=bar)

    if mirrored is not None and here:
        bring(local.Local(mirrored), here, f"fetch {job.name} from the mirror")
    if others:
        with _origin(job, others, missing_in_mirror=others) as origin:
            bring(origin, others, f"fetch {job.name}")
    return content


def _single(job: Job, mirrored: Path | None) -> dict[str, Digest]:
    """One file or archive, from the mirror or the address."""
    name = PurePosixPath(job.mirror or "").name if job.address.scheme == "manual" else job.address.file_name
    if mirrored is not None and mirrored.is_dir():
        if not (mirrored / name).is_file():
            raise FetchError(
                f"the mirror's folder {mirrored} holds no {name!r}, and without a list its files cannot be proven. "
                f"{MAKE_LIST}"
            )
        mirrored = mirrored / name
    file = job.work / "archive" / name
    with Bar(f"fetch {job.name}") as bar:
        if mirrored is not None:
            digest = _proven(job, local.Local(mirrored), "", job.sha256, file, bar=bar, threads=1)
        else:
            with _origin(job, (), missing_in_mirror=[name]) as origin:
                digest = _proven(job, origin, "", job.sha256, file, bar=bar, threads=job.transfer.threads)
    shutil.rmtree(job.tree, ignore_errors=True)
    job.tree.mkdir()
    if unpack.kind(file) is None:
        content = {name: digest}
        if job.files and set(job.files) != {name}:
            raise FetchError(f"the address is one file, {name!r}, and no archive: `files` can name only that")
        file.replace(job.tree / name)
    else:
        title = f"unpack {job.name}"
        content = unpack.unpack(file, job.tree, only=job.files, limits=job.limits, title=title)
    for path, sha256 in job.files.items():
        if content[path].sha256 != sha256:
            if job.sha256 is None:  # else the archive is right, and it is the list that is wrong
                file.unlink()
            raise FetchError(_wrong(job, f"{path} in {name}", got=content[path].sha256, wanted=sha256))
    return _unwrapped(job, content) if job.unwrap else content


def _unwrapped(job: Job, content: Mapping[str, Digest]) -> dict[str, Digest]:
    """Without the one folder that holds everything; as it is where there is no such folder."""
    tops = {path.partition("/")[0] for path in content}
    if len(tops) > 1 or any("/" not in path for path in content):
        return dict(content)
    top = tops.pop()
    wrapped = job.work / "wrapped"
    shutil.rmtree(wrapped, ignore_errors=True)  # of a run that was killed between here and the end
    job.tree.replace(wrapped)
    (wrapped / top).replace(job.tree)
    wrapped.rmdir()
    return {path.removeprefix(f"{top}/"): digest for path, digest in content.items()}


def _proven(
    job: Job, origin: Origin, path: str, sha256: str | None, target: Path, *, bar: Meter, threads: int
) -> Digest:
    """Bring `path` from `origin` to `target`, which appears only if its sha256 is right (None: the caller checks)."""
    if sha256 is not None and (held := _held(target, sha256)) is not None:
        return held
    part = job.part(path)
    resumed = part.exists()
    origin.get(path, part, bar=bar, threads=threads)
    digest = digests.of_file(part)
    if sha256 is not None and digest.sha256 != sha256 and resumed:  # the older part may be what is wrong: once anew
        discard(part)
        origin.get(path, part, bar=bar, threads=threads)
        digest = digests.of_file(part)
    if sha256 is not None and digest.sha256 != sha256:
        discard(part)
        raise FetchError(_wrong(job, origin.place(path), got=digest.sha256, wanted=sha256, size=digest.size))
    target.parent.mkdir(parents=True, exist_ok=True)
    part.replace(target)
    discard(part)
    return digest


def _held(target: Path, sha256: str) -> Digest | None:
    """What an interrupted run has proven already."""
    if not target.is_file():
        return None
    digest = digests.of_file(target)
    return digest if digest.sha256 == sha256 else None


def _wrong(job: Job, what: str, *, got: str, wanted: str, size: int | None = None) -> str:
    of_size = f" ({size:,} bytes)" if size is not None else ""
    deleted = " and our copy is deleted" if size is not None else ""
    return (
        f"wrong digest: {what}{of_size} has sha256 {got}, but {wanted} is expected. It was damaged or cut on the way, "
        f"or changed where it lies. Nothing was published{deleted}: run the command again; if it stays so and "
        f"you trust the new file, put its digest into sources/{job.name}.yaml or its list"
    )


@contextmanager
def _origin(job: Job, paths: Sequence[str], *, missing_in_mirror: Sequence[str]) -> Iterator[Origin]:
    """Where the address points. Its errors say so if a mirror is set and lacks the files."""
    origin: Origin | None = None
    try:
        origin = _open(job, paths)
        yield origin
    except FetchError as error:
        root = os.environ.get("SAR_TEXT_MIRROR")
        if job.mirror is None or job.address.scheme == "manual" or not (root or job.place):
            raise
        by_hand = f". {job.place}" if job.place else ""
        lacks = f" (the mirror has no {missing_in_mirror[0]!r} at {Path(root) / job.mirror})" if root else ""
        raise FetchError(f"{error}{lacks}{by_hand}") from error
    finally:
        if origin is not None:
            origin.close()


def _open(job: Job, paths: Sequence[str]) -> Origin:
    match job.address.scheme:
        case "manual":
            raise FetchError(_by_hand(job, paths))
        case "file":
            return local.open_address(job.address)
        case "git":
            with Bar(f"fetch {job.name} by git", unit="files") as bar:
                return local.Local(_clone(job, paths=paths, bar=bar)[0])
        case "s3":
            from tasks.download.s3 import S3

            return S3(job.address, transfer=job.transfer)
        case "https":
            from tasks.download.https import Https

            return Https(job.address, transfer=job.transfer)


def _by_hand(job: Job, paths: Sequence[str]) -> str:
    """What to place where, for a source that no program can fetch."""
    root = os.environ.get("SAR_TEXT_MIRROR")
    place = Path(root or "$SAR_TEXT_MIRROR") / (job.mirror or "")
    lacks = f"{len(paths)} of its files, the first {paths[0]!r}, are missing at" if paths else "there is nothing at"
    unset = "" if root else " SAR_TEXT_MIRROR is not set: set it to a folder for what is placed by hand."
    return (
        f"no program can fetch it, and {lacks} {place}.{unset} {job.place} A bucket will do as well: put the same "
        f"files there and write its s3:// address in place of `manual` in sources/{job.name}.yaml"
    )


def _clone(job: Job, *, paths: Sequence[str], bar: Bar) -> tuple[Path, list[str]]:
    from tasks.download.git import Repository

    return Repository(job.address, job.work / "git", transfer=job.transfer).checkout(paths=paths, bar=bar)
