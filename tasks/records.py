"""The record schema: what every stage may expect of the one before it.

`records.parquet`    one row an image, its place in a shard, its annotation     (download → narrate, validate, train)
`features.parquet`   one row a record: pixel statistics, duplicate descriptors  (download → validate)
`groups/*.parquet`   one row a group and split of a source: all that the other text's gate needs (download → validate)
`captions.parquet`   one row a caption with the facts that it claims             (narrate → validate)
`train|val|test.parquet`  one row a caption that passed, with its image's place  (validate → train, evaluate)
`quarantine.parquet` one row a caption or image that did not, with the reason   (validate → people)

Tables are written sorted, without clocks, with one codec, so that equal rows give equal bytes.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

BOX = pa.struct(
    [
        ("class", pa.string()),  # our class name
        ("x", pa.float64()),  # left edge, px; for a rotated box, of its unrotated rectangle around the same centre
        ("y", pa.float64()),  # top edge, px
        ("w", pa.float64()),  # px
        ("h", pa.float64()),  # px
        ("angle_deg", pa.float64()),  # clockwise in the image, modulo 180; null for an upright box
    ]
)
REGION = pa.struct(
    [
        ("class", pa.string()),
        ("fraction", pa.float64()),  # of the labelled pixels, 0..1
        ("grid", pa.list_(pa.float64())),  # nine cells, row by row: the class's share of that cell's labelled pixels
        ("components", pa.int32()),  # connected regions (8 neighbours) of at least 0.1 % of the image
        ("largest_fraction", pa.float64()),  # of the labelled pixels, the largest connected region
        ("adjacent", pa.list_(pa.string())),  # classes that it shares at least 2 % of its border with, sorted
    ]
)
CLAIM = pa.struct([("kind", pa.string()), ("subject", pa.string()), ("value", pa.string())])

PLACE = [  # where the bytes of an image lie, and how to read them
    ("record_id", pa.string()),  # <source>/<path in the source>, with #x,y,w,h where cut from a larger image
    ("source", pa.string()),
    ("shard", pa.string()),  # file name below data/sources/<source>/shards
    ("offset", pa.int64()),
    ("length", pa.int64()),
    ("sha256", pa.string()),  # of these bytes
    ("width_px", pa.int32()),  # 0 where the image cannot be decoded; features.error says why
    ("height_px", pa.int32()),
    ("bands", pa.int16()),
    ("bit_depth", pa.int16()),
    ("modality", pa.string()),  # sar | optical
    ("channels", pa.list_(pa.int16())),  # which stored bands make the picture, from 0; null: all
    ("low", pa.list_(pa.float64())),  # stored value shown as black, one a band or one for all
    ("high", pa.list_(pa.float64())),  # stored value shown as white; between them linear
    ("group", pa.string()),  # what must not be divided between splits
]
RECORDS = pa.schema(
    [
        *PLACE,
        ("mask_offset", pa.int64()),  # index mask as PNG in the same shard, or null
        ("mask_length", pa.int64()),
        ("sensor", pa.string()),
        ("band", pa.string()),
        ("polarization", pa.string()),
        ("pixel_spacing_x_m", pa.float64()),
        ("pixel_spacing_y_m", pa.float64()),
        ("resolution_m", pa.float64()),  # for text only; sizes come from the pixel spacing
        ("split", pa.string()),  # train | val | test as the source gives it, else null
        ("pair_id", pa.string()),  # the same for the SAR and the optical image of a pair
        ("annotation_sha256", pa.string()),
        ("boxes", pa.list_(BOX)),  # null: not annotated with boxes; empty: annotated, nothing there
        ("regions", pa.list_(REGION)),  # null: no mask
        ("label", pa.string()),  # class of a chip
        ("captions", pa.list_(pa.string())),  # as the source gives them
    ]
)
FEATURES = pa.schema(
    [
        ("record_id", pa.string()),
        ("error", pa.string()),  # why the image cannot be decoded, else null (all that follows is then null)
        ("mean", pa.float64()),  # of the display range 0..1, over bands
        ("std", pa.float64()),
        ("p01", pa.float64()),
        ("p50", pa.float64()),
        ("p99", pa.float64()),
        ("zero_fraction", pa.float64()),
        ("saturated_fraction", pa.float64()),
        ("dhash", pa.string()),  # 64-bit difference hash, 16 hex digits
        ("thumbnail", pa.binary(256)),  # 16×16 area means, uint8, standardised: a descriptor for near duplicates
    ]
)
GROUPS = pa.schema(
    [
        ("source", pa.string()),
        ("role", pa.string()),  # train | test | both, of the source
        ("group", pa.string()),
        ("split", pa.string()),  # as the source gives it, else null
    ]
)
CAPTIONS = pa.schema(
    [
        ("record_id", pa.string()),
        ("caption_id", pa.string()),  # <record_id>#c<number>
        ("text", pa.string()),
        ("route", pa.string()),  # a2c | sa2c | chip | pair | model | given
        ("rule", pa.string()),  # id and version of the rule that wrote it, such as boxes.count@1
        ("claims", pa.list_(CLAIM)),
    ]
)
TEXT = pa.schema([*PLACE, ("caption_id", pa.string()), ("text", pa.string()), ("route", pa.string()),
                  ("rule", pa.string()), ("claims", pa.list_(CLAIM)), ("split", pa.string())])  # fmt: skip
QUARANTINE = pa.schema(
    [
        ("record_id", pa.string()),
        ("caption_id", pa.string()),  # null where the image itself is refused
        ("source", pa.string()),
        ("text", pa.string()),
        ("reason", pa.string()),  # the name of the first expectation that failed
        ("detail", pa.string()),
    ]
)


def write(path: Path, rows: Iterable[Mapping[str, Any]], *, schema: pa.Schema) -> None:
    """Write `rows` (in the order given) to `path`, byte for byte the same for the same rows."""
    table = pa.Table.from_pylist([dict(row) for row in rows], schema=schema)
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, compression="zstd", store_schema=False, row_group_size=50_000)


def read(path: Path, *, columns: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Rows of a table as dictionaries. Raises `ValueError` that names the stage to run when `path` is missing."""
    return [dict(row) for row in read_table(path, columns=columns).to_pylist()]


def read_table(path: Path, *, columns: Sequence[str] | None = None) -> pa.Table:
    """The table itself, for work on whole columns."""
    if not path.is_file():
        raise ValueError(f"{path} does not exist: run `dvc repro` for the stage that writes it, or `dvc checkout`")
    return pq.read_table(path, columns=list(columns) if columns is not None else None)
