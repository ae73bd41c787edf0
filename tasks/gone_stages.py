"""Stages that are no more: DVC keeps their entries in `dvc.lock` for good, and with them data of no use to any stage.

Who reads the lock later, such as an audit after a source was withdrawn, would find them at every revision.
"""

from pathlib import Path


def drop(root: Path) -> list[str]:
    """Take the entries of stages that `dvc.yaml` has not, with the settings as they are, out of the lock in `root`;
    returns their names. Raises `ValueError` while another command of DVC is at work."""
    from dvc.lock import LockError
    from dvc.repo import Repo
    from dvc.utils.serialize import load_yaml, modify_yaml

    file = root / "dvc.lock"
    if not file.is_file():
        return []
    try:
        with Repo(str(root)) as repo, repo.lock:
            there = {getattr(stage, "name", None) for stage in repo.index.stages}
            gone = sorted(load_yaml(file).get("stages", {}).keys() - there)
            if gone:
                with modify_yaml(file) as content:
                    for name in gone:
                        del content["stages"][name]
    except LockError as error:
        raise ValueError(f"another command of DVC is at work in {root}: run this again when it has ended") from error
    return gone
