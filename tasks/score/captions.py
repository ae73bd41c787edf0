"""Captions of anyone's model against references: the metrics of `evaluate`, from two files."""

from pathlib import Path

from sar_models.metrics import caption
from sar_models.metrics.bootstrap import Statistic
from tasks.score import files


def statistics(captions: Path, references: Path, *, meteor: bool = False) -> dict[str, Statistic]:
    """`bleu_1` … `cider` of a CSV `image,caption` against a JSON `{image: [caption, …]}`.

    Raises `ValueError` naming file and line for what `files` refuses, an image that is captioned twice, has no
    references or is referred to without being captioned, and for fewer than two images.
    """
    lines, columns = files.rows(captions, columns=("image", "caption"))
    known = files.references(references)
    seen: dict[str, int] = {}
    for line, image in zip(lines, columns["image"], strict=True):
        if image in seen:
            raise ValueError(f"{captions}, line {line}: '{image}' already has a caption in line {seen[image]}")
        if image not in known:
            raise ValueError(f"{captions}, line {line}: '{image}' has no references in {references}")
        seen[image] = line
    missing = [image for image in known if image not in seen]
    if missing:
        raise ValueError(f"{captions}: no caption for '{missing[0]}' of {references} ({len(missing)} such images)")
    if len(seen) < 2:
        raise ValueError(f"{captions}: one image alone cannot be scored; CIDEr and intervals compare several")
    return caption.statistics(columns["caption"], [known[image] for image in columns["image"]], meteor=meteor)
