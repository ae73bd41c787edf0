"""What stands behind a model version, each answer with its evidence, and a finding for each that cannot be given."""

import json
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from tasks.lineage import contents, evidence, registered, sources, versions
from tasks.lineage.collect import DIGITS, Lineage, outputs_of, weights_path
from tasks.lineage.entries import StageRun
from tasks.lineage.graph import Graph
from tasks.lineage.versions import Version

METRICS = "metrics/evaluate.json"
_TOLERANCE = 1e-9  # of a metric that went through the registry's database


@dataclass
class Audit:
    """Answers by question, and what has none."""

    version: dict[str, Any]
    stages: list[dict[str, Any]] = field(default_factory=list)  # in the order in which they ran
    checkpoints: list[dict[str, str]] = field(default_factory=list)  # its own weights last, parents before
    sources: dict[str, dict[str, Any]] = field(default_factory=dict)
    text: list[dict[str, Any]] = field(default_factory=list)  # the validated data sets
    test: dict[str, int] = field(default_factory=dict)
    checks: dict[str, Any] = field(default_factory=dict)
    measured: dict[str, Any] = field(default_factory=dict)
    decisions: dict[str, str] = field(default_factory=dict)
    verified: dict[str, int] | None = None  # files and bytes that were hashed anew, where that was asked for
    rebuilt: list[dict[str, Any]] | None = None  # stages that ran anew, where that was asked for
    images: list[dict[str, str]] | None = None  # asked for by name only: there are many
    notes: list[str] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    graph: Graph = field(default_factory=Graph, repr=False)

    def as_dict(self) -> dict[str, Any]:
        """For JSON, without the graph."""
        return {each.name: getattr(self, each.name) for each in fields(self) if each.name != "graph"}


def audit(version: Version, *, lineage: Lineage, list_images: bool = False) -> Audit:
    """Answer for `version`. What cannot be resolved is a finding; only what cannot be begun raises `ValueError`."""
    result = Audit(
        version={
            "name": version.name,
            "aliases": list(version.aliases),
            "registered": evidence.when(version.created_s),
            "run": version.run_id,
            "tags": dict(sorted(version.tags.items())),
        },
        decisions=version.decisions(),
    )
    name = lineage.add_version(version)
    path = weights_path(version)
    commits = lineage.locks_with(version.weights) if path else []
    if path and not commits:
        lineage.problems[name].append(f"no dvc.lock of any revision has its weights {version.weights}")
    if commits:
        lock = lineage.lock(lineage.history.locks[revision_of(version, lineage=lineage)])
        _collect(lock, weights=path or "", lineage=lineage)
        _answer(result, version, lock=lock, lineage=lineage, list_images=list_images)
    result.findings += registered.tags(version, graph=lineage.graph, sources=result.sources)
    _registered_commit(result, version, lineage=lineage)
    _decided(result, version)
    if lineage.history.is_shallow:
        result.findings.append("the clone is shallow, so that older revisions are not seen: `git fetch --unshallow`")
    result.graph = lineage.graph.part(lineage.graph.behind([name]) | lineage.graph.after([name]))
    for node in sorted(lineage.problems):
        result.findings += [f"{node}: {problem}" for problem in lineage.problems[node]]
    result.findings += lineage.cache.damaged
    return result


def revision_of(version: Version, *, lineage: Lineage) -> str:
    """The revision that was registered, else the newest with the weights and their metrics, else with the weights, of
    those whose lock has the weights; there must be one."""
    commits = lineage.locks_with(version.weights)
    commit = version.commit.rstrip("+")
    if commit in commits:
        return commit
    measured = set(lineage.locks_with(version.tags.get("dvc.metrics", "-")))
    return next((commit for commit in reversed(commits) if commit in measured), commits[-1])


def _collect(lock: dict[str, StageRun], *, weights: str, lineage: Lineage) -> None:
    """Put in what made the weights, as far back as anything was made, and what measured them."""
    outputs = outputs_of(lock)
    waiting = [run for run in lock.values() if weights in run.outputs or METRICS in run.outputs]
    makers = {path: run for run in lock.values() for path in run.outputs}
    while waiting:
        run = waiting.pop()
        if run.name in lineage.runs:
            continue
        lineage.add([run], outputs=outputs)
        for name in lineage.graph.made_of[run.name]:
            facts = lineage.graph.nodes[name].facts
            maker = makers.get(facts["path"])
            if maker and maker.outputs[facts["path"]] == facts["digest"]:
                waiting.append(maker)
    lineage.add_makers()


