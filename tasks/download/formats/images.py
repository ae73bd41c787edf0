"""Bare images, of which nothing is annotated: SAR-RS-CoCa captions them (docs/model-text.md)."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tasks import strict
from tasks.download.catalog import Source
from tasks.download.formats import Item, patterns
from tasks.download.formats.files import Files, Split


@dataclass(frozen=True)
class Options:
    """`reader` of a source of bare images."""

    image: str = ".+"  # regular expression on the whole path; groups `split` and `polarization` are understood
    splits: dict[str, Split] = field(default_factory=lambda: dict(patterns.SPLITS))  # values of the group `split`

    def __post_init__(self) -> None:
        patterns.check(self.image, key="image")


def read(root: Path, source: Source) -> Iterator[Item]:
    """Every image whose path matches, sorted. Raises `ValueError` when there is none, or for an unknown split."""
    options = strict.parse(Options, source.reader, where=f"sources/{source.name}.yaml: reader")
    files = Files.of(root, source)
    for path, groups in patterns.found(files, options.image):
        where = f"{source.name}: {path}"
        yield Item(path, source.modality, split=patterns.split(groups, options.splits, where=where),
                   polarization=groups.get("polarization"))  # fmt: skip
