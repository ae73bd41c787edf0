"""The reader of each annotation format."""

from tasks.download.formats import (
    Reader,
    binary_masks,
    caption_text,
    chips,
    coco,
    index_masks,
    karpathy,
    pairs,
    voc,
)

_READERS: dict[str, Reader] = {
    "coco": coco.read,
    "voc": voc.read,
    "index_masks": index_masks.read,
    "binary_masks": binary_masks.read,
    "pairs": pairs.read,
    "chips": chips.read,
    "caption_text": caption_text.read,
    "karpathy": karpathy.read,
}


def reader(format: str) -> Reader:
    """The function that reads `format`. Raises `ValueError` for a format that there is no reader for."""
    if format not in _READERS:
        raise ValueError(f"no reader for format '{format}'; there are {', '.join(_READERS)}")
    return _READERS[format]
