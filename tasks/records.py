"""The record schema: what every stage may expect of the one before it.

`records.parquet`    one row an image, its place in a shard, its annotation     (download → narrate, validate, train)
`features.parquet`   one row a record: pixel statistics, duplicate descriptors  (download → validate)
`given_questions.parquet` the questions of a source that has some               (download → narrate, validate)
`groups/*.parquet`   one row a group and split of a source: all that the other text's gate needs (download → validate)
`captions.parquet`   one row a caption with the facts that it claims             (narrate → validate)
`questions.parquet`  one row a question with its answer                          (narrate → validate)
`train|val|test.parquet`  one row a caption that passed, with its image's place  (validate → train, evaluate)
`train|val|test_questions.parquet`  likewise, one row a question                 (validate → train, evaluate)
`quarantine.parquet` one row a caption or image that did not, with the reason   (validate → people)

Tables are written sorted, without clocks, with one codec, so that equal rows give equal bytes.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
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
        ("heading_deg", pa.float64()),  # of a ship as it reports by AIS, clockwise from north; never from a box
        ("length_m", pa.float64()),  # as the source states it (AIS), not measured in the image
        ("width_m", pa.float64()),
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
        ("crosses", pa.list_(pa.string())),  # "left-right", "top-bottom": a narrow connected region joins these edges
    ]
)
CLAIM = pa.struct([("kind", pa.string()), ("subject", pa.string()), ("value", pa.string())])

_ROW_GROUP = 50_000
_MISSING = "{path} does not exist: run `dvc repro` for the stage that writes it, or `dvc checkout`"
_DAMAGED = "{path} cannot be read ({error}): delete it, then `dvc checkout` brings it back, or `dvc repro` builds it"

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
    ("crs", pa.string()),  # such as EPSG:32650, of a georeferenced image, else null
    ("bounds", pa.list_(pa.float64())),  # west, south, east, north in units of `crs`; null unless the top is north
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
        ("labelled_fraction", pa.float64()),  # share of the pixels that the mask labels, 0..1; null: no mask
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
        ("landmarks", pa.binary()),  # up to 130 of 22 bytes (tasks/download/landmarks.py): descriptors for overlaps
    ]
)
GIVEN_QUESTIONS = pa.schema(
    [
        ("record_id", pa.string()),
        ("question", pa.string()),  # as the source gives it
        ("answer", pa.string()),  # likewise
        ("family", pa.string()),  # ours, by the source's type of question
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
        ("route", pa.string()),  # a2c | sa2c | chip | given; written by a model: pair | model
        ("rule", pa.string()),  # id and version of the rule that wrote it, such as boxes.count@1
        ("claims", pa.list_(CLAIM)),
    ]
)
QUESTIONS = pa.schema(
    [
        ("record_id", pa.string()),
        ("question_id", pa.string()),  # <record_id>#q<number>
        ("question", pa.string()),
        ("answer", pa.string()),  # normalised: lower case, no article, digits
        ("family", pa.string()),  # presence | count | comparison | position | …
        ("answer_type", pa.string()),  # yes/no | number | place | class | other
        ("subject", pa.string()),  # the class asked about, or `image`
        ("rule", pa.string()),  # such as presence@1; given@1: by the source
        ("claims", pa.list_(CLAIM)),  # what question and answer together assert
    ]
)
QUESTION_TEXT = pa.schema([*PLACE, *QUESTIONS.remove(0), ("split", pa.string())])
TEXT = pa.schema([*PLACE, ("caption_id", pa.string()), ("text", pa.string()), ("route", pa.string()),
                  ("rule", pa.string()), ("claims", pa.list_(CLAIM)), ("split", pa.string())])  # fmt: skip
QUARANTINE = pa.schema(
    [
        ("record_id", pa.string()),
        ("caption_id", pa.string()),  # or the question's; null where the image itself is refused
        ("source", pa.string()),
        ("text", pa.string()),
        ("reason", pa.string()),  # the name of the first expectation that failed
        ("detail", pa.string()),
    ]
)


def write(path: Path, rows: Iterable[Mapping[str, Any]], *, schema: pa.Schema) -> None:
    """Write `rows` (in the order given) to `path`, byte for byte the same for the same rows."""
    write_table(path, pa.Table.from_pylist([dict(row) for row in rows], schema=schema))


def write_table(path: Path, table: pa.Table) -> None:
    """Likewise, of a table that is one already."""
    write_tables(path, [table], schema=table.schema)


def write_tables(path: Path, tables: Iterable[pa.Table], *, schema: pa.Schema) -> None:
    """Likewise, of tables that come one after the other: the bytes do not tell where one ends, and the memory holds
    little more than one of them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    try:
        with pq.ParquetWriter(partial, schema, compression="zstd", store_schema=False) as writer:
            waiting = schema.empty_table()
            for table in tables:
                waiting = pa.concat_tables([waiting, table])
                while waiting.num_rows >= _ROW_GROUP:
                    writer.write_table(waiting.slice(0, _ROW_GROUP).combine_chunks())
                    waiting = waiting.slice(_ROW_GROUP)
            if waiting.num_rows:
                writer.write_table(waiting.combine_chunks())
        partial.rename(path)
    finally:
        partial.unlink(missing_ok=True)


def read(path: Path, *, columns: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Rows of a table as dictionaries. Raises `ValueError` that says what to do when `path` is missing or damaged."""
    rows: list[dict[str, Any]] = read_table(path, columns=columns).to_pylist()
    return rows


def read_table(path: Path, *, columns: Sequence[str] | None = None) -> pa.Table:
    """The table itself, for work on whole columns."""
    if not path.is_file():
        raise ValueError(_MISSING.format(path=path))
    try:
        return pq.read_table(path, columns=list(columns) if columns is not None else None)
    except pa.ArrowInvalid as error:
        raise ValueError(_DAMAGED.format(path=path, error=error)) from error


def read_batches(path: Path, *, columns: Sequence[str], rows: int) -> Iterator[pa.RecordBatch]:
    """The table in parts of `rows` rows, read as they are asked for. Raises as `read` does, at once."""
    if not path.is_file():
        raise ValueError(_MISSING.format(path=path))
    return _batches(path, list(columns), rows)


def _batches(path: Path, columns: list[str], rows: int) -> Iterator[pa.RecordBatch]:
    try:
        with pq.ParquetFile(path) as file:
            yield from file.iter_batches(batch_size=rows, columns=columns)
    except pa.ArrowInvalid as error:
        raise ValueError(_DAMAGED.format(path=path, error=error)) from error
