"""Which files a source consists of: what its description declares, and what lies in its fetched folder."""

import os
from pathlib import Path

from tasks import paths
from tasks.download import digests, names
from tasks.download.catalog import Source


def declared(source: Source) -> dict[str, str]:
    """Path → sha256 of the files that the description names, those of its parts below their folders; empty: all.

    Raises `ValueError` when `files_list` is missing or malformed, or a path is named twice or leaves the folder.
    """
    files = dict(source.files)
    if source.files_list is not None:
        listed = paths.source_file(source.name).with_name(source.files_list)
        files |= digests.read_list(listed, sha256=source.files_list_sha256)
    if files:
        for part in source.also:
            files |= {f"{part.folder}/{path}": digest for path, digest in part.files.items()}
    names.check_all(files, where=f"sources/{source.name}.yaml")
    return files


def present(root: Path) -> list[str]:
    """POSIX paths of all files below `root`, sorted, less hidden ones and the manifest; links are not entered."""
    found = []
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        base = Path(folder).relative_to(root)
        found += [(base / name).as_posix() for name in files if not name.startswith(".")]
    return sorted(path for path in found if path != digests.MANIFEST)
