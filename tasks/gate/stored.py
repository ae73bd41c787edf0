"""Files of a data set by its DVC digest, from the cache or the remote, checked against their own digests."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from tasks import paths


class Stored:
    """What DVC keeps, whichever revision it belongs to."""

    def __init__(self, places: list[Any]) -> None:
        self._places = places  # object databases, the nearest first

    def listing(self, digest: str) -> dict[str, str]:
        """Path → MD5 of the files of the folder with `digest` (`<32 hex digits>.dir`).

        Raises `ValueError` when it is nowhere to be had, or its bytes are not those of the digest.
        """
        return {entry["relpath"]: entry["md5"] for entry in json.loads(self.read(digest))}

    def read(self, digest: str) -> bytes:
        """The bytes with `digest`. Raises as `listing` does."""
        for place in self._places:
            if place.exists(digest):
                with place.fs.open(place.oid_to_path(digest), "rb") as file:
                    data: bytes = file.read()
                if hashlib.md5(data).hexdigest() != digest.removesuffix(".dir"):
                    raise ValueError(f"{place.oid_to_path(digest)} is damaged: its bytes have another digest")
                return data
        raise ValueError(
            f"{digest} is neither in the DVC cache nor in a remote: `dvc fetch` of the revision that made it brings "
            "it back, where a remote has it"
        )


@contextmanager
def stored() -> Iterator[Stored]:
    """The cache of this checkout, and behind it the default remote where there is one.

    Raises `ValueError` when there is no DVC repository, or its configuration cannot be read.
    """
    from dvc.config import NoRemoteError
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        opened = Repo(str(paths.root()))
    except DvcException as error:
        raise ValueError(f"DVC cannot be used in {paths.root()}: {error}") from error
    with opened as repo:
        places = [repo.cache.local]
        with suppress(NoRemoteError):  # a cache alone is a way to work
            places.append(repo.cloud.get_remote_odb())
        yield Stored(places)
