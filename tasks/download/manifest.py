"""`manifest.json` of a published folder: what it holds, and by which address and digests that was proven.

It is the same wherever the bytes came from (address or mirror), and it is written last.
"""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from tasks.download import digests
from tasks.download.collect import Job
from tasks.download.digests import MANIFEST, Digest

_VERSION = 1


def key(jobs: Sequence[Job]) -> str:
    """Names the content that a source file asks for: another address or digest gives another key."""
    asked = [
        [job.folder, job.address.text, job.sha256, dict(job.files), *(["unwrap"] if job.unwrap else [])] for job in jobs
    ]
    return hashlib.sha256(json.dumps([_VERSION, asked], sort_keys=True).encode()).hexdigest()


def write(folder: Path, content: Mapping[str, Digest], *, jobs: Sequence[Job]) -> None:
    """Write the manifest of `folder`, whose files are `content`, as `jobs` gathered them."""
    document = {
        "version": _VERSION,
        "key": key(jobs),
        "from": [
            {
                "folder": job.folder,
                "address": job.address.text,
                "commit": job.address.commit or None,
                "sha256": job.sha256,
            }
            for job in jobs
        ],
        "files": {path: {"sha256": content[path].sha256, "size": content[path].size} for path in sorted(content)},
    }
    with (folder / MANIFEST).open("w", encoding="utf-8") as file:
        json.dump(document, file, indent=1, ensure_ascii=False)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())


def fault(folder: Path, *, key: str, verify: bool) -> str | None:
    """Why `folder` is not what `key` asks for; None where it is.

    Names and sizes of all files are compared, with `verify` their digests too.
    """
    if not (folder / MANIFEST).is_file():
        return "it has no manifest"
    try:
        document = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if document["key"] != key:
            return "its address or digests were others"
        files = {path: Digest(entry["sha256"], entry["size"]) for path, entry in document["files"].items()}
    except (json.JSONDecodeError, KeyError, TypeError, AttributeError):
        return "its manifest is damaged"
    found = {place.relative_to(folder).as_posix(): place for place in folder.rglob("*") if not place.is_dir()}
    del found[MANIFEST]
    odd = sorted(found.keys() ^ files.keys())
    if odd:
        return f"{odd[0]} was {'added' if odd[0] in found else 'removed'}"
    for path, digest in files.items():
        if found[path].stat().st_size != digest.size or (verify and digests.of_file(found[path]) != digest):
            return f"{path} was changed"
    return None
