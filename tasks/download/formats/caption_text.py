"""Caption text as RSICD, RSITMD, UCM-captions and Sydney-captions are handed round: `_caps.txt` and `_filename.txt`.

`<set>_caps.txt` holds a caption a line, five an image; `<set>_filename.txt` holds either a line an image (then the
captions 5i to 5i+4 are the i-th image's) or a line a caption. The numbers of lines tell which, and nothing else does:
training sets come in the first form, test sets in the second.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tasks import strict
from tasks.download.catalog import Source
from tasks.download.formats import Item
from tasks.download.formats.files import Files, Split, Unannotated, join

CAPTIONS_AN_IMAGE = 5


@dataclass(frozen=True)
class Options:
    """`reader` of a source with caption text."""

    captions: str = "."  # folder of the text files
    images: str = "images"  # folder that the file names are relative to
    splits: dict[str, Split] = field(default_factory=lambda: {"train": "train", "test": "test"})  # set name → our split
    unannotated: Unannotated = "refuse"


def read(root: Path, source: Source) -> Iterator[Item]:
    """Images with their captions, sorted by path; blank captions are left out, the others stay as they are.

    Raises `ValueError` for numbers of lines that fit neither form, an image named twice or in two splits, an image
    without captions (unless the options settle it) or captions whose image is missing (unless a subset is declared).
    """
    options = strict.parse(Options, source.reader, where=f"sources/{source.name}.yaml: reader")
    files = Files.of(root, source)
    captions: dict[str, tuple[str, ...]] = {}
    splits: dict[str, Split] = {}
    for name, split in options.splits.items():
        for path, texts in _read_set(files, options, name).items():
            if path in captions:
                raise ValueError(f"{source.name}: {path} stands in {name}_filename.txt and in another set")
            captions[path], splits[path] = texts, split
    for path in files.settle(captions, files.images(options.images), unannotated=options.unannotated):
        yield Item(path, source.modality, captions=captions.get(path, ()), split=splits.get(path))


def _read_set(files: Files, options: Options, name: str) -> dict[str, tuple[str, ...]]:
    names_file = join(options.captions, f"{name}_filename.txt")
    captions_file = join(options.captions, f"{name}_caps.txt")
    names, captions = _lines(files, names_file), _lines(files, captions_file)
    if len(captions) == CAPTIONS_AN_IMAGE * len(names):
        if len(set(names)) < len(names):
            twice = next(entry for entry in names if names.count(entry) > 1)
            raise ValueError(f"{files.source}: {names_file} has a line an image, but names {twice} twice")
        names = [entry for entry in names for _ in range(CAPTIONS_AN_IMAGE)]
    elif len(captions) != len(names):
        raise ValueError(
            f"{files.source}: {captions_file} has {len(captions)} lines and {names_file} {len(names)}; "
            f"expected {CAPTIONS_AN_IMAGE} captions a name, or one"
        )
    texts: dict[str, list[str]] = {}
    for entry, caption in zip(names, captions, strict=True):
        kept = texts.setdefault(join(options.images, entry), [])
        if caption:
            kept.append(caption)
    return {path: tuple(kept) for path, kept in texts.items()}


def _lines(files: Files, path: str) -> list[str]:
    # Only "\n" ends a line here: str.splitlines would also split at form feeds and U+2028 inside captions.
    lines = [line.strip() for line in files.text(path).split("\n")]
    return lines[:-1] if lines[-1] == "" else lines
