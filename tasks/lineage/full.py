"""A whole audit of one version: its answers, every digest hashed anew, and whether what was withdrawn is gone."""

from collections.abc import Iterable
from dataclasses import asdict

from tasks import paths
from tasks.lineage import versions
from tasks.lineage.audit import Audit, audit, revision_of
from tasks.lineage.collect import Lineage, weights_path
from tasks.lineage.evidence import ENVIRONMENT
from tasks.lineage.rebuild import EQUAL, other_packages, rebuild
from tasks.lineage.verify import remote_of, verify
from tasks.lineage.versions import Version
from tasks.lineage.withdraw import still_there
from tasks.registry.fetch import fetch

ALIASES = ("champion", "challenger")


def full_audit(version: Version, *, verified: bool, rebuilt: bool = False, list_images: bool = False) -> Audit:
    """Answer for `version`, of this repository and registry; `verified` asks for every digest to be hashed anew,
    `rebuilt` for everything to be built anew.

    Raises `ValueError` where the audit cannot be begun.
    """
    lineage = Lineage.at(paths.root())
    result = audit(version, lineage=lineage, list_images=list_images)
    if verified:
        artifact = fetch(f"models:/{version.name}")
        found = verify(version, lineage=lineage, remote=remote_of(paths.root()), artifact=artifact)
        result.verified = {"files": found.files, "bytes": found.size_bytes}
        result.findings += found.findings
        result.notes += found.notes
    if rebuilt:
        _rebuild(version, lineage=lineage, result=result)
    if list((paths.root() / "sources" / "withdrawn").glob("*.yaml")):
        whole = Lineage.at(paths.root())
        whole.add_all()
        findings, notes = still_there(whole, known=versions.load_all())
        result.findings += findings
        result.notes += notes
    return result


def _rebuild(version: Version, *, lineage: Lineage, result: Audit) -> None:
    """A stage that comes out otherwise, and that nothing comes out, are findings."""
    weights = weights_path(version)
    if weights is None or not result.checkpoints:
        return  # a finding already
    commit = revision_of(version, lineage=lineage)
    behind = lineage.graph.behind([version.name])
    runs = [lineage.runs[name] for name in lineage.graph.order() if name in behind and name in lineage.runs]
    if others := other_packages(lineage.history.file(ENVIRONMENT, commit=commit) or b""):
        result.notes.append(f"it was rebuilt with other packages than {ENVIRONMENT} says: {', '.join(others)}")
    try:
        stages = rebuild(runs, weights=weights, commit=commit)
    except ValueError as error:
        result.findings.append(f"it cannot be rebuilt from commit {commit}: {error}")
        return
    result.rebuilt = [asdict(stage) for stage in stages]
    result.findings += [
        f"rebuilt, {stage.stage} wrote another {path}: {told}"
        for stage in stages
        for path, told in stage.outputs.items()
        if told != EQUAL
    ]


def in_use() -> list[Version]:
    """Every champion and challenger. Raises `ValueError` where the registry has none."""
    found = [version for version in versions.load_all() if set(ALIASES) & set(version.aliases)]
    if not found:
        raise ValueError("no version is champion or challenger, so that there is nothing to audit: `sar-text register`")
    return found


def markdown(audits: Iterable[Audit]) -> str:
    """Findings and notes by version. They stand in code blocks: names in them may hold marks of Markdown or HTML."""
    lines: list[str] = []
    for result in audits:
        aliases = ", ".join(result.version["aliases"])
        verified = result.verified or {"files": 0, "bytes": 0}
        lines += [f"## {result.version['name']} ({aliases}): {len(result.findings)} findings", ""]
        lines += [f"{verified['files']} files hashed anew, {verified['bytes']} bytes", ""]
        told = [("finding", text) for text in result.findings] + [("note", text) for text in result.notes]
        lines += [f"    {kind}: {' '.join(text.split())}" for kind, text in told] + [""]
    return "\n".join(lines)
