"""What a served model is asked and answers: rows of plain values in, one record a row out.

A row comes from anyone. Whatever is wrong with it is a `ValueError` that names the row and what to send instead; no
answer is made up for it, and no file is read but those below the folder that the server's owner has opened.
"""

import base64
import binascii
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sar_models import answer, infer
from sar_models.gpt_model import Gpt
from sar_models.images import BYTES_LIMIT, decode
from sar_models.model import Model
from sar_models.reading import Reading, shown
from sar_models.settings import Answering, Decoding, Hardware
from sar_models.tokenizer import SPECIAL

Row = Mapping[str, Any]
TEXT_LIMIT = 2000  # characters of a question or text
ROWS_LIMIT = 1024  # of a request
BATCH_SIZE = 64


@dataclass(frozen=True)
class Asking:
    """How a request's images are read."""

    reading: Reading = field(default_factory=Reading)
    root: Path | None = None  # below which rows may name files; None: nowhere
    hardware: Hardware = field(default_factory=Hardware)


def captions(coca: Model, rows: Sequence[Row], asking: Asking, *, decoding: Decoding) -> list[dict[str, str]]:
    """`{"caption": …}` for each row with `image` or `path`."""
    _check(rows, ("image", "path"))
    said = infer.caption(coca, _pictures(rows, asking), decoding=decoding, hardware=asking.hardware)
    return [{"caption": text} for text in said]


def answers(gpt: Gpt, rows: Sequence[Row], asking: Asking, *, answering: Answering) -> list[dict[str, str]]:
    """`{"answer": …}` for each row with `image` or `path`, and `question`; every question is asked alone."""
    _check(rows, ("image", "path", "question"))
    usable = partial(usable_question, gpt, max_tokens=answering.max_tokens)
    questions = [_text(row, "question", number, usable) for number, row in enumerate(rows)]
    pictures = _pictures(rows, asking)
    asked = [[question] for question in questions]
    said = answer.answers(gpt, pictures, asked, answering=answering, hardware=asking.hardware)
    return [{"answer": text} for (text,) in said]


def embeddings(clip: Model, rows: Sequence[Row], asking: Asking) -> list[dict[str, Any]]:
    """`{"embedding": …}` (D numbers, of length 1) for each row with an image or a `text`; `{"similarity": …}`, the
    cosine of both, for each row with an image and a `text`."""
    _check(rows, ("image", "path", "text"))
    with_text = [number for number, row in enumerate(rows) if _given(row, "text")]
    with_image = [number for number, row in enumerate(rows) if _given(row, "image") or _given(row, "path")]
    if neither := set(range(len(rows))) - set(with_text) - set(with_image):
        raise ValueError(f"row {min(neither)}: give image (bytes or base64), path, or text, or an image and text")
    texts = [_text(rows[number], "text", number, partial(usable_text, clip)) for number in with_text]
    of_text: dict[int, NDArray[np.float32]] = {}
    of_image: dict[int, NDArray[np.float32]] = {}
    if texts:
        found = infer.embed_texts(clip, texts, hardware=asking.hardware, batch_size=BATCH_SIZE)
        of_text = dict(zip(with_text, found, strict=True))
    if with_image:
        pictures = (_picture(rows[number], number, asking) for number in with_image)
        found = infer.embed_images(clip, pictures, hardware=asking.hardware, batch_size=BATCH_SIZE)
        of_image = dict(zip(with_image, found, strict=True))
    return [
        {"similarity": float(of_text[number] @ of_image[number])}
        if number in of_text and number in of_image
        else {"embedding": (of_text if number in of_text else of_image)[number].tolist()}
        for number in range(len(rows))
    ]


def usable_question(gpt: Gpt, question: object, *, max_tokens: int) -> str:
    """`question`, if `gpt` can answer it in `max_tokens`. Raises `ValueError` (`is empty` …) for what is no text, empty
    or too long."""
    return _fitting(question, tokens=gpt.words.question, longest=gpt.longest - max_tokens)


def usable_text(clip: Model, text: object) -> str:
    """Likewise `text`, if `clip` takes the whole of it."""
    return _fitting(text, tokens=clip.tokenizer.encode, longest=clip.tokenizer.context_length - SPECIAL)


