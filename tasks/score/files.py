"""The files that `sar-text score` reads, each refused with its name and line if anything about it is doubtful."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt


def text(path: Path) -> str:
    """The file as text. Raises `ValueError` naming the line that is not UTF-8."""
    content = path.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValueError(f"{path}, line {line}: not UTF-8; save the file as UTF-8") from error


def rows(path: Path, *, columns: Sequence[str], optional: Sequence[str] = ()) -> tuple[list[int], dict[str, list[str]]]:
    """A CSV file with a header: the line that each row ends on, and the cells of each column that it has.

    Raises `ValueError` naming the line for a missing or unknown column, a row with more or fewer cells than the header,
    a blank cell, and a file without rows.
    """
    reader = csv.reader(io.StringIO(text(path), newline=""), strict=True)
    lines: list[int] = []
    cells: list[list[str]] = []
    try:
        header = [name.strip() for name in next(reader, [])]
        if set(header) - set(optional) != set(columns) or len(set(header)) < len(header):
            wanted = ",".join(columns) + "".join(f"[,{name}]" for name in optional)
            raise ValueError(f"{path}, line 1: the columns must be {wanted}, not {','.join(header) or 'none'}")
        for row in reader:
            if len(row) != len(header):
                raise ValueError(
                    f"{path}, line {reader.line_num}: {len(row)} cells for {len(header)} columns; put text with a "
                    "comma into double quotes"
                )
            for name, cell in zip(header, row, strict=True):
                if not cell.strip():
                    raise ValueError(f"{path}, line {reader.line_num}: the {name} is blank")
            lines.append(reader.line_num)
            cells.append(row)
    except csv.Error as error:
        raise ValueError(f"{path}, line {reader.line_num}: {error}") from error
    if not cells:
        raise ValueError(f"{path} has no rows")
    return lines, dict(zip(header, map(list, zip(*cells, strict=True)), strict=True))


def references(path: Path) -> dict[str, list[str]]:
    """JSON `{image: [caption, …]}`.

    Raises `ValueError` naming the line where it is no JSON, and the image that stands twice, or whose captions are not
    a list of texts of which none is blank.
    """

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            raise ValueError(f"{path}: '{twice}' stands twice")
        return found

    try:
        found = json.loads(text(path), object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}, line {error.lineno}: not JSON: {error.msg}") from error
    if not isinstance(found, dict) or not found:
        raise ValueError(f'{path}: must be an object {{"image": ["caption", …], …}} with at least one image')
    for image, captions in found.items():
        if not isinstance(captions, list) or not captions:
            raise ValueError(f"{path}: '{image}' must have a list of at least one reference")
        for number, caption in enumerate(captions, start=1):
            if not isinstance(caption, str) or not caption.strip():
                raise ValueError(f"{path}: reference {number} of '{image}' is blank or no text")
    return found


def embeddings(path: Path) -> npt.NDArray[np.floating[Any]]:
    """A NumPy file of floating-point embeddings (rows, dimension), mapped and not read, so that it may be large.

    Raises `ValueError` naming the file if it is anything else; pickled objects, which could run code, are never loaded.
    """
    with path.open("rb") as file:
        if file.read(6) != b"\x93NUMPY":
            raise ValueError(f"{path}: not a .npy file; write it with numpy.save")
    try:
        found = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise ValueError(f"{path}: cannot be read as a table of numbers: {error}") from error
    if found.dtype.kind != "f":
        raise ValueError(f"{path}: holds {found.dtype}; give float16, float32 or float64")
    if found.ndim != 2 or not found.size:
        raise ValueError(f"{path}: must be a table (rows, dimension) with at least one row, not of shape {found.shape}")
    return np.asarray(found)
