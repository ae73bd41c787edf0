"""What every layout is made of: the rows of a validated data set, its images, and a folder that can be resumed."""

import hashlib
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image, UnidentifiedImageError

from sar_models.shards import ShardReader
from tasks import paths, records
from tasks.download import catalog
from tasks.download.catalog import Source
from tasks.download.progress import Bar
from tasks.validate import write

Row = Mapping[str, Any]
_CAPTION = [name for name in records.TEXT.names if name != "claims"]
_QUESTION = [name for name in records.QUESTION_TEXT.names if name != "claims"]
_PLACE = [name for name, _ in records.PLACE]
_BATCH = 50_000  # rows
_SUFFIX = {"JPEG": "jpg", "PNG": "png", "BMP": "bmp"}


@dataclass(frozen=True)
class Picture:
    """The bytes of an image as a plain reader shows it."""

    data: bytes
    suffix: str  # jpg, png or bmp, by what the bytes are


@dataclass
class Bundle:
    """A text data set and the folder into which a layout writes it. Rows are read when they are asked for."""

    modality: str
    out: Path
    shards: ShardReader
    bar: Bar
    asked: bool  # whether the layout has a place for questions
    sources: dict[str, Source]
    written: set[str] = field(default_factory=set)  # paths that the layout has, also where an earlier run wrote them

    @property
    def folder(self) -> Path:
        """The validated data set."""
        return paths.text(self.modality)

    def captions(self, split: str) -> list[dict[str, Any]]:
        """Rows of `records.TEXT`, without claims."""
        return records.read(self.folder / f"{split}.parquet", columns=_CAPTION)

    def questions(self, split: str) -> list[dict[str, Any]]:
        """Rows of `records.QUESTION_TEXT`, without claims; none where the layout has no place for them."""
        return records.read(self.folder / f"{split}_questions.parquet", columns=_QUESTION) if self.asked else []

    def rows(self, kind: str) -> int:
        """How many captions (`kind` is ``""``) or questions (`_questions`) the data set has."""
        return sum(pq.read_metadata(self.folder / f"{split}{kind}.parquet").num_rows for split in write.SPLITS)

    def images(self) -> list[dict[str, Any]]:
        """One row of `records.PLACE` an image that a caption or a question speaks of, in the order of the shards."""
        found: dict[str, dict[str, Any]] = {}
        for path in _tables(self.folder, asked=self.asked):
            for batch in records.read_batches(path, columns=_PLACE, rows=_BATCH):
                first: dict[str, int] = {}
                for number, record_id in enumerate(batch.column("record_id").to_pylist()):
                    if record_id not in found:
                        first.setdefault(record_id, number)
                rows = batch.take(pa.array(first.values(), pa.int64())).to_pylist()
                found |= {row["record_id"]: row for row in rows}
        return sorted(found.values(), key=lambda row: (row["source"], row["shard"], row["offset"]))

    def picture(self, image: Row, *, formats: Iterable[str] = ("JPEG", "PNG")) -> Picture:
        """The stored bytes where plain readers of `formats` show them as they are meant, else an 8-bit PNG.

        Raises `ValueError` when the shard holds another image than the one that was validated.
        """
        data = self.shards.read(image)
        if hashlib.sha256(data).hexdigest() != image["sha256"]:
            raise ValueError(
                f"{image['record_id']}: {image['shard']} holds other bytes than were validated; `dvc checkout`"
            )
        stored = _format(data) if write.shown_as_stored(image) else None
        if stored is not None and stored in tuple(formats):
            return Picture(data, _SUFFIX[str(stored)])
        pixels = self.shards.picture(image)
        buffer = io.BytesIO()
        Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(buffer, format="PNG")
        return Picture(buffer.getvalue(), "png")

    def loose_images(self, images: Iterable[Row]) -> None:
        """Write `images` to `Image/<source>/…`; what a stopped export already wrote stays."""
        for image in images:
            picture = self.picture(image, formats=_SUFFIX)
            self.put_bytes(write.filepath(image), picture.data)
            self.bar.moved(len(picture.data))
            self.bar.finished()

    def put(self, path: str, make: Callable[[Path], object]) -> None:
        """Have `make` write the file `path`, which then appears whole or not at all; one that is there stays."""
        target = self.out / path
        if not target.resolve().is_relative_to(self.out.resolve()):
            raise ValueError(f"{path} would lie outside {self.out}: build the data set again with validate")
        self.written.add(path)
        if target.is_file():
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = partial_of(target)
        make(partial)
        partial.replace(target)

    def put_bytes(self, path: str, data: bytes) -> None:
        """`put` of a file that is made already."""
        self.put(path, lambda target: target.write_bytes(data))

    def put_json(self, path: str, content: Any) -> None:
        """`put` of JSON, sorted and on one line."""
        self.put_bytes(path, json.dumps(content, sort_keys=True, ensure_ascii=False).encode())

    def by_image(self, rows: Iterable[Row]) -> Iterator[tuple[Row, list[Row]]]:
        """The rows of each image together, in the order of their first row."""
        together: dict[str, list[Row]] = {}
        for row in rows:
            together.setdefault(row["record_id"], []).append(row)
        for own in together.values():
            yield own[0], own


def load(modality: str, out: Path, *, asked: bool, shards: ShardReader, bar: Bar) -> Bundle:
    """The data set of `modality` as validate wrote it. Raises `ValueError` when it is missing."""
    tables = _tables(paths.text(modality), asked=True)
    columns = (records.read_table(path, columns=["source"])["source"] for path in tables)
    names = {name for column in columns for name in column.unique().to_pylist()}
    sources = {name: catalog.load(name, path=paths.source_data(name) / "source.yaml") for name in sorted(names)}
    return Bundle(modality, out, shards, bar, asked, sources)


def partial_of(target: Path) -> Path:
    """What the file is called while it is written."""
    return target.with_name(f".{target.name[-100:]}.part")


def _tables(folder: Path, *, asked: bool) -> list[Path]:
    return [folder / f"{split}{kind}.parquet" for kind in ("", "_questions")[: 1 + asked] for split in write.SPLITS]


def _format(data: bytes) -> str | None:
    try:
        with Image.open(io.BytesIO(data), formats=tuple(_SUFFIX)) as image:
            return image.format
    except UnidentifiedImageError:
        return None
