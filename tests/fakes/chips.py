"""MSTAR's layout: `{train,test}/<class>/<number>.jpeg`, equal numbers in several classes."""

from pathlib import Path

from fakes.drawing import save, speckle

READER = {"image": r"(?P<split>train|test)/(?P<class>[^/]+)/[^/]+\.jpeg"}
CLASSES = {"2S1": "2s1", "BRDM_2": "brdm2", "ZSU_23_4": "zsu234"}


def draw(root: Path) -> None:
    """Two chips a class to train, one to test, of sizes that depend on the class."""
    for size, name in enumerate(CLASSES, start=16):
        for place in ("train/{}/hb03787", "train/{}/hb03792", "test/{}/hb03333"):
            save(root / f"{place.format(name)}.jpeg", speckle(size, size, seed=size))
