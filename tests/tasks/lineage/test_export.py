"""An audit as other tools read it: what their specifications require is there, and says what the audit says."""

import json
import uuid
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from openlineage.client import event_v2, facet_v2
from openlineage.client.serde import Serde

from tasks.lineage.audit import Audit, audit
from tasks.lineage.export import export
from tests.fakes.world import World
from tests.tasks.lineage.conftest import Register, lineage_of, version_of


@pytest.fixture
def audited(tmp_path: Path, registry: Register) -> Audit:
    world = World(tmp_path / "repository")
    outputs = world.revise({"ships": 5, "ports": 5, "town": 5}, weights="one")
    world.finish()
    lineage = lineage_of(world)
    return audit(version_of(outputs, commit=lineage.history.current["HEAD"]), lineage=lineage)


def test_every_stage_run_has_two_events_that_openlineage_takes(audited: Audit, tmp_path: Path) -> None:
    path = export(audited, tmp_path / "out", form="openlineage")
    events = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(events) == 2 * len(audited.stages)
    for event in events:
        assert event["eventType"] in ("START", "COMPLETE")
        assert datetime.fromisoformat(event["eventTime"]).tzinfo is not None
        assert uuid.UUID(event["run"]["runId"]).version == 5
        assert event["schemaURL"] == "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
        facets = [*event["job"]["facets"].values()]
        for data in event["inputs"] + event["outputs"]:
            assert data["namespace"] == event["job"]["namespace"]
            facets.append(data["facets"]["version"])
        assert all(facet["_producer"] == event["producer"] and facet["_schemaURL"] for facet in facets)
    made = {
        (data["name"], data["facets"]["version"]["datasetVersion"]) for event in events for data in event["outputs"]
    }
    weights = audited.checkpoints[-1]
    assert (weights["path"], weights["digest"]) in made
    trained = next(event for event in events if event["job"]["name"] == "finetune@clip")
    assert "models/optical/clip" in {data["name"] for data in trained["inputs"]}
    told = [data["facets"].get("documentation", {}).get("description", "") for data in trained["inputs"]]
    assert any("Croissant 1.1: data/sar_text/croissant.json, MD5" in text for text in told)
    assert path.read_bytes() == export(audited, tmp_path / "again", form="openlineage").read_bytes()


def test_events_are_those_of_the_classes_made_from_the_published_schema(audited: Audit, tmp_path: Path) -> None:
    path = export(audited, tmp_path, form="openlineage")
    for line in path.read_text().splitlines():
        event = json.loads(line)
        assert _filled(Serde.to_dict(_read_by_client(event))) == event


def _read_by_client(event: dict[str, Any]) -> event_v2.RunEvent:
    """`event` as objects of OpenLineage's client, which take no field that the schema has not, and check the others."""
    facets: dict[str, type[facet_v2.BaseFacet]] = {
        "sourceCodeLocation": facet_v2.source_code_location_job.SourceCodeLocationJobFacet,
        "version": facet_v2.dataset_version_dataset.DatasetVersionDatasetFacet,
        "documentation": facet_v2.documentation_dataset.DocumentationDatasetFacet,
    }

    def read(kind: Any, fields: Mapping[str, Any]) -> Any:
        told = {name.lstrip("_"): value for name, value in fields.items() if name not in ("_schemaURL", "schemaURL")}
        if "facets" in told:
            told["facets"] = {name: read(facets[name], facet) for name, facet in told["facets"].items()}
        return kind(**told)

    parts = {
        "eventType": event_v2.RunState[event["eventType"]],
        "run": read(event_v2.Run, event["run"]),
        "job": read(event_v2.Job, event["job"]),
        "inputs": [read(event_v2.InputDataset, data) for data in event["inputs"]],
        "outputs": [read(event_v2.OutputDataset, data) for data in event["outputs"]],
    }
    run_event = read(event_v2.RunEvent, event | parts)
    assert isinstance(run_event, event_v2.RunEvent)
    return run_event


def _filled(value: Any) -> Any:
    """Without what is empty: the client writes every field that the schema knows."""
    if isinstance(value, dict):
        filled = {name: _filled(part) for name, part in value.items()}
        return {name: part for name, part in filled.items() if part not in (None, {}, [])}
    return [_filled(part) for part in value] if isinstance(value, list) else value


def test_the_bill_of_materials_fits_the_published_schema(audited: Audit, tmp_path: Path) -> None:
    bill = export(audited, tmp_path, form="cyclonedx").read_text()
    schema = JsonStrictValidator(SchemaVersion.V1_6)
    assert schema.validate_str(bill) is None
    wrong = bill.replace('"alg": "MD5"', '"alg": "CRC32"')
    assert schema.validate_str(wrong) is not None  # the validator does look


def test_the_bill_of_materials_names_sources_licences_and_hashes(audited: Audit, tmp_path: Path) -> None:
    bill = json.loads(export(audited, tmp_path, form="cyclonedx").read_text())
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    model = bill["metadata"]["component"]
    assert model["hashes"] == [{"alg": "MD5", "content": audited.checkpoints[-1]["digest"].removesuffix(".dir")}]
    licences = {part["name"]: part["licenses"] for part in bill["components"] if "source:" in part["bom-ref"]}
    assert licences == {name: [{"license": {"name": "CC0"}}] for name in ("ports", "ships", "town")}
    described = {
        part["name"]: part["externalReferences"][0] for part in bill["components"] if "text:" in part["bom-ref"]
    }
    assert {name: link["url"] for name, link in described.items()} == {
        name: f"{name}/croissant.json" for name in ("data/optical_text", "data/sar_text")
    }
    md5 = {row["path"]: row["croissant"] for row in audited.text}
    assert described["data/sar_text"]["hashes"] == [{"alg": "MD5", "content": md5["data/sar_text"]}]
    assert {part["name"] for part in bill["components"] if part["type"] != "data"} == {"models/optical/clip"}
    (needs,) = bill["dependencies"]
    assert set(needs["dependsOn"]) == {part["bom-ref"] for part in bill["components"]}


def test_the_model_card_says_what_the_audit_says_and_holds_no_markup_of_others(audited: Audit, tmp_path: Path) -> None:
    audited.sources["ships"]["licence"] = "<b>free</b> | *all*"
    card = export(audited, tmp_path, form="model-card").read_text()
    assert f"weights `{audited.checkpoints[-1]['digest']}`" in card
    assert "| ships | &lt;b&gt;free&lt;/b&gt; \\| \\*all\\* | 5 | 5 |" in card
    assert "| data/sar_text | ships |" in card
    assert "| finetune@clip |" in card
    assert "[data/sar_text/croissant.json](data/sar_text/croissant.json), MD5" in card


def test_a_version_without_weights_has_nothing_to_export(audited: Audit, tmp_path: Path) -> None:
    audited.checkpoints.clear()
    with pytest.raises(ValueError, match="no weights of sar-rs-clip/1 were found"):
        export(audited, tmp_path, form="cyclonedx")
