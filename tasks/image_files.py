"""Which files of a folder of anyone's are images."""

import os
from pathlib import Path

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff"})


def images_below(folder: Path, *, but: Path | None = None) -> list[str]:
    """POSIX paths of PNG, JPEG and TIFF files relative to `folder`, sorted.

    Hidden files and folders, and what lies below the folder `but`, are left out. Raises `ValueError` when `folder` is
    none, or holds no image.
    """
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder")
    inside = but.resolve() if but is not None else None
    found = []
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and (Path(root) / name).resolve() != inside
        )
        found += [
            (Path(root) / name).relative_to(folder).as_posix()
            for name in files
            if Path(name).suffix.lower() in SUFFIXES and not name.startswith(".")
        ]
    if not found:
        raise ValueError(f"{folder} holds no PNG, JPEG or TIFF image, nor does a folder below it")
    return sorted(found)
