"""The lineage of this repository, put together from every `dvc.lock` that git keeps and from the DVC cache.

What a stage read is joined to what another wrote by content digest, never by name alone: a folder that a stage depends
on counts as proved when the outputs below it, hashed as DVC hashes a folder, give the digest in the lock.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from tasks.lineage.cache import Cache
from tasks.lineage.entries import Memo, StageRun, stage_runs
from tasks.lineage.graph import Graph, Kind, Node
from tasks.lineage.history import LOCK, History, Revision
from tasks.lineage.versions import Version

Outputs = Mapping[str, str]  # path → digest
DIGITS = 12


def data_name(path: str, digest: str) -> str:
    """How the graph calls a DVC output."""
    return f"{path} {digest[:DIGITS]}"


@dataclass
class Lineage:
    """The graph of the locks that were put in, and what could not be resolved on the way (node → reasons)."""

    history: History
    cache: Cache
    graph: Graph = field(default_factory=Graph)
    runs: dict[str, StageRun] = field(default_factory=dict)
    problems: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    _memo: Memo = field(default_factory=Memo)
    parsed: dict[str, dict[str, StageRun]] = field(default_factory=dict)

    @classmethod
    def at(cls, root: Path) -> "Lineage":
        return cls(History(root), Cache(root))

    @cached_property
    def commits(self) -> dict[str, Revision]:
        return {revision.commit: revision for revision in self.history.revisions}

    @cached_property
    def all_texts(self) -> dict[str, bytes]:
        """Lock blob → text, the oldest first."""
        return self.history.texts(list(dict.fromkeys(self.history.locks.values())))

    def lock(self, blob: str) -> dict[str, StageRun]:
        """Stage → run, of a lock. Raises `ValueError` naming the commit of one that is damaged."""
        if blob not in self.parsed:
            text = self.all_texts[blob] if "all_texts" in self.__dict__ else self.history.texts([blob])[blob]
            try:
                self.parsed[blob] = stage_runs(text.decode(), memo=self._memo)
            except ValueError as error:
                commit = next(commit for commit, found in self.history.locks.items() if found == blob)
                raise ValueError(f"{LOCK} of commit {commit[:DIGITS]} is damaged: {error}") from error
        return self.parsed[blob]

    def locks_with(self, digest: str) -> list[str]:
        """Commits whose lock says `digest` somewhere, the oldest first."""
        blobs = {blob for blob, text in self.all_texts.items() if digest.encode() in text}
        return [commit for commit, blob in self.history.locks.items() if blob in blobs]

    def read_all(self) -> list[dict[str, StageRun]]:
        """The lock of every revision, each once, the oldest first; one that is damaged is a problem."""
        found = []
        for blob in self.all_texts:
            try:
                found.append(self.lock(blob))
            except ValueError as error:
                self.problems["history"].append(str(error))
        return found

    def add_all(self) -> None:
        """Put every lock of every revision in."""
        for lock in self.read_all():
            self.add(lock.values(), outputs=outputs_of(lock))

    def add(self, runs: Iterable[StageRun], *, outputs: Outputs) -> None:
        """Put stage runs in, with what they read and wrote; `outputs` are those of the lock that they stand in."""
        for run in runs:
            if run.name not in self.runs:
                self._add(run, outputs=outputs)

    def _add(self, run: StageRun, *, outputs: Outputs) -> None:
        self.runs[run.name] = run
        name = self.graph.add(Node("stage run", run.name, {"stage": run.stage}))
        for path, digest in run.outputs.items():
            self.graph.link(name, self._data(path, digest))
        for path, digest in run.inputs.items():
            for made, of in self._resolve(run, path, digest, outputs=outputs).items():
                self.graph.link(self._data(made, of), name)

    def _resolve(self, run: StageRun, path: str, digest: str, *, outputs: Outputs) -> Outputs:
        """The outputs that `run` read as `path`."""
        inside = {made: of for made, of in outputs.items() if made == path or made.startswith(f"{path}/")}
        if not inside:
            known = self._elsewhere(path, digest) if path.startswith(("data/", "models/", "metrics/")) else None
            return known or {path: digest}  # a file of git, such as sources/ssdd.yaml, or one that nobody wrote
        if inside.get(path) == digest or self._joined(inside, path) == digest:
            return inside
        known = self._elsewhere(path, digest)
        if known is not None:
            return known
        proof = "their listings are not in the cache" if self._joined(inside, path) is None else "which they are not"
        self.problems[run.name].append(f"it read {path} as {digest}; no lock has outputs that prove it ({proof})")
        return inside

    def _joined(self, inside: Outputs, path: str) -> str | None:
        return None if path in inside else self.cache.joined(inside, below=path)

    def _elsewhere(self, path: str, digest: str) -> Outputs | None:
        """Outputs of another revision that are `path` with this digest, as after `dvc repro --single-item`."""
        for blob in {self.history.locks[commit]: None for commit in self.locks_with(digest)}:
            outputs = outputs_of(self.lock(blob))
            inside = {made: of for made, of in outputs.items() if made == path or made.startswith(f"{path}/")}
            if inside and (inside.get(path) == digest or self._joined(inside, path) == digest):
                return inside
        return None

    def add_makers(self) -> None:
        """For data without a run that wrote it, put in the oldest run of any revision that did."""
        waiting = [name for name, node in self.graph.nodes.items() if _is_made(node) and not self.graph.made_of[name]]
        for name in waiting:
            facts = self.graph.nodes[name].facts
            for commit in self.locks_with(facts["digest"]):
                lock = self.lock(self.history.locks[commit])
                makers = [run for run in lock.values() if run.outputs.get(facts["path"]) == facts["digest"]]
                if makers:
                    self.add(makers, outputs=outputs_of(lock))
                    self.add_makers()
                    break
            else:
                self.problems[name].append(f"no {LOCK} of any revision says what made {facts['path']}")

    def add_version(self, version: Version) -> str:
        """Put a version in, with its weights, aliases and decisions."""
        facts = {"tags": dict(sorted(version.tags.items())), "aliases": list(version.aliases)}
        name = self.graph.add(Node("model version", version.name, facts))
        for alias in version.aliases:
            self.graph.link(name, self.graph.add(Node("alias", f"{version.model}@{alias}")))
        if decisions := version.decisions():
            self.graph.link(name, self.graph.add(Node("decision", f"decision on {version.name}", decisions)))
        path = weights_path(version)
        if path is None:
            self.problems[name].append("the tag dvc.weights is missing, so that nothing says which weights it holds")
        else:
            self.graph.link(self._data(path, version.weights), name)
        return name

    def _data(self, path: str, digest: str) -> str:
        return self.graph.add(Node(_kind(path), data_name(path, digest), {"path": path, "digest": digest}))

    @cached_property
    def first_commits(self) -> dict[str, str]:
        """Stage run → the oldest commit whose lock has it, of every revision that can be read."""
        first: dict[str, str] = {}
        for commit, blob in self.history.locks.items():
            for run in self.parsed.get(blob, {}).values():
                first.setdefault(run.name, commit)
        return first


def outputs_of(lock: Mapping[str, StageRun]) -> dict[str, str]:
    return {path: digest for run in lock.values() for path, digest in run.outputs.items()}


def weights_path(version: Version) -> str | None:
    """Where the pipeline wrote the weights of a version; nothing where it does not name any."""
    kind = next((kind for kind in ("clip", "coca", "gpt") if kind in version.model), None)
    return f"models/two_stage/{kind}" if kind and version.weights else None


def _is_made(node: Node) -> bool:
    return node.kind in ("data set", "checkpoint", "measurement") and "digest" in node.facts


def _kind(path: str) -> Kind:
    if path.startswith("models/"):
        return "checkpoint"
    if path.startswith(("metrics/", "plots")):
        return "measurement"
    return "data set" if path.startswith("data/") else "source"
