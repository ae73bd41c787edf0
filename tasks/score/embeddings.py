"""Embeddings of anyone's model: the retrieval metrics of `evaluate`, from three files."""

from pathlib import Path

import numpy as np

from sar_models.metrics import retrieval
from sar_models.metrics.bootstrap import Statistic
from tasks.score import files


def statistics(images: Path, texts: Path, pairs: Path, *, precision: bool = False) -> dict[str, Statistic]:
    """Recalls, median ranks, ties and, with `precision`, average precision both ways.

    `images` and `texts` are .npy tables of one embedding a row; `pairs` is a CSV `image_row,text_row[,text]`, rows
    counted from 0, with every text row once. Without its `text`, no two texts are taken for the same.

    Raises `ValueError` naming file and line or row for what `files` and `retrieval.ranks` refuse, a row that is no row
    of its table, a text that is given twice or not at all, fewer than two images, and texts that are all the same.
    """
    of_images, of_texts = files.embeddings(images), files.embeddings(texts)
    if of_images.shape[1] != of_texts.shape[1]:
        raise ValueError(f"{images} has dimension {of_images.shape[1]}, {texts} {of_texts.shape[1]}: not of one model")
    if len(of_images) < 2:
        raise ValueError(f"{images}: one image alone is always found; give at least two")
    lines, columns = files.rows(pairs, columns=("image_row", "text_row"), optional=("text",))
    owner = np.full(len(of_texts), -1, dtype=np.int64)
    captions = [str(row) for row in range(len(of_texts))]
    line_of: dict[int, int] = {}
    for number, line in enumerate(lines):
        image = _row(columns["image_row"][number], len(of_images), f"{pairs}, line {line}", images)
        row = _row(columns["text_row"][number], len(of_texts), f"{pairs}, line {line}", texts)
        if row in line_of:
            raise ValueError(
                f"{pairs}, line {line}: text row {row} already stands in line {line_of[row]}; a text of several images "
                "needs a row for each, and the column text to show that they are the same"
            )
        line_of[row] = line
        owner[row] = image
        if "text" in columns:
            captions[row] = columns["text"][number]
    missing = np.flatnonzero(owner < 0)
    if missing.size:
        raise ValueError(f"{pairs}: text row {missing[0]} of {texts} has no image ({missing.size} such rows)")
    if len({retrieval.text_key(text) for text in captions}) < 2:
        raise ValueError(f"{pairs}: all {len(captions)} texts are the same, so there is nothing to tell apart")
    found = retrieval.ranks(
        of_images, of_texts, image_of_text=owner, captions=captions, precision=precision,
        names=(str(images), str(texts)),
    )  # fmt: skip
    return retrieval.statistics(found)


def _row(cell: str, rows: int, where: str, table: Path) -> int:
    if not (cell.isascii() and cell.isdigit()):
        raise ValueError(f"{where}: '{cell}' is no row number; rows are counted from 0")
    if int(cell) >= rows:
        raise ValueError(f"{where}: row {cell} is past the end of {table}, which has {rows} rows, from 0")
    return int(cell)
