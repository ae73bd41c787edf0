"""From a source's description to a folder with its files, every byte proven.

`raw_root/<source>/` appears by one rename, complete, with `manifest.json` in it; work goes on in `raw_root/.partial/`,
where an interrupted fetch goes on when it is run again. The mirror (`SAR_TEXT_MIRROR` and the source's `mirror`) is
looked in first. What proves a file is its sha256, or for git the commit.
"""

import errno
import shutil
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from filelock import FileLock

from tasks import paths
from tasks.download import address, digests, manifest, names
from tasks.download.address import Address
from tasks.download.catalog import Source, is_pinned
from tasks.download.collect import Job, collect
from tasks.download.digests import MAKE_LIST, Digest
from tasks.download.errors import FetchError
from tasks.download.transfer import Transfer
from tasks.download.unpack import Limits

_TRANSFER, _LIMITS = Transfer(), Limits()


def fetch(
    source: Source,
    *,
    raw_root: Path,
    verify: bool = False,
    transfer: Transfer = _TRANSFER,
    limits: Limits = _LIMITS,
) -> Path:
    """The folder `raw_root/<source.name>` with exactly the files that `source` describes, fetched if need be.

    A folder whose manifest names the same addresses and digests is left as it is, if names and sizes agree (with
    `verify`: the sha256 of every file); else it is replaced. The files of the parts in `source.also` lie in folders
    of their own below. Raises `FetchError`, a `ValueError` that says what to do, for whatever keeps the source from
    being had; `raw_root/<source.name>` is then as it was before.
    """
    assert source.name, "a source is loaded by tasks.download.catalog.load, which names it"
    try:
        return _fetch(source, raw_root=raw_root, verify=verify, transfer=transfer, limits=limits)
    except FetchError as error:
        raise FetchError(f"source '{source.name}': {error}") from error
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise FetchError(
            f"source '{source.name}': the disk of {raw_root} is full: make room and run the same command again, it "
            "goes on where it stopped"
        ) from error


def _fetch(source: Source, *, raw_root: Path, verify: bool, transfer: Transfer, limits: Limits) -> Path:
    published, hidden = raw_root / source.name, raw_root / ".partial"
    jobs = _jobs(source, transfer=transfer, limits=limits)
    key = manifest.key(jobs)
    jobs = [replace(job, work=hidden / source.name / key[:16] / str(number)) for number, job in enumerate(jobs)]
    hidden.mkdir(parents=True, exist_ok=True)
    with FileLock(hidden / f"{source.name}.lock"):
        if published.exists():
            fault = manifest.fault(published, key=key, verify=verify)
            if fault is None:
                return published
            print(f"{source.name}: fetching again, for {fault}", file=sys.stderr)
        gathered = [collect(job) for job in jobs]
        tree, content = _merge(jobs, gathered)
        if digests.MANIFEST in content:
            raise FetchError(
                f"it has a file '{digests.MANIFEST}' at its top, where ours must stand: list the files you want in "
                "`files_list` without it, or give an address whose top lies higher"
            )
        manifest.write(tree, content, jobs=jobs)
        if published.exists():
            replaced = hidden / source.name / "replaced"
            shutil.rmtree(replaced, ignore_errors=True)
            published.replace(replaced)
        tree.replace(published)  # one rename: the folder is there with all of its files, or not at all
        shutil.rmtree(hidden / source.name)
    return published


def _jobs(source: Source, *, transfer: Transfer, limits: Limits) -> list[Job]:
    """What is to be gathered, checked as far as the description alone allows."""
    if source.files and source.files_list:
        raise FetchError("give `files` or `files_list`, not both")
    if source.files_list:
        listed_in = paths.source_file(source.name).with_name(source.files_list)
        files = digests.read_list(listed_in, sha256=source.files_list_sha256)
    else:
        files = _checked(source.files, where="files")
    names.check_all(files, where=source.files_list or "files")
    sha256 = digests.check_hex(source.sha256, where="sha256") if source.sha256 is not None else None
    asked = [("", source.address, sha256, files, source.mirror, source.place)]
    if source.address == "manual" and not is_pinned(source):
        raise FetchError(_pin(source))
    for part in source.also:
        if part.folder in [folder for folder, *_ in asked]:
            raise FetchError(f"two parts of `also` have the folder '{part.folder}'")
        listed = _checked(part.files, where=f"also: {part.folder}: files")
        asked.append((part.folder, part.address, None, listed, part.mirror, None))
    jobs = []
    for folder, text, digest, listed, mirror, place in asked:
        where = address.parse(text)
        _check_provable(where, digest, listed)
        unwrap = source.unwrap and not folder
        jobs.append(Job(source.name, folder, where, digest, listed, mirror, place, unwrap, transfer, limits))
    return jobs


def _checked(files: Mapping[str, str], *, where: str) -> dict[str, str]:
    names.check_all(files, where=where)
    return {path: digests.check_hex(sha256, where=f"{where}: {path}") for path, sha256 in files.items()}


def _pin(source: Source) -> str:
    """How a source placed by hand is pinned: without digests nobody could say later what was built from it."""
    place = f"$SAR_TEXT_MIRROR/{source.mirror}"
    return (
        f"it is placed by hand and nothing pins its bytes yet. 1. {source.place} 2. Pin what you placed: run "
        f'`sar-text digests "{place}" --out sources/{source.name}.sha256` and put the two lines that it prints '
        f"(files_list, files_list_sha256) into sources/{source.name}.yaml; or leave a zip or tar archive packed, name "
        "it in `mirror` and give its `sha256`. Then run the same command again"
    )


def _check_provable(where: Address, sha256: str | None, files: Mapping[str, str]) -> None:
    """Refuse a source of which nothing could be checked, before a byte is fetched."""
    if sha256 is not None and where.folder:
        raise FetchError(
            "`sha256` is of one file or archive, but the address names a folder: give `files` or `files_list`"
        )
    if files or where.scheme == "git":
        return
    if where.folder:
        raise FetchError(f"its address is a folder, so `files` or `files_list` must say what is in it. {MAKE_LIST}")
    if sha256 is None:
        raise FetchError(f"nothing says what its bytes must be: give `sha256` of the file at the address. {MAKE_LIST}")


def _merge(jobs: list[Job], gathered: list[dict[str, Digest]]) -> tuple[Path, dict[str, Digest]]:
    """One tree of what all jobs gathered, and what is in it."""
    tree, content = jobs[0].tree, dict(gathered[0])
    for job, files in zip(jobs[1:], gathered[1:], strict=True):
        if any(path.split("/")[0] == job.folder for path in gathered[0]):
            raise FetchError(f"it has a '{job.folder}' of its own at its top: give the part of `also` another folder")
        place = tree / job.folder
        shutil.rmtree(place, ignore_errors=True)  # of a run that was killed between here and the end
        job.tree.replace(place)
        content |= {f"{job.folder}/{path}": digest for path, digest in files.items()}
    return tree, content
