"""What the models said of the test images, kept with the data: a number can be looked behind."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from tasks import records

SCHEMA = pa.schema([("record_id", pa.string()), ("variant", pa.string()), ("text", pa.string())])


def write(path: Path, record_ids: Sequence[str], captions: Mapping[str, Sequence[str]]) -> None:
    """One row an image and variant: the caption that CoCa wrote."""
    rows = [
        {"record_id": record_id, "variant": variant, "text": text}
        for variant, texts in captions.items()
        for record_id, text in zip(record_ids, texts, strict=True)
    ]
    records.write(path, rows, schema=SCHEMA)
