"""What lies below an address now: objects of an S3 prefix, files of an HTTP index, the head of a git branch."""

import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote, unquote

import httpx
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

from tasks.download.address import Address
from tasks.download.errors import FetchError
from tasks.download.https import Https
from tasks.download.s3 import S3
from tasks.download.transfer import Transfer, Transient, with_retries

GIT_TIMEOUT_S = 60.0


class Bucket(S3):
    """A prefix of a bucket, which can be listed."""

    def tags(self) -> dict[str, str]:
        """Path below the prefix → ETag and size of each object. Raises `FetchError` when it cannot be listed."""
        return with_retries(self._list, transfer=self._transfer)

    def _list(self) -> dict[str, str]:
        server, place = self._client.meta.endpoint_url, self.place("")
        try:
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._key)
            found = [entry for page in pages for entry in page.get("Contents", [])]
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
            if status >= 500 or code in ("SlowDown", "RequestTimeout", "429"):
                raise Transient(f"{server} answered {status} {code} for {place}") from error
            raise FetchError(self._refusal(place, server, code=code, status=status)) from error
        except (BotoCoreError, HTTPClientError) as error:
            raise Transient(f"cannot reach {server} for {place}: {error}") from error
        objects = [entry for entry in found if not entry["Key"].endswith("/")]  # such keys stand for empty folders
        return {
            entry["Key"].removeprefix(self._key): f"{entry['ETag'].strip(chr(34))} {entry['Size']}" for entry in objects
        }


class Index(Https):
    """A folder whose page links to its files, as web servers write it."""

    def tags(self) -> dict[str, str]:
        """Path below the address → ETag or time of change, and size. Raises `FetchError` when it cannot be read, or
        the server tells neither."""
        files = list(self._files(""))
        with ThreadPoolExecutor(self._transfer.threads) as pool:
            return dict(zip(files, pool.map(self._tag, files), strict=True))

    def _files(self, folder: str) -> Iterator[str]:
        for link in self._links(folder):
            if link.endswith("/"):
                yield from self._files(folder + link)
            else:
                yield folder + link

    def _links(self, folder: str) -> list[str]:
        page = _Links()
        page.feed(self._ask("GET", folder).text)
        names = dict.fromkeys(unquote(link.removeprefix("./")) for link in page.links)
        below = [name for name in names if name.strip("/") and "/" not in name[:-1] and name not in ("..", "../", "./")]
        return [name for name in below if not name.startswith(("?", "#")) and ":" not in name]

    def _tag(self, path: str) -> str:
        headers = self._ask("HEAD", path).headers
        tag = headers.get("ETag") or headers.get("Last-Modified")
        if tag is None:
            where = self.place(path)
            raise FetchError(f"{where} has neither ETag nor Last-Modified, so no change is seen: it cannot be watched")
        return f"{tag} {headers.get('Content-Length', '')}".strip()

    def _ask(self, method: str, path: str) -> httpx.Response:
        return with_retries(partial(self._ask_once, method, self._url + quote(path)), transfer=self._transfer)

    def _ask_once(self, method: str, url: str) -> httpx.Response:
        try:
            answer = self._client.request(method, url)
        except httpx.TransportError as error:
            raise Transient(f"cannot reach {url}: {error}") from error
        if answer.status_code >= 500 or answer.status_code in (408, 429):
            raise Transient(f"{answer.url.host} answered {answer.status_code} for {url}")
        if answer.status_code != 200:
            raise FetchError(f"{answer.url.host} answered {answer.status_code} for {url}: correct `address`")
        return answer


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.links += [value for name, value in attrs if name == "href" and value]


def head(address: Address, branch: str, *, transfer: Transfer) -> str:
    """The commit that `branch` of a git address points to. Raises `FetchError` when there is none."""
    listed = with_retries(partial(_git, "ls-remote", "--", address.url, f"refs/heads/{branch}"), transfer=transfer)
    if not listed:
        raise FetchError(f"{address.url} has no branch '{branch}': `git ls-remote --heads {address.url}` lists them")
    return listed.split()[0]


def difference(address: Address, commit: str, *, folder: Path, transfer: Transfer) -> dict[str, str]:
    """Path below the subdir → `A` (added), `M` (modified), `D` (deleted) or `T` (another type), from the commit of
    `address` to `commit`. `folder` is where trees are fetched to; file contents are not. Raises `FetchError`."""
    at = f"--git-dir={folder}"
    _git("init", "--quiet", "--bare", "--template=", "--", str(folder))
    wanted = ("--depth=1", "--no-tags", "--filter=blob:none", "--", address.url, address.commit, commit)
    with_retries(partial(_git, at, "fetch", "--quiet", *wanted), transfer=transfer)
    below = f"{address.subdir}/" if address.subdir else "."
    told = _git(at, "diff", "--no-renames", "--name-status", "-z", address.commit, commit, "--", below)
    fields = told.split("\0")[:-1]
    prefix = f"{address.subdir}/" if address.subdir else ""
    return {path.removeprefix(prefix): kind for kind, path in zip(fields[::2], fields[1::2], strict=True)}


def _git(*arguments: str) -> str:
    """Raises `Transient` when git fails: it tells a missing network from a missing repository by words alone."""
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C.UTF-8"}
    command = ["git", *arguments]
    try:
        answer = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=GIT_TIMEOUT_S
        )
    except subprocess.TimeoutExpired as error:
        raise Transient(f"`git {' '.join(arguments)}` does not end") from error
    if answer.returncode != 0:
        raise Transient(f"`git {' '.join(arguments)}` failed: {answer.stderr.strip()}")
    return answer.stdout.removesuffix("\n")
