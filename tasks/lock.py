"""What `dvc.lock` says was built, and from what: paths with their content digests."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import yaml

from tasks import paths


@dataclass(frozen=True)
class Entry:
    """What a stage read and wrote when it last ran: path → digest."""

    read: dict[str, str]
    wrote: dict[str, str]


def file() -> Path:
    return paths.root() / "dvc.lock"


def output_digests() -> dict[str, str]:
    """Digest of every stage output. Raises `ValueError` as `entries` does."""
    return {path: digest for entry in entries() for path, digest in entry.wrote.items()}


def entries() -> list[Entry]:
    """Every stage that ran. Raises `ValueError` when nothing was built yet, or the file is damaged."""
    if not file().is_file():
        raise ValueError(f"{file()} does not exist: nothing was built yet; run `dvc repro`")
    try:
        stages = (yaml.load(file().read_text(encoding="utf-8"), Loader=yaml.CSafeLoader) or {}).get("stages", {})
        return [Entry(_digests(stage.get("deps", [])), _digests(stage.get("outs", []))) for stage in stages.values()]
    except (yaml.YAMLError, UnicodeDecodeError, AttributeError, TypeError, KeyError) as error:
        raise ValueError(
            f"{file()} is damaged, or holds the marks of a merge ({error}): `git checkout HEAD -- dvc.lock` brings the "
            "committed one back, and `dvc repro` builds what it lacks"
        ) from error


def _digests(files: list[dict[str, str]]) -> dict[str, str]:
    return {file["path"]: file["md5"] for file in files}


def digest_of(path: Path) -> str:
    """The digest that DVC gives the file or folder `path` as it lies here: MD5, of a folder over its sorted listing."""
    if path.is_file():
        return _md5(path)
    files = {file.relative_to(path).as_posix(): file for file in path.rglob("*") if file.is_file()}
    listing = [{"md5": _md5(files[name]), "relpath": name} for name in sorted(files)]
    return hashlib.md5(json.dumps(listing, sort_keys=True).encode()).hexdigest() + ".dir"


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()
