"""The `address` of a source, taken apart."""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from tasks.download import names
from tasks.download.errors import FetchError

_KNOWN = (
    "`s3://bucket/key` or `s3://bucket/prefix/`, `https://host/file` or `https://host/folder/`, "
    "`git+https://host/repository@<commit>#<subdir>`, `file:///path`, or `manual` for what is placed by hand"
)
# Parameters of an address that let somebody in, among those that stores, forges and data portals use.
_SECRET = re.compile(r"token|secret|passw|signature|credential|api[-_]?key|^sig$|^key$|^auth", re.IGNORECASE)


@dataclass(frozen=True)
class Address:
    """Where a source lies."""

    text: str  # as it is written
    scheme: Literal["s3", "https", "git", "file", "manual"]
    url: str  # of git: the repository alone
    folder: bool  # names a folder of listed files, not one file or archive; of file://, the disk decides
    commit: str = ""  # git: 40 hexadecimal digits
    subdir: str = ""  # git: what is published, its content at the top; empty: the whole tree

    @property
    def file_name(self) -> str:
        """Last part of the path, which a single file is published as."""
        path = self.url if self.scheme == "s3" else unquote(urlsplit(self.url).path)
        return PurePosixPath(path).name


def parse(text: str) -> Address:
    """Take `text` apart. Raises `FetchError` that says what an address may be."""
    if text == "simulated":
        raise FetchError("its address is `simulated`: it is drawn here, there is nothing to fetch")
    if text == "manual":
        return Address(text, "manual", "", folder=False)  # below the mirror, a folder or an archive: the disk decides
    try:
        urlsplit(text)
    except ValueError as error:
        raise FetchError(f"address {text!r} is no address ({error}); it is one of {_KNOWN}") from error
    _refuse_secrets(text)
    scheme = text.partition("://")[0]
    if scheme in ("git+https", "git+http", "git+file"):
        return _git(text)
    if scheme not in ("s3", "https", "http", "file"):
        raise FetchError(f"address {text!r} cannot be fetched; an address is one of {_KNOWN}")
    if scheme != "s3" and "#" in text:
        raise FetchError(f"address {text!r}: only git+https:// addresses take `#subdir`")
    if scheme == "s3":
        bucket, _, key = text.removeprefix("s3://").partition("/")
        if not bucket or not key:
            raise FetchError(f"address {text!r}: expected s3://bucket/key, or s3://bucket/prefix/ with `files`")
        return Address(text, "s3", text, folder=text.endswith("/"))
    if scheme == "file":
        if urlsplit(text).netloc not in ("", "localhost"):
            raise FetchError(f"address {text!r}: a file address has three slashes, file:///absolute/path")
        return Address(text, "file", text, folder=text.endswith("/"))
    if not urlsplit(text).hostname:
        raise FetchError(f"address {text!r} names no host")
    return Address(text, "https", text, folder=urlsplit(text).path.endswith("/") or not urlsplit(text).path)


def _refuse_secrets(text: str) -> None:
    """A description stands in git, and its address in manifests and lineage. What is refused is not repeated."""
    parts = urlsplit(text)
    found = [name for name, _ in parse_qsl(parts.query, keep_blank_values=True) if _SECRET.search(name)]
    if "@" in parts.netloc or found:
        what = "a name or password before its host" if "@" in parts.netloc else f"the parameter '{found[0]}'"
        raise FetchError(
            f"the address at {parts.hostname} has {what}, which must not stand in a file that goes into git: take it "
            "out, and change it if it was committed. A login belongs into ~/.netrc, as `machine HOST login NAME "
            "password SECRET`, keys of s3:// into the environment or ~/.aws/credentials"
        )


def _git(text: str) -> Address:
    rest, _, subdir = text.removeprefix("git+").partition("#")
    url, _, commit = rest.rpartition("@")
    if not url or not re.fullmatch(r"[0-9a-f]{40}", commit):
        raise FetchError(
            f"address {text!r}: give the full commit (40 hexadecimal digits in lower case) as …/repository@<commit>; "
            "a branch or a tag can move, so it proves nothing. `git ls-remote` prints commits"
        )
    subdir = subdir.strip("/")
    return Address(
        text,
        "git",
        url,
        folder=True,
        commit=commit,
        subdir=names.clean(subdir, where=f"address {text!r}") if subdir else "",
    )
