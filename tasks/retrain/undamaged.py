"""What DVC's cache holds of a worktree, hashed before anything is trained on it: DVC itself trusts the names there."""

import shutil
from functools import partial
from pathlib import Path

from tasks.lineage.cache import Cache
from tasks.lineage.collect import outputs_of
from tasks.lineage.entries import stage_runs
from tasks.lineage.history import LOCK
from tasks.lineage.verify import Copy, Verified, hash_all


def check(tree: Path) -> None:
    """Raises `ValueError` naming every object behind `dvc.lock` of `tree` whose bytes do not have the digest that it is
    called by. What was checked out of them is deleted, so that the next checkout is made anew."""
    if not (tree / LOCK).is_file():
        return
    cache, result = Cache(tree), Verified()
    outputs = outputs_of(stage_runs((tree / LOCK).read_text(encoding="utf-8"), memo={}))
    for path, digest in outputs.items():
        before = len(result.findings)
        hash_all([_copy(cache.path(md5), path, md5) for md5 in _of(cache, digest)], result=result)
        if len(result.findings) > before:
            shutil.rmtree(tree / path)
    if not result.findings:
        return
    raise ValueError(
        f"DVC's cache is damaged, and nothing was trained on it: {'; '.join(result.findings)}. Delete these files, and "
        "`dvc fetch` brings them from the remote (without one, `dvc repro --force STAGE` builds them anew); then run "
        "the same command again"
    )


def _of(cache: Cache, digest: str) -> list[str]:
    """An output's objects that are in the cache: those that are not are built or fetched when they are needed."""
    inner = cache.listing(digest) or {} if digest.endswith(".dir") else {}
    return [md5 for md5 in (digest, *inner.values()) if cache.path(md5).is_file()]


def _copy(place: Path, path: str, md5: str) -> Copy:
    return Copy("cache", str(place), path, md5.removesuffix(".dir"), place.stat().st_size, partial(place.open, "rb"))
