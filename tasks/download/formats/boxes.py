"""What the box formats share: the class table, and boxes cut at the edge of their image."""

from pathlib import Path
from typing import Literal

from tasks.download.catalog import Source
from tasks.download.clip import Window, cut
from tasks.download.formats import Box
from tasks.download.formats.files import size_px

Outside = Literal["refuse", "drop"]  # a box of no area, or with none inside its image


def class_of(source: Source, name: str, *, where: str) -> str:
    """Our class for the source's `name`, or "" where the table leaves it out on purpose (maps it to "").

    Raises `ValueError` for a class that the table does not hold.
    """
    if name not in source.classes:
        raise ValueError(
            f"{where}: class '{name}' is not in classes of sources/{source.name}.yaml "
            f'({", ".join(source.classes)}); map it to one of our names, or to "" to leave it out'
        )
    return source.classes[name]


def inside(box: Box, width: int, height: int, *, outside: Outside, where: str) -> Box | None:
    """`box` cut to its image; None where nothing is left of it and `outside` is `drop`.

    Raises `ValueError` for such a box when `outside` is `refuse`.
    """
    part, _ = cut(box, Window(0, 0, width, height))
    if part is None and outside == "refuse":
        raise ValueError(
            f"{where}: box x={box.x:g} y={box.y:g} w={box.w:g} h={box.h:g} has no area inside its {width}×{height} px "
            "image; mend it, or set reader.outside to drop"
        )
    return part


def image_size(path: Path, *, stated: tuple[int, int], where: str) -> tuple[int, int]:
    """Width and height that boxes refer to: those stated with them, checked against the image's header.

    Raises `ValueError` when they differ, for then the boxes belong to another edition of the image. An image whose
    header cannot be read keeps the stated size: decoding reports it.
    """
    real = size_px(path)
    if real is None:
        return stated
    if min(stated) > 0 and real != stated:
        raise ValueError(
            f"{where}: boxes are given for {stated[0]}×{stated[1]} px, but {path.name} has {real[0]}×{real[1]} px; "
            "they belong to another edition of the image"
        )
    return real
