"""The stage runs behind a version as OpenLineage 2-0-2 run events (https://openlineage.io/spec/2-0-2/OpenLineage.json).

Each run has a START and a COMPLETE event. Its id follows from its entry in `dvc.lock`, so that the same run has the
same id wherever it is exported. The times are those of its MLflow run, else of the commit that first has the entry.
"""

import json
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from tasks.lineage.audit import Audit

NAMESPACE = "sar-text"
PRODUCER = "https://arxiv.org/abs/2507.18743"  # the paper whose pipeline this is: a URI is asked for
_SPEC = "https://openlineage.io/spec"
_LOCATION = f"{_SPEC}/facets/1-1-0/SourceCodeLocationJobFacet.json#/$defs/SourceCodeLocationJobFacet"
_DOCUMENTATION = f"{_SPEC}/facets/1-1-0/DocumentationDatasetFacet.json#/$defs/DocumentationDatasetFacet"
_VERSION = f"{_SPEC}/facets/1-0-1/DatasetVersionDatasetFacet.json#/$defs/DatasetVersionDatasetFacet"


def events(audit: Audit) -> list[dict[str, Any]]:
    """Two events a run, in the order in which the stages depend on each other."""
    return [
        {
            "eventType": kind,
            "eventTime": time.isoformat(),
            "producer": PRODUCER,
            "schemaURL": f"{_SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent",
            "run": {"runId": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{NAMESPACE}:{stage['stage']}:{stage['entry']}"))},
            "job": {"namespace": NAMESPACE, "name": stage["stage"], "facets": _code(stage)},
            "inputs": _datasets(audit, audit.graph.made_of.get(f"{stage['stage']} {stage['entry']}", ())),
            "outputs": _datasets(audit, audit.graph.made_into.get(f"{stage['stage']} {stage['entry']}", ())),
        }
        for stage in audit.stages
        for kind, time in _times(stage)
    ]


def lines(audit: Audit) -> str:
    """An event a line, as OpenLineage's file transport writes them."""
    return "".join(f"{json.dumps(event, sort_keys=True, ensure_ascii=False)}\n" for event in events(audit))


def _times(stage: dict[str, Any]) -> list[tuple[str, datetime]]:
    """When it began and ended; both are the time of the commit where no MLflow run tells."""
    tracked = stage["mlflow"][0] if stage["mlflow"] else {"started": stage["committed"], "seconds": 0.0}
    began = datetime.strptime(tracked["started"], "%Y-%m-%d %H:%M:%S UTC").replace(tzinfo=UTC)
    return [("START", began), ("COMPLETE", began + timedelta(seconds=tracked["seconds"]))]


def _code(stage: dict[str, Any]) -> dict[str, Any]:
    commit = stage["code revision"]
    return {"sourceCodeLocation": _facet(_LOCATION, type="git", url=f"urn:git:{commit}", version=commit)}


def _datasets(audit: Audit, names: Iterable[str]) -> list[dict[str, Any]]:
    facts = [audit.graph.nodes[name].facts for name in sorted(names)]
    return [
        {
            "namespace": NAMESPACE,
            "name": fact["path"],
            "facets": {"version": _facet(_VERSION, datasetVersion=fact["digest"]), **_croissant(audit, fact)},
        }
        for fact in facts
    ]


def _croissant(audit: Audit, fact: Mapping[str, Any]) -> dict[str, Any]:
    """Where a validated data set is described in Croissant."""
    md5 = next((row["croissant"] for row in audit.text if row["digest"] == fact["digest"]), "")
    told = f"Croissant 1.1: {fact['path']}/croissant.json, MD5 {md5}"
    return {"documentation": _facet(_DOCUMENTATION, description=told)} if md5 else {}


def _facet(schema_url: str, **fields: str) -> dict[str, str]:
    return {"_producer": PRODUCER, "_schemaURL": schema_url, **fields}
