"""Target chips: one object an image, its class written in the path."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tasks import strict
from tasks.download.catalog import Source
from tasks.download.formats import Item, patterns
from tasks.download.formats.boxes import class_of
from tasks.download.formats.files import Files, Split


@dataclass(frozen=True)
class Options:
    """`reader` of a source of chips."""

    image: str  # regular expression on the whole path with a group `class`: (?P<split>train|test)/(?P<class>[^/]+)/.+
    splits: dict[str, Split] = field(default_factory=lambda: dict(patterns.SPLITS))  # values of the group `split`

    def __post_init__(self) -> None:
        patterns.check(self.image, key="image", needs=("class",))


def read(root: Path, source: Source) -> Iterator[Item]:
    """Chips with their class, sorted by path; those of a class that is mapped to "" are left out.

    Raises `ValueError` for a class or split that the description does not name.
    """
    options = strict.parse(Options, source.reader, where=f"sources/{source.name}.yaml: reader")
    files = Files.of(root, source)
    for path, groups in patterns.found(files, options.image):
        where = f"{source.name}: {path}"
        label = class_of(source, groups["class"], where=where)
        if label:
            yield Item(path, source.modality, label=label, split=patterns.split(groups, options.splits, where=where),
                       polarization=groups.get("polarization"))  # fmt: skip
