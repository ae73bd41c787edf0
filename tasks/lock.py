"""What `dvc.lock` says was built, and from what: paths with their content digests."""

import hashlib
import json
import time
from dataclasses import dataclass
from pathlib import Path

import yaml

from tasks import paths

# Other stages run meanwhile, and DVC writes their entries in place: for a moment the file is cut short.
SETTLED_S = 0.2  # since the last change, after which it is whole
PATIENCE_S = 5.0  # for a file that changes all the time, or was cut short a moment ago


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
    give_up = time.monotonic() + PATIENCE_S
    while True:
        while 0 <= _age_s() < SETTLED_S and time.monotonic() < give_up:
            time.sleep(SETTLED_S / 4)
        try:
            content = yaml.load(file().read_text(encoding="utf-8"), Loader=yaml.CSafeLoader) or {}
            stages = content.get("stages", {}).values()
            return [Entry(_digests(stage.get("deps", [])), _digests(stage.get("outs", []))) for stage in stages]
        except (yaml.YAMLError, UnicodeDecodeError, AttributeError, TypeError, KeyError) as error:
            if time.monotonic() >= give_up or not 0 <= _age_s() < PATIENCE_S:
                raise ValueError(
                    f"{file()} is damaged, or holds the marks of a merge ({error}): `git checkout HEAD -- dvc.lock` "
                    "brings the committed one back, and `dvc repro` builds what it lacks"
                ) from error
        time.sleep(SETTLED_S)


def _age_s() -> float:
    return time.time() - file().stat().st_mtime


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
