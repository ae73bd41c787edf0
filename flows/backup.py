"""`sar-text backup` and `restore`: an installation of `make up` as one folder, and back."""

import argparse
import os
from collections.abc import Callable
from pathlib import Path

from flows import mlflow_server, server

Add = Callable[[str, Callable[[argparse.Namespace], None], str], argparse.ArgumentParser]


def add_commands(add: Add) -> None:
    """Add both to the `sar-text` command."""
    backup = add("backup", _backup, "copy databases, artifacts, git history and DVC's objects into a new folder")
    backup.add_argument("folder", type=Path, help="that is not there yet; servers may run meanwhile")
    restore = add("restore", _restore, "bring a backup into a fresh clone of it, after every digest is checked")
    restore.add_argument("folder", type=Path)


def _backup(arguments: argparse.Namespace) -> None:
    from tasks.backup.archive import backup

    made = backup(arguments.folder.resolve(), database_url=os.environ.get("DATABASE_URL"))
    kept = f"DVC's objects are on its remote '{made.remote}'" if made.remote else "DVC's objects are in it"
    print(f"{made.folder}: {made.files} files, {made.size_bytes / 1e6:.1f} MB; {kept}")
    if made.not_committed:
        print(
            f"not in it, for they are not committed: {len(made.not_committed)} files, such as {made.not_committed[0]}"
        )


def _restore(arguments: argparse.Namespace) -> None:
    from tasks.backup.archive import restore

    for name, running in (("Prefect", server.running()), ("MLflow", mlflow_server.running())):
        if running:
            raise ValueError(f"the {name} server of this checkout runs: `make down` first, then restore")
    restore(arguments.folder.resolve(), database_url=os.environ.get("DATABASE_URL"))
    print("restored; next: `make up`, and `sar-text audit MODEL@champion --verify`")
