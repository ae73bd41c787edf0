"""What the registry keeps of a version, file by file: code, settings and signature beside the weights."""

import hashlib
from pathlib import Path

TAG = "artifact.md5"  # of a version, JSON: path → MD5 of every file, as it was registered
_LATER = ("registered_model_meta",)  # MLflow writes it when somebody fetches the version


def digests(folder: Path) -> dict[str, str]:
    """Path below `folder` → MD5, without what MLflow and Python put there later."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    found = {path.relative_to(folder).as_posix(): path for path in files}
    return {name: _md5(path) for name, path in found.items() if name not in _LATER}


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()
