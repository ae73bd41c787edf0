"""Files found by a regular expression on their path; its named groups say what the path tells.

`split` and `polarization` are understood wherever they are named, `class` by the chips; all groups fill templates.
"""

import re
import string
from collections.abc import Iterator, Mapping

from tasks.download.formats.files import Files, Split, is_image, split_of

SPLITS: dict[str, Split] = {"train": "train", "val": "val", "test": "test"}


def check(pattern: str, *, key: str, needs: tuple[str, ...] = ()) -> None:
    """Raise `ValueError` unless `pattern` is a regular expression with the named groups it `needs`."""
    try:
        groups = re.compile(pattern).groupindex
    except re.error as error:
        raise ValueError(f"{key} is not a regular expression: {error}") from error
    for name in needs:
        if name not in groups:
            raise ValueError(f"{key} needs a named group (?P<{name}>…)")


def check_template(template: str, pattern: str, *, key: str) -> None:
    """Raise `ValueError` unless every {name} of `template` is a named group of `pattern`."""
    names = {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}
    unknown = sorted(names - set(re.compile(pattern).groupindex))
    if unknown:
        raise ValueError(f"{key} uses {{{unknown[0]}}}, but the image pattern has no group (?P<{unknown[0]}>…)")


def found(files: Files, pattern: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Images whose whole path matches `pattern`, sorted, each with its named groups.

    Raises `ValueError` when there is none.
    """
    compiled, none = re.compile(pattern), True
    for path in files.paths:
        match = compiled.fullmatch(path) if is_image(path) else None
        if match is not None:
            none = False
            files.local(path)
            yield path, {name: value or "" for name, value in match.groupdict().items()}
    if none:
        raise ValueError(
            f"{files.source}: no image path below {files.root} matches {pattern!r} as a whole; see `reader`"
        )


def split(groups: Mapping[str, str], splits: Mapping[str, Split], *, where: str) -> Split | None:
    """The split that the path names, or None where the pattern has no such group."""
    return split_of(groups["split"], splits, where=where) if "split" in groups else None
