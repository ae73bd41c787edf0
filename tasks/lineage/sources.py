"""The sources behind a model, as their descriptions were when they were built: the data set keeps a copy."""

from typing import Any

import pyarrow.compute as pc
import yaml

from tasks.lineage.cache import Cache
from tasks.lineage.collect import Lineage

_DESCRIBED = ("title", "address", "licence", "allows", "citation", "modality", "role", "note")


def behind(lineage: Lineage, names: set[str]) -> dict[str, dict[str, Any]]:
    """Source → description and counts, of the source data among the nodes `names`."""
    found = {}
    for name in sorted(names):
        facts = lineage.graph.nodes[name].facts
        if str(facts.get("path", "")).startswith("data/sources/"):
            try:
                found[facts["path"].rsplit("/", 1)[1]] = _of(facts["digest"], cache=lineage.cache)
            except ValueError as error:
                lineage.problems[name].append(str(error))
    return found


def _of(digest: str, *, cache: Cache) -> dict[str, Any]:
    listing = cache.listing(digest)
    if listing is None or not {"source.yaml", "records.parquet"} <= set(listing):
        raise ValueError(f"source data {digest} is not in the DVC cache: `dvc pull` fetches it")
    try:
        description = yaml.safe_load(cache.path(listing["source.yaml"]).read_bytes())
    except (OSError, yaml.YAMLError) as error:
        raise ValueError(f"the description in source data {digest} cannot be read: {error}") from error
    stated = {key: " ".join(str(description[key]).split()) for key in _DESCRIBED if description.get(key)}
    return {**stated, "digest": digest, **_counts(listing["records.parquet"], cache=cache)}


def _counts(md5: str, *, cache: Cache) -> dict[str, int]:
    """Of records, of different annotations, and of what kinds."""
    columns = ["annotation_sha256", "labelled_fraction", "label", "boxes.list.element.x"]
    table = cache.table(md5, columns=columns)
    return {
        "records": table.num_rows,
        "annotations": len(pc.unique(table["annotation_sha256"].drop_null())),
        "boxes": len(pc.list_flatten(table["boxes"])),
        "masks": table.num_rows - table["labelled_fraction"].null_count,
        "labels": table.num_rows - table["label"].null_count,
    }
