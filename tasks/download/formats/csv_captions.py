"""Captions as the CSV that open_clip trains from: one row a caption, `filepath,caption`, as HQRS-IT-210K has it."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tasks import strict
from tasks.download.catalog import Source
from tasks.download.formats import Item
from tasks.download.formats.files import Files, Unannotated, join


@dataclass(frozen=True)
class Options:
    """`reader` of a source with a CSV of captions."""

    file: str  # the CSV, UTF-8, with a first line of column names
    images: str = "."  # folder that the paths are relative to
    strip: str = ""  # what every path begins with and is left out, such as the folder of who made the CSV
    separator: str = ","
    path_column: str = "filepath"
    caption_column: str = "caption"
    unannotated: Unannotated = "refuse"

    def __post_init__(self) -> None:
        if len(self.separator) != 1:
            raise ValueError('separator is one character, such as "," or "\\t"')


def read(root: Path, source: Source) -> Iterator[Item]:
    """Images with their captions in the order of the file, sorted by path; blank captions are left out.

    Raises `ValueError` naming the line for a CSV of another form or a path that does not begin with `strip`, and for
    an image without captions (unless the options settle it) or one that is missing (unless a subset is declared).
    """
    options = strict.parse(Options, source.reader, where=f"sources/{source.name}.yaml: reader")
    files = Files.of(root, source)
    captions: dict[str, list[str]] = {}
    for path, caption in _rows(files, options):
        kept = captions.setdefault(join(options.images, path), [])
        if caption:
            kept.append(caption)
    for path in files.settle(captions, files.images(options.images), unannotated=options.unannotated):
        yield Item(path, source.modality, captions=tuple(captions.get(path, ())))


def _rows(files: Files, options: Options) -> Iterator[tuple[str, str]]:
    # newline="": a caption in quotes may hold line ends, which the csv module must see as they are.
    rows = csv.DictReader(
        io.StringIO(files.text(options.file), newline=""),
        delimiter=options.separator,
        strict=True,
        restkey="",
        restval=None,
    )
    where = f"{files.source}: {options.file}"
    missing = [name for name in (options.path_column, options.caption_column) if name not in (rows.fieldnames or ())]
    if missing:
        raise ValueError(
            f"{where} has no column '{missing[0]}' but {', '.join(rows.fieldnames or ['none'])}; see path_column, "
            "caption_column and separator in `reader`"
        )
    try:
        for row in rows:
            path, caption = row[options.path_column], row[options.caption_column]
            if "" in row or path is None or caption is None:
                raise ValueError(f"{where}:{rows.line_num}: not as many columns as the first line has")
            if not path.startswith(options.strip):
                raise ValueError(f"{where}:{rows.line_num}: {path} does not begin with reader.strip {options.strip!r}")
            yield path.removeprefix(options.strip), " ".join(caption.split())
    except csv.Error as error:
        raise ValueError(f"{where}:{rows.line_num} is not CSV: {error}") from error
