"""A version and what it was made of as a CycloneDX 1.6 machine-learning bill of materials
(https://cyclonedx.org/docs/1.6/json/): the model, the checkpoints and sources behind it, hashes, licences."""

import uuid
from typing import Any

from tasks.lineage.audit import Audit

_DIRECTORY = ".dir"  # ends DVC's digest of a folder, which is the MD5 of its listing


def bill(audit: Audit) -> dict[str, Any]:
    """The document. Its serial number follows from what it holds."""
    name, number = audit.version["name"].rsplit("/", 1)
    sources = [_source(source, facts) for source, facts in sorted(audit.sources.items())]
    texts = [_text(row) for row in audit.text]
    parents = [_checkpoint(row) for row in audit.checkpoints[:-1]]
    behind = [*sources, *texts, *parents]
    model: dict[str, Any] = {
        "type": "machine-learning-model",
        "bom-ref": audit.version["name"],
        "name": name,
        "version": number,
        "hashes": [_hash(row["digest"]) for row in audit.checkpoints[-1:]],
        "modelCard": {
            "modelParameters": {"datasets": [{"ref": part["bom-ref"]} for part in [*sources, *texts]]},
            "quantitativeAnalysis": {
                "performanceMetrics": [
                    {"type": metric.rsplit("/", 1)[-1], "slice": metric.rsplit("/", 1)[0], "value": str(value)}
                    for metric, value in sorted(audit.measured.items())
                ]
            },
        },
    }
    identity = " ".join([audit.version["name"], *(row["digest"] for row in audit.checkpoints)])
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, identity)}",
        "version": 1,
        "metadata": {"component": model},
        "components": behind,
        "dependencies": [{"ref": model["bom-ref"], "dependsOn": [part["bom-ref"] for part in behind]}],
    }


def _source(name: str, facts: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "data",
        "bom-ref": f"source:{name}",
        "name": name,
        "version": facts["digest"],
        "description": facts.get("title", name),
        "hashes": [_hash(facts["digest"])],
        "licenses": [{"license": {"name": facts["licence"]}}],
        "data": [{"type": "dataset", "name": name}],
        "properties": [
            {"name": f"sar-text:{key}", "value": str(facts[key])} for key in ("records", "annotations") if key in facts
        ],
    }


def _text(row: dict[str, Any]) -> dict[str, Any]:
    """A validated data set, with its Croissant description."""
    component = {
        "type": "data",
        "bom-ref": f"text:{row['path']}",
        "name": row["path"],
        "version": row["digest"],
        "hashes": [_hash(row["digest"])],
        "data": [{"type": "dataset", "name": row["path"]}],
    }
    if row["croissant"]:
        described = {"type": "documentation", "url": f"{row['path']}/croissant.json", "comment": "Croissant 1.1"}
        component["externalReferences"] = [{**described, "hashes": [_hash(row["croissant"])]}]
    return component


def _checkpoint(row: dict[str, str]) -> dict[str, Any]:
    return {
        "type": "machine-learning-model",
        "bom-ref": f"checkpoint:{row['path']}",
        "name": row["path"],
        "version": row["digest"],
        "hashes": [_hash(row["digest"])],
    }


def _hash(digest: str) -> dict[str, str]:
    return {"alg": "MD5", "content": digest.removesuffix(_DIRECTORY)}
