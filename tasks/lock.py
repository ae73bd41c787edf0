"""What `dvc.lock` says was built: path of an output → its content digest."""

import hashlib
import json
from pathlib import Path

import yaml

from tasks import paths


def file() -> Path:
    return paths.root() / "dvc.lock"


def output_digests() -> dict[str, str]:
    """Digest of every stage output. Raises `ValueError` when nothing was built yet, or the file is damaged."""
    if not file().is_file():
        raise ValueError(f"{file()} does not exist: nothing was built yet; run `dvc repro`")
    try:
        stages = (yaml.load(file().read_text(encoding="utf-8"), Loader=yaml.CSafeLoader) or {}).get("stages", {})
        return {out["path"]: out["md5"] for stage in stages.values() for out in stage.get("outs", [])}
    except (yaml.YAMLError, UnicodeDecodeError, AttributeError, TypeError, KeyError) as error:
        raise ValueError(
            f"{file()} is damaged, or holds the marks of a merge ({error}): `git checkout HEAD -- dvc.lock` brings the "
            "committed one back, and `dvc repro` builds what it lacks"
        ) from error


def digest_of(path: Path) -> str:
    """The digest that DVC gives the file or folder `path` as it lies here: MD5, of a folder over its sorted listing."""
    if path.is_file():
        return _md5(path)
    files = sorted((file for file in path.rglob("*") if file.is_file()), key=lambda file: file.relative_to(path).parts)
    listing = [{"md5": _md5(file), "relpath": file.relative_to(path).as_posix()} for file in files]
    return hashlib.md5(json.dumps(listing, sort_keys=True).encode()).hexdigest() + ".dir"


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()
