"""What faults are put into: commands of the project, each made to have something to do, and what it then must leave."""

import hashlib
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil
import yaml

from benchmarks.faults.commands import Ended, run
from benchmarks.faults.project import Project
from tasks import lock

CACHE, TREE = ".dvc/cache", ".state/retrain/tree"


@dataclass(frozen=True)
class Work:
    """One command of the project."""

    name: str
    command: tuple[str, ...]  # python -m …
    prepare: Callable[[Project], None]
    outputs: Callable[[Project], dict[str, str]]  # path → digest of the bytes that lie there
    limit_s: float = 300.0

    def run(
        self,
        project: Project,
        *,
        meanwhile: Callable[[psutil.Process], None] | None = None,
        place: Mapping[str, str] | None = None,
    ) -> Ended:
        """To its end, with the settings `place` besides the project's."""
        settings = project.environment(**(place or {}))
        return run(
            self.command, cwd=project.root, environment=settings, limit_s=self.limit_s, meanwhile=meanwhile
        )  # fmt: skip


def stage(name: str) -> Work:
    """One stage of the graph, alone."""
    command = ("dvc", "repro", "--single-item", name)
    return Work(name, command, lambda project: forget(project, name), lambda project: built(project.root))


def stages(project: Project) -> list[str]:
    """Names of all stages that were built."""
    return list(_locked(project.folder / "built"))


def built(root: Path) -> dict[str, str]:
    """Every output that `dvc.lock` names → the digest of what lies there, or what is wrong with it."""
    found = {}
    for entry in _locked(root).values():
        for out in entry.get("outs", []):
            place = root / out["path"]
            digest = lock.digest_of(place) if place.exists() else "missing"
            found[out["path"]] = digest if digest == out["md5"] else f"{digest}, while dvc.lock says {out['md5']}"
    return found


def forget(project: Project, *names: str) -> None:
    """Make stages out of date, as if they had never run: no outputs, no lock, no run in DVC's cache."""
    content = yaml.safe_load((project.root / "dvc.lock").read_text(encoding="utf-8"))
    for name in names:
        for out in content["stages"].pop(name)["outs"]:
            place = project.root / out["path"]
            shutil.rmtree(place) if place.is_dir() else place.unlink()
    (project.root / "dvc.lock").write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    shutil.rmtree(project.root / CACHE / "runs", ignore_errors=True)


def _locked(root: Path) -> dict[str, dict[str, list[dict[str, str]]]]:
    content = yaml.safe_load((root / "dvc.lock").read_text(encoding="utf-8")) or {}
    return dict(content.get("stages", {}))


def _forget_download(project: Project) -> None:
    forget(project, "download@chips")
    shutil.rmtree(project.state / "raw")


def _forget_some_and_the_registry(project: Project) -> None:
    forget(project, "narrate@chips", "finetune@clip", "evaluate")
    (project.state / "mlflow.db").unlink()
    shutil.rmtree(project.state / "mlartifacts")


def _empty_remote(project: Project) -> None:
    for key in project.bucket.objects():
        if key.startswith("dvc/"):
            project.bucket.delete(key)


def _empty_cache(project: Project) -> None:
    for name in (CACHE, "data", "models"):
        shutil.rmtree(project.root / name)


def _pins(project: Project) -> dict[str, str]:
    return {name: lock.digest_of(project.root / name) for name in ("sources/chips.yaml", "sources/chips.sha256")}


def _remote(project: Project) -> dict[str, str]:
    return {
        key: hashlib.md5(content).hexdigest()
        for key, content in project.bucket.objects().items()
        if key.startswith("dvc/")
    }


def _retrained(project: Project) -> dict[str, str]:
    """What lies in the worktree, what was sent, and that the newest branch says so."""
    names = project.git("for-each-ref", "--sort=-version:refname", "--format=%(refname)", "refs/heads/retrain/").split()
    committed = yaml.safe_load(project.git("show", f"{names[0]}:dvc.lock"))["stages"]
    here = _locked(project.root / TREE)
    other = {f"branch: {name}": "another lock" for name in here if committed.get(name) != here[name]}
    return built(project.root / TREE) | _remote(project) | other


DOWNLOAD = Work("download@chips", stage("download@chips").command, _forget_download, lambda at: built(at.root))
WATCH = Work("watch", ("flows.cli", "watch"), Project.publish_new_chips, _pins)
PUSH = Work("push", ("dvc", "push"), _empty_remote, _remote)
PULL = Work("pull", ("dvc", "pull"), _empty_cache, lambda at: built(at.root))
PIPELINE = Work("pipeline", ("flows.repro",), _forget_some_and_the_registry, lambda at: built(at.root), 900.0)
RETRAIN = Work("retrain", ("flows.cli", "retrain"), Project.publish_new_chips, _retrained, 1800.0)
