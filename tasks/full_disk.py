"""Whether an error comes of a full disk: the databases of the servers fail in other words than files do."""

import errno
import shutil

from tasks import paths

LEAST_FREE_BYTES = 1 << 20
_SHOWN = 200  # characters; databases tell whole statements
_WORDS = ("database or disk is full", "No space left on device")


def told(error: BaseException) -> str | None:
    """What to say of `error`, or of one that it came of, where a disk is full; None of any other error."""
    if not _is_named(error) and min(shutil.disk_usage(place).free for place in _places()) >= LEAST_FREE_BYTES:
        return None
    said = str(error).partition("\n")[0][:_SHOWN]
    return (
        f"no space left on the disk of {paths.root()} or of {paths.state()} ({said}): make room, then run the same "
        "command again, which goes on from here"
    )


def _is_named(error: BaseException | None) -> bool:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            return True
        if any(words in str(error) for words in _WORDS):
            return True
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return False


def _places() -> list[str]:
    return [str(place) for place in (paths.root(), paths.state()) if place.is_dir()]