def _answer(result: Audit, version: Version, *, lock: dict[str, StageRun], lineage: Lineage, list_images: bool) -> None:
    lineage.read_all()
    behind = lineage.graph.behind([version.name])
    order = [name for name in lineage.graph.order() if name in behind]
    runs = [lineage.runs[name] for name in order if name in lineage.runs]
    result.stages = [evidence.of_run(run, lineage=lineage) for run in runs]
    if not any(stage["mlflow"] for stage in result.stages):
        result.notes.append("this MLflow store has no runs of these stages: it was filled by `sar-text register` alone")
    for name in order:
        node = lineage.graph.nodes[name]
        if node.kind == "checkpoint":
            result.checkpoints.append({"path": node.facts["path"], "digest": node.facts["digest"]})
    result.sources = sources.behind(lineage, behind)
    measuring = next((run for run in lock.values() if METRICS in run.outputs), None)
    _texts(result, behind, measuring=measuring, lineage=lineage, list_images=list_images)
    _checks(result, runs, lineage=lineage)
    _measured(result, version, measuring=measuring, lineage=lineage)


def _texts(result: Audit, behind: set[str], *, measuring: StageRun | None, lineage: Lineage, list_images: bool) -> None:
    """The validated data sets behind the weights, and whether the test splits were kept from them."""
    tables = contents.Tables(lineage.cache)
    found = [lineage.graph.nodes[name].facts for name in sorted(behind)]
    taught = [
        fact for fact in found if str(fact.get("path", "")).endswith("_text") and "model_text" not in fact["path"]
    ]
    inputs = measuring.inputs if measuring else {}
    tested = [digest for path, digest in inputs.items() if path.endswith("_text") and "model_text" not in path]
    try:
        for fact in taught:
            text = contents.text_set(fact["path"], fact["digest"], tables=tables)
            result.text.append({**asdict(text), "digest": fact["digest"]})
        if taught and tested:
            result.test = contents.unclean((fact["digest"] for fact in taught), tested=tested, tables=tables)
        if list_images:
            result.images = contents.images((fact["digest"] for fact in taught), tables=tables)
    except ValueError as error:
        result.findings.append(str(error))
    for what, count in result.test.items():
        if what.endswith("taught") and count:
            result.findings.append(f"the test set is not clean: {count} {what}")


def _checks(result: Audit, runs: list[StageRun], *, lineage: Lineage) -> None:
    """What validate stages found on exactly the data that was trained on."""
    for run in runs:
        for path, digest in run.outputs.items():
            if path.startswith("metrics/validate"):
                data = git_file(path, digest, lineage=lineage)
                if data is None:
                    result.findings.append(f"{path} with digest {digest}, the checks of {run.stage}, is in no commit")
                else:
                    result.checks[run.stage] = contents.measured(data)


def _measured(result: Audit, version: Version, *, measuring: StageRun | None, lineage: Lineage) -> None:
    """The metrics of the version: the file in git against the numbers in the registry."""
    digest = version.tags.get("dvc.metrics", "")
    data = git_file(METRICS, digest, lineage=lineage) if digest else None
    if data is None:
        result.findings.append(f"{METRICS} with digest {digest or '(no tag dvc.metrics)'} is in no commit")
        return
    if measuring is None or measuring.outputs[METRICS] != digest:
        result.notes.append(f"the metrics {digest[:DIGITS]} belong to another revision than the weights")
    table = json.loads(data)
    wrote = {
        f"{test_set}/{metric}": entry["value"]
        for test_set, variants in table.items()
        for metric, entry in variants.get("two_stage", {}).items()
    }
    run = versions.run_of(version)
    if run is None:
        result.findings.append(
            f"its run {version.run_id or '(none)'} is not in the MLflow store: no metrics to compare"
        )
        return
    for name, value in sorted(run.data.metrics.items()):
        if name not in wrote or wrote[name] is None or abs(wrote[name] - value) > _TOLERANCE:
            result.findings.append(f"metric {name} is {value} in the registry, {wrote.get(name)} in {METRICS}")
    result.measured = {name: round(value, 6) for name, value in sorted(run.data.metrics.items())}


def git_file(path: str, md5: str, *, lineage: Lineage) -> bytes | None:
    """The file with this digest, from whichever commit has it."""
    commit = lineage.history.commit_with(path, md5)
    return lineage.history.file(path, commit=commit) if commit else None


def _registered_commit(result: Audit, version: Version, *, lineage: Lineage) -> None:
    commit = version.commit.rstrip("+")
    if commit not in lineage.commits:
        result.findings.append(f"it was registered at commit {commit or '(no tag git.commit)'}, which is not here")
    elif version.commit.endswith("+"):
        result.notes.append("it was registered from a working tree with changed files; digests prove what follows")


def _decided(result: Audit, version: Version) -> None:
    if not version.decisions():
        result.notes.append("nobody promoted it: no tag gate.* or promoted.* is on it")
        if "champion" in version.aliases:
            result.findings.append("it is the champion, and no tag says who or what decided so")