def _check(rows: Sequence[Row], columns: Sequence[str]) -> None:
    if not rows:
        raise ValueError(f"there are no rows: give at least one, with {', '.join(columns)}")
    if len(rows) > ROWS_LIMIT:
        raise ValueError(f"{len(rows)} rows are more than the {ROWS_LIMIT} of a request: send several requests")


def _given(row: Row, column: str) -> bool:
    """Whether a row has a value there: a table marks what is missing as None or NaN."""
    value = row.get(column)
    return value is not None and not (isinstance(value, float) and math.isnan(value))


def _text(row: Row, column: str, number: int, usable: Callable[[object], str]) -> str:
    if not _given(row, column):
        raise ValueError(f"row {number}: {column} is missing")
    try:
        return usable(row[column])
    except ValueError as error:
        raise ValueError(f"row {number}: {column} {error}") from None


def _fitting(text: object, *, tokens: Callable[[str], Sequence[int]], longest: int) -> str:
    if not isinstance(text, str):
        raise ValueError(f"must be text, not {type(text).__name__}")
    if not text.strip():
        raise ValueError("is empty")
    if len(text) > TEXT_LIMIT:  # the tokenizer's time grows with the square of a word's length
        raise ValueError(f"has {len(text)} characters; at most {TEXT_LIMIT} are taken")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("is not valid Unicode: it holds half of a surrogate pair") from None
    if (count := len(tokens(text))) > longest:
        raise ValueError(f"has {count} tokens; the model takes {longest}: shorten it")
    return text


def _pictures(rows: Sequence[Row], asking: Asking) -> Iterator[NDArray[np.uint8]]:
    """Read as they are needed, so that a request of many images holds one batch of them decoded."""
    return (_picture(row, number, asking) for number, row in enumerate(rows))


def _picture(row: Row, number: int, asking: Asking) -> NDArray[np.uint8]:
    try:
        if _given(row, "image") == _given(row, "path"):
            raise ValueError("give either image (bytes or base64) or path")
        data = _bytes(row["image"]) if _given(row, "image") else _file(row["path"], asking.root)
        if not data:
            raise ValueError("the image is empty (0 bytes)")
        stored = decode(data)
        if stored.dtype != np.uint8 and asking.reading.low is None:
            raise ValueError(
                f"the image holds {stored.dtype} samples, and no file says which values are black and white: give the "
                "params low and high in the unit of the image, such as -25 and 5 for dB; 8-bit images need none"
            )
        return shown(stored, asking.reading)
    except ValueError as error:
        raise ValueError(f"row {number}: {error}") from error


def _bytes(image: object) -> bytes:
    if isinstance(image, bytes):
        return image
    if not isinstance(image, str):
        raise ValueError(f"image must be the bytes of an image file, or these as base64, not {type(image).__name__}")
    try:  # `base64 FILE` breaks its lines
        return base64.b64decode("".join(image.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"image is not valid base64 ({error})") from error


def _file(path: object, root: Path | None) -> bytes:
    """The bytes of a file below `root`. What lies elsewhere is refused alike, whether it exists or not."""
    if root is None:
        raise ValueError(
            "this server reads no files: send the image itself (image, as base64), or let its owner start it with "
            "SAR_TEXT_SERVE_ROOT set to the folder whose images it may read"
        )
    if not isinstance(path, str) or not path or "\0" in path:
        raise ValueError("path must be the path of an image file, as text")
    try:
        place = (root / path).resolve()  # follows links, so that none leads out
        if not place.is_relative_to(root.resolve()):
            raise ValueError("path leads out of the folder whose images may be read")
        if not place.is_file():
            raise ValueError("path names no file in the folder whose images may be read")
        if place.stat().st_size > BYTES_LIMIT:
            raise ValueError(f"the file is larger than the limit of {BYTES_LIMIT} bytes: cut the image into tiles")
        return place.read_bytes()
    except (OSError, RuntimeError, UnicodeEncodeError) as error:  # its text would tell the server's own paths
        reason = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
        raise ValueError(f"path cannot be read: {reason}") from None
