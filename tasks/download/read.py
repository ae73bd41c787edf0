"""The reader of each annotation format."""

from tasks.download.formats import (
    Reader,
    binary_masks,
    caption_text,
    chips,
    coco,
    colour_masks,
    csv_captions,
    dota,
    images,
    index_masks,
    karpathy,
    nwpu_captions,
    opensarship,
    pairs,
    rsvqa,
    voc,
    yolo,
)

_READERS: dict[str, Reader] = {
    "coco": coco.read,
    "voc": voc.read,
    "yolo": yolo.read,
    "dota": dota.read,
    "opensarship": opensarship.read,
    "index_masks": index_masks.read,
    "binary_masks": binary_masks.read,
    "colour_masks": colour_masks.read,
    "pairs": pairs.read,
    "chips": chips.read,
    "images": images.read,
    "caption_text": caption_text.read,
    "karpathy": karpathy.read,
    "nwpu_captions": nwpu_captions.read,
    "csv_captions": csv_captions.read,
    "rsvqa": rsvqa.read,
}


def reader(format: str) -> Reader:
    """The function that reads `format`. Raises `ValueError` for a format that there is no reader for."""
    if format not in _READERS:
        raise ValueError(f"no reader for format '{format}'; there are {', '.join(_READERS)}")
    return _READERS[format]
