"""What `dvc.lock` says was built: path of an output → its content digest."""

from pathlib import Path

import yaml

from tasks import paths


def file() -> Path:
    return paths.root() / "dvc.lock"


def output_digests() -> dict[str, str]:
    """Digest of every stage output. Raises `ValueError` when nothing was built yet."""
    if not file().is_file():
        raise ValueError(f"{file()} does not exist: nothing was built yet; run `dvc repro`")
    stages = (yaml.load(file().read_text(encoding="utf-8"), Loader=yaml.CSafeLoader) or {}).get("stages", {})
    return {out["path"]: out["md5"] for stage in stages.values() for out in stage.get("outs", [])}
