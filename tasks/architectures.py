"""The names of the model shapes that exist: ours and those of the installed open_clip, without importing it."""

import difflib
from functools import cache
from importlib.util import find_spec
from pathlib import Path


@cache
def names() -> frozenset[str]:
    """Each is a JSON file, in `sar_models/configs` or in open_clip's `model_configs`."""
    found: set[str] = set()
    for package, folder in (("sar_models", "configs"), ("open_clip", "model_configs")):
        spec = find_spec(package)
        assert spec is not None, package
        for place in spec.submodule_search_locations or ():
            found |= {path.stem for path in (Path(place) / folder).glob("*.json")}
    return frozenset(found)


def check(name: str, *, key: str) -> None:
    """Raise `ValueError` naming the nearest shapes where there is none called `name`; `key` is the setting."""
    if name not in names():
        near = difflib.get_close_matches(name, sorted(names()), n=3, cutoff=0.0)
        raise ValueError(f"{key}: there is no architecture '{name}'; the nearest are {', '.join(near)}")
