"""What DVC's cache holds of a worktree, hashed before anything is trained on it: DVC itself trusts the names there."""

import shutil
from pathlib import Path

from tasks.lineage.cache import Cache
from tasks.lineage.collect import outputs_of
from tasks.lineage.copies import Copy, hash_all, of_file
from tasks.lineage.entries import stage_runs
from tasks.lineage.history import LOCK


def check(tree: Path) -> None:
    """Raises `ValueError` naming every object behind `dvc.lock` of `tree` whose bytes do not have the digest that it is
    called by. What was checked out of them is deleted, so that the next checkout is made anew."""
    if not (tree / LOCK).is_file():
        return
    cache = Cache(tree)
    damaged: list[str] = []
    for path, digest in outputs_of(stage_runs((tree / LOCK).read_text(encoding="utf-8"))).items():
        wrong = [
            f"{copy.output} ({copy.path}) hashes to {found}"
            for copy, found in hash_all(_objects(cache, path, digest))
            if found != copy.md5
        ]
        if wrong and (tree / path).is_dir():
            shutil.rmtree(tree / path)
        elif wrong:
            (tree / path).unlink(missing_ok=True)
        damaged += wrong
    if damaged:
        raise ValueError(
            f"DVC's cache is damaged, and nothing was trained on it: {'; '.join(damaged)}. Delete these files, and "
            "`dvc fetch` brings them from the remote (without one, `dvc repro --force STAGE` builds them anew); then "
            "run the same command again"
        )


def _objects(cache: Cache, path: str, digest: str) -> list[Copy]:
    """An output's objects that are in the cache: those that are not are built or fetched when they are needed."""
    inner = cache.listing(digest) or {} if digest.endswith(".dir") else {}
    return [
        of_file(place, place="cache", output=path, folder=digest, inner=name, md5=md5.removesuffix(".dir"))
        for name, md5 in {"": digest, **inner}.items()
        if (place := cache.path(md5)).is_file()
    ]
