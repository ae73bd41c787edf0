"""Which text the built weights learned from, by the lock entry of their own training.

The data sets that lie here may be newer: `dvc repro validate@sar` writes them without training anything.
"""

from tasks import lock

TEXTS = ("data/optical_text", "data/sar_text")


def learned_from(weights: str) -> dict[str, str]:
    """Text data set → DVC digest, as the training that wrote `weights` read it, else the nearest training before it.

    Raises `ValueError` when `dvc.lock` does not say.
    """
    entries = lock.entries()
    writers = {path: entry for entry in entries for path in entry.wrote}
    found: dict[str, str] = {}
    waiting = [weights]
    while waiting and len(found) < len(TEXTS):
        path = waiting.pop(0)
        for read, digest in writers[path].read.items():
            if read in TEXTS:
                found.setdefault(read, digest)
            elif read.startswith("models/") and read in writers:
                _check(read, digest, built=writers[read].wrote[read], by=path)
                waiting.append(read)
    for text in TEXTS:
        if text not in found:
            raise ValueError(f"dvc.lock does not say which {text} {weights} learned from: run `dvc repro`")
    return found


def _check(path: str, digest: str, *, built: str, by: str) -> None:
    if digest != built:
        raise ValueError(
            f"{by} was trained from another {path} ({digest}) than dvc.lock has ({built}), so that what it learned "
            "from is not known: run `dvc repro`"
        )
