"""`file://` addresses and the mirror: files on a disk that is already here."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from tasks.download import digests
from tasks.download.address import Address
from tasks.download.errors import FetchError
from tasks.download.progress import Meter


class Local:
    """A folder, or one file. Files are copied, never linked, so that later changes there do no harm here."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def get(self, path: str, part: Path, *, bar: Meter, threads: int) -> None:
        """Copy `path` to `part`. Raises `FetchError` when it is missing, a folder, or may not be read."""
        place = self.root / path
        try:
            with place.open("rb") as stream:
                digests.copy(stream, part, moved=bar.moved)
        except FileNotFoundError as error:
            raise FetchError(f"{place} does not exist: correct the address or the list of files") from error
        except IsADirectoryError as error:
            raise FetchError(
                f"{place} is a folder, where one file is expected: list its files in `files` or `files_list`"
            ) from error
        except PermissionError as error:
            raise FetchError(f"{place} may not be read: change its permissions, or run as who owns it") from error

    def place(self, path: str) -> str:
        return str(self.root / path)

    def close(self) -> None:
        """Nothing is held."""


def path_of(address: Address) -> Path:
    """The path of a `file://` address."""
    return Path(unquote(urlsplit(address.url).path))


def open_address(address: Address) -> Local:
    """What lies at a `file://` address. Raises `FetchError` when nothing does."""
    path = path_of(address)
    if not path.exists():
        raise FetchError(f"{path} does not exist: correct `address`, or mount the disk that holds it")
    return Local(path)
