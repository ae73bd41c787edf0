"""`sources/withdrawn/<name>.yaml`: what of a source may no longer be used, who said so, and why."""

from dataclasses import dataclass, field
from pathlib import Path

import yaml

from tasks import paths
from tasks.download import digests
from tasks.download.catalog import Source


@dataclass(frozen=True)
class Withdrawn:
    """What was withdrawn of a source: all of it, or records; each with reason, by and on."""

    source: str
    whole: dict[str, str] | None = None
    records: dict[str, dict[str, str]] = field(default_factory=dict)


def path_of(source: str) -> Path:
    return paths.root() / "sources" / "withdrawn" / f"{source}.yaml"


def load(source: str) -> Withdrawn:
    """Nothing withdrawn where there is no file. Raises `ValueError` for one that cannot be read."""
    path = path_of(source)
    if not path.exists():
        return Withdrawn(source)
    try:
        stated = yaml.safe_load(path.read_text(encoding="utf-8"))
        unknown = set(stated) - {"source", "records"}
    except (yaml.YAMLError, TypeError) as error:
        raise ValueError(f"{path} cannot be read ({error}): `git checkout` brings back what was withdrawn") from error
    if unknown or not stated:
        raise ValueError(f"{path} must have `source` or `records`, and has {', '.join(sorted(unknown)) or 'nothing'}")
    return Withdrawn(source, stated.get("source"), stated.get("records") or {})


def withheld(source: Source) -> frozenset[str]:
    """Records that may not be built.

    Raises `ValueError` when the whole source was withdrawn, or when its description does not pin the file: the
    description is what DVC looks at, so that an unpinned withdrawal would not build the source anew.
    """
    path = path_of(source.name)
    found = digests.of_file(path).sha256 if path.exists() else None
    if found != source.withdrawn_sha256:
        raise ValueError(
            f"sources/{source.name}.yaml says withdrawn_sha256: {source.withdrawn_sha256}, and {path} "
            f"has {found or 'been deleted'}: `sar-text withdraw` writes both; `git checkout` brings them back"
        )
    stated = load(source.name)
    if stated.whole:
        told = ", ".join(f"{key} {value}" for key, value in stated.whole.items())
        raise ValueError(f"source {source.name} was withdrawn ({told}): take it out of `sources` in params.yaml")
    return frozenset(stated.records)
