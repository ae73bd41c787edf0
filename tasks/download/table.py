"""The table of sources that `sar-text sources` shows."""

from pathlib import Path
from typing import Any

from tasks.download import catalog


def source_rows(folder: Path) -> list[dict[str, Any]]:
    """One row a `<folder>/<name>.yaml`, sorted by name. Raises `ValueError` naming the file and key that is wrong."""
    return [_row(catalog.load(path.stem, path=path)) for path in sorted(folder.glob("*.yaml"))]


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
        "note": source.note,
    }


def address_kind(address: str) -> str:
    """`git` for git+https://, `simulated` as it is, else the scheme: s3, https, file."""
    scheme = address.partition("://")[0]
    return "git" if scheme.startswith("git+") else scheme
