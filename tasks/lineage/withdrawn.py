"""`sources/withdrawn/<name>.yaml`: what of a source may no longer be used, who said so, and why."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from tasks import paths
from tasks.lineage.impact import Item

_HEAD = "# Written by `sar-text withdraw`; read by the download of this source and by `sar-text audit`.\n"


@dataclass(frozen=True)
class Withdrawn:
    """What was withdrawn of a source: all of it, or records."""

    source: str
    whole: dict[str, str] | None = None  # reason, by, on
    records: dict[str, dict[str, str]] = field(default_factory=dict)

    def items(self) -> list[Item]:
        if self.whole:
            return [Item(self.source)]
        return [Item(self.source, frozenset({record})) for record in sorted(self.records)]


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


def load_all() -> list[Withdrawn]:
    return [load(path.stem) for path in sorted(path_of("any").parent.glob("*.yaml"))]


def add(item: Item, *, reason: str, by: str) -> Path:
    """Write `item` down beside what was withdrawn before.

    Raises `ValueError` without a reason or a name, and for a caption.
    """
    if not reason.strip() or not by.strip():
        raise ValueError("a withdrawal needs a reason and the name of who withdraws")
    if item.caption:
        raise ValueError("a caption is withdrawn with its record: name the record")
    known = load(item.source)
    entry = {"reason": reason, "by": by, "on": datetime.now(UTC).strftime("%Y-%m-%d")}
    stated: dict[str, Any] = {"source": entry if not item.records else known.whole}
    stated["records"] = {**known.records, **dict.fromkeys(sorted(item.records), entry)}
    path = path_of(item.source)
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = {key: value for key, value in stated.items() if value}
    path.write_text(_HEAD + yaml.dump(kept, Dumper=_Plain, allow_unicode=True, width=110), encoding="utf-8")
    return path


class _Plain(yaml.SafeDumper):
    """Writes equal entries out each time: people read the file."""

    def ignore_aliases(self, data: Any) -> bool:
        return True
