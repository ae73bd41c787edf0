"""The table of sources that `sar-text sources` shows."""

from pathlib import Path
from typing import Any

from tasks.download import catalog


def source_rows(folder: Path) -> list[dict[str, Any]]:
    """One row a `<folder>/<name>.yaml`, sorted by name.

    Raises `ValueError` naming the file and key that is wrong, or when there is no such file.
    """
    files = sorted(folder.glob("*.yaml"))
    if not files:
        raise ValueError(f"{folder} holds no description of a source (*.yaml): `git checkout -- sources` restores them")
    return [_row(catalog.load(path.stem, path=path)) for path in files]


def markdown(rows: list[dict[str, Any]]) -> str:
    """The rows that are not simulated as a table for docs/sources.md."""
    lines = ["| source | what | format | how it comes | below the mirror | licence |", "|---|---|---|---|---|---|"]
    for row in rows:
        if row["address"] != "simulated":
            how = "by hand" if row["address"] == "manual" else f"by program ({row['address']})"
            cells = (f"`{row['name']}`", row["title"], row["format"], how, f"`{row['mirror']}`", row["licence"])
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _row(source: catalog.Source) -> dict[str, Any]:
    return {
        "name": source.name,
        "title": source.title,
        "modality": source.modality,
        "format": source.format,
        "role": source.role,
        "sensor": source.sensor or "",
        "band": source.band or "",
        "polarization": source.polarization or "",
        "resolution_m": source.resolution_m,
        "classes": ", ".join(sorted(set(source.classes.values()) - {""})),
        "exhaustive": ", ".join(source.exhaustive),
        "licence": source.licence,
        "address": address_kind(source.address),
        "pinned": "yes" if catalog.is_pinned(source) else "not yet",
        "mirror": source.mirror or "",
        "place": source.place or "",
        "note": source.note,
    }


def address_kind(address: str) -> str:
    """`git` for git+https://, `simulated` and `manual` as they are, else the scheme: s3, https, file."""
    scheme = address.partition("://")[0]
    return "git" if scheme.startswith("git+") else scheme
