"""Where a file of weights lies that the settings name; known before torch is loaded."""

from collections.abc import Sequence
from pathlib import Path

FILES = (".safetensors", ".pt", ".pth", ".bin")  # how a name ends that can only be a file's


def located(name: str, roots: Sequence[Path]) -> Path | None:
    """The file or folder `name` below the first of `roots` that has it, or where an absolute path leads; none when it
    may be a tag instead. Raises `ValueError` when it can only be a file, and there is none."""
    places = list(dict.fromkeys(root / name for root in roots))
    found = next((place for place in places if place.exists()), None)
    if found is None and name.endswith(FILES):
        raise ValueError(
            f"{' or '.join(map(str, places))} does not exist: correct the path, or bring the weights there; a relative "
            "path starts at the repository, else at SAR_TEXT_MIRROR"
        )
    return found
