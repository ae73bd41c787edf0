"""Write a withdrawal down, and pin it in the description of its source, which is what DVC looks at."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from tasks import paths
from tasks.download import digests
from tasks.download.withdrawn import Withdrawn, load, path_of
from tasks.lineage.impact import Item

_HEAD = "# Written by `sar-text withdraw`; read by the download of this source and by `sar-text audit`.\n"


def items(stated: Withdrawn) -> list[Item]:
    if stated.whole:
        return [Item(stated.source)]
    return [Item(stated.source, frozenset({record})) for record in sorted(stated.records)]


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
    description = paths.source_file(item.source)
    if description.is_file():  # else a source of the past: nothing builds it
        text = description.read_text(encoding="utf-8")
        description.write_text(pinned(text, sha256=digests.of_file(path).sha256), encoding="utf-8")
    if not item.records and paths.params_file().is_file():
        settings = paths.params_file().read_text(encoding="utf-8")
        paths.params_file().write_text(left_out(settings, source=item.source), encoding="utf-8")
    return path


def pinned(description: str, *, sha256: str) -> str:
    """With the digest in the description this source's download, and no other, is out of date."""
    line = f"withdrawn_sha256: {sha256}\n"
    changed, count = re.subn(r"(?m)^withdrawn_sha256:.*\n?", line, description)
    return changed if count else f"{description.rstrip()}\n{line}"


def left_out(settings: str, *, source: str) -> str:
    """`params.yaml` without `source`: not under `sources`, nor in the lists `pairs.sources` and `model_text.sources`;
    comments and order stay."""
    name = re.escape(source)
    lines = re.sub(rf"(?m)(?<=\n)  {name}: (?:optical|sar)\b.*\n", "", settings)
    return re.sub(
        r"(?m)^(  sources: \[)([^\]\n]*)(\])",
        lambda found: f"{found[1]}{', '.join(each for each in _listed(found[2]) if each != source)}{found[3]}",
        lines,
    )


def _listed(names: str) -> list[str]:
    return [name.strip() for name in names.split(",") if name.strip()]


class _Plain(yaml.SafeDumper):
    """Writes equal entries out each time: people read the file."""

    def ignore_aliases(self, data: Any) -> bool:
        return True
