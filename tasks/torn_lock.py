"""The file in which DVC keeps who reads and writes what: cut short by a full disk or a kill, it stops every command."""

import json
from pathlib import Path

NAME = "rwlock"


def drop(root: Path) -> None:
    """Delete it in the repository at `root` where it is no JSON: nothing is known from it any more.

    DVC's own guard is held meanwhile, for DVC writes the file in place.
    """
    from dvc.lock import make_lock

    folder = root / ".dvc" / "tmp"
    file = folder / NAME
    if not file.is_file():
        return
    with make_lock(str(folder / f"{NAME}.lock"), tmp_dir=str(folder)):
        try:
            json.loads(file.read_bytes())
        except ValueError:
            file.unlink()
