"""What CoCa's captions claim of images that are annotated, and whether the annotation bears it out.

A caption that reads well may name a ship that is not there, which n-grams hardly notice. Claims are read and judged as
`tasks.narrate.score` and `docs/captions.md` define it, in percent, over the images of a test set whose annotation is
boxes, a map or a label: `claim_precision`, `claim_recall`, `unsupported_object_rate`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sar_models.metrics import vqa
from sar_models.metrics.bootstrap import Floats, Statistic
from tasks import paths, records
from tasks.download import catalog
from tasks.evaluate.test_sets import TestPool, TestSet
from tasks.narrate import truth
from tasks.narrate.reader import read_claims
from tasks.narrate.score import score
from tasks.narrate.words import Claim

SCHEMA = pa.schema(
    [
        ("record_id", pa.string()),
        ("variant", pa.string()),
        ("caption", pa.string()),
        ("claim", pa.string()),  # such as "ship: count 3"
        ("verdict", pa.string()),  # true | false | unknown, where the annotation cannot tell
    ]
)


class Annotation(NamedTuple):
    record: dict[str, Any]  # a row of records.parquet
    exhaustive: frozenset[str]  # classes of which its source annotates every instance


def annotations(pool: TestPool) -> dict[int, Annotation]:
    """Row of the pool → its annotation, for the images that have one.

    Raises `ValueError` naming a file that is missing or damaged, or that lacks a test image.
    """
    rows: dict[tuple[str, str], dict[str, int]] = {}  # text and source → record → row of the pool
    for row, (text, image) in enumerate(zip(pool.modalities, pool.images, strict=True)):
        rows.setdefault((text, image["source"]), {})[image["record_id"]] = row
    found: dict[int, Annotation] = {}
    for (text, source), row_of in rows.items():
        folder = paths.sources_data(text) / source
        exhaustive = frozenset(catalog.load(source, path=folder / "source.yaml").exhaustive)
        path = folder / "records.parquet"
        table = records.read_table(path)
        table = table.filter(pc.is_in(table["record_id"], value_set=pa.array(list(row_of))))
        if table.num_rows != len(row_of):
            missing = min(set(row_of) - set(table["record_id"].to_pylist()))
            raise ValueError(f"{path} has no record {missing}, which the {text} text tests: run `dvc repro`")
        for record in table.to_pylist():
            if record["boxes"] is not None or record["regions"] is not None or record["label"] is not None:
                found[row_of[record["record_id"]]] = Annotation(record, exhaustive)
    return dict(sorted(found.items()))


def statistics(test_set: TestSet, annotated: Mapping[int, Annotation], captions: Sequence[str]) -> dict[str, Statistic]:
    """The three numbers of one variant on one test set; `captions` are of all images of the pool.

    One that fewer than `vqa.LEAST_IMAGES` images have a part in is left out: of three claims a share says nothing.
    """
    counts = [
        score(captions[image], annotated[image].record, exhaustive=annotated[image].exhaustive)
        for image in test_set.images
        if image in annotated
    ]
    shares = {
        "claim_precision": [(each.supported, each.supported + each.contradicted) for each in counts],
        "claim_recall": [(each.recalled, each.recallable) for each in counts],
        "unsupported_object_rate": [
            (each.unsupported_objects, each.objects - each.undecidable_objects) for each in counts
        ],
    }
    return {
        name: Statistic(np.array(pairs, dtype=np.float64), _percent)
        for name, pairs in shares.items()
        if sum(whole > 0 for _, whole in pairs) >= vqa.LEAST_IMAGES
    }


def verdicts(caption: str, annotation: Annotation) -> list[tuple[Claim, str]]:
    """The claims of a caption that are judged, each with `true`, `false` or `unknown`."""
    found = []
    for claim in read_claims(caption):
        if claim.kind != "modality":  # every writer knows the kind of image before it looks
            problem = truth.problem(claim, annotation.record, annotation.exhaustive)
            found.append((claim, "true" if problem is None else "false" if problem.settled else "unknown"))
    return found


def write(path: Path, pool: TestPool, annotated: Mapping[int, Annotation], said: Mapping[str, Sequence[str]]) -> None:
    """One row a claim. `said` are variant → captions of all images of the pool."""
    rows = [
        {"record_id": pool.images[image]["record_id"], "variant": variant, "caption": captions[image],
         "claim": f"{claim.subject}: {claim.kind} {claim.value}".replace("_", " "), "verdict": verdict}
        for variant, captions in said.items()
        for image, annotation in annotated.items()
        for claim, verdict in verdicts(captions[image], annotation)
    ]  # fmt: skip
    records.write(path, rows, schema=SCHEMA)


def _percent(sums: Floats) -> Floats:
    """Sums (…, 2) → 100 times first over second; 0 of a draw in which nothing was claimed."""
    part, whole = sums[..., 0], sums[..., 1]
    return 100 * np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
