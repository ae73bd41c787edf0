"""Evidence for one stage run: which commit's code it ran, with which settings and environment, seen by which run."""

import hashlib
from datetime import UTC, datetime
from typing import Any

from tasks.lineage import versions
from tasks.lineage.collect import Lineage
from tasks.lineage.entries import StageRun

ENVIRONMENT = "requirements.lock"


def of_run(run: StageRun, *, lineage: Lineage) -> dict[str, Any]:
    """What is known of `run`; what cannot be proved becomes a problem of it."""
    commit = lineage.first_commits[run.name]
    revision = lineage.commits[commit]
    return {
        "stage": run.stage,
        "entry": run.name.rsplit(" ", 1)[1],
        "code revision": commit,
        "committed": when(revision.time_s),
        "author": revision.author,
        "subject": revision.subject,
        "code files": _code(run, commit=commit, lineage=lineage),
        "parameters": run.params(),
        "environment": _environment(commit, lineage=lineage),
        "read": dict(run.inputs),
        "wrote": dict(run.outputs),
        "mlflow": _tracked(run, lineage=lineage),
    }


def when(time_s: float) -> str:
    return datetime.fromtimestamp(time_s, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _code(run: StageRun, *, commit: str, lineage: Lineage) -> dict[str, Any]:
    """How many code files the lock lists, and which commit has those that the first one does not."""
    wanted = run.code()
    files = wanted | {path: digest for path, digest in run.inputs.items() if path.startswith("sources/")}
    at = lineage.history.md5_at(list(files), commit=commit)
    elsewhere = {}
    for path in [path for path, md5 in files.items() if at[path] != md5]:
        found = lineage.history.commit_with(path, files[path])
        elsewhere[path] = found
        if found is None:
            lineage.problems[run.name].append(
                f"{path}, as it was when {run.stage} ran ({files[path]}), is in no commit"
            )
    return {"files": len(wanted), "as in the code revision": len(files) - len(elsewhere), "as in another": elsewhere}


def _environment(commit: str, *, lineage: Lineage) -> dict[str, Any]:
    data = lineage.history.file(ENVIRONMENT, commit=commit)
    if data is None:
        return {}
    packages = sum(1 for line in data.decode().splitlines() if line[:1].isalnum())
    return {"file": ENVIRONMENT, "sha256": hashlib.sha256(data).hexdigest(), "packages": packages}


def _tracked(run: StageRun, *, lineage: Lineage) -> list[dict[str, Any]]:
    """Finished MLflow runs of the stage that name exactly the outputs that it read."""
    facts = [lineage.graph.nodes[name].facts for name in lineage.graph.made_of[run.name]]
    read = {fact["path"]: fact["digest"] for fact in facts if not fact["path"].startswith(("sources/", "reviews"))}
    found = []
    for tracked in versions.runs_of(run.stage):
        tags = tracked.data.tags
        named = {key.removeprefix("dvc.input."): tag for key, tag in tags.items() if key.startswith("dvc.input.")}
        if named == read and tracked.info.status == "FINISHED":
            found.append(
                {
                    "run": tracked.info.run_id,
                    "started": when(tracked.info.start_time / 1000),
                    "seconds": round((tracked.info.end_time - tracked.info.start_time) / 1000, 1),
                    "git.commit": tags.get("git.commit", ""),
                }
            )
    return found
