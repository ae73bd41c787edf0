"""`https://` addresses through httpx, resumed by `Range` and `If-Range` (RFC 9110, sections 13.1.5 and 14).

`http://` works too: what proves a file is its sha256, not the connection. Proxies come from `HTTPS_PROXY` and its
kin, certificate authorities from `SSL_CERT_FILE`, a login for a host from `~/.netrc`, as git and curl take theirs.
"""

import json
import re
from functools import partial
from netrc import NetrcParseError
from pathlib import Path
from urllib.parse import quote

import httpx

from tasks.download.address import Address
from tasks.download.errors import FetchError
from tasks.download.progress import Meter
from tasks.download.transfer import Transfer, Transient, discard, state_file, with_retries

_LONGEST_WAIT_S = 120.0  # that a server may ask for


class Https:
    """The files below one `https://` address."""

    def __init__(self, address: Address, *, transfer: Transfer) -> None:
        self._url = address.url
        self._transfer = transfer
        self._client = httpx.Client(
            auth=_logins(),
            follow_redirects=True,
            timeout=transfer.timeout_s,
            headers={"Accept-Encoding": "identity", "User-Agent": "sar-text"},  # the stored bytes, not packed ones
            limits=httpx.Limits(max_connections=transfer.threads),
        )

    def get(self, path: str, part: Path, *, bar: Meter, threads: int) -> None:
        """Bring the file to `part`, from where `part` ends if the server can, else from the start."""
        with_retries(partial(self._once, self.place(path), part, bar=bar), transfer=self._transfer)

    def _once(self, url: str, part: Path, *, bar: Meter) -> None:
        validator = _validator(part)
        have = part.stat().st_size if validator and part.is_file() else 0
        headers = {"Range": f"bytes={have}-", "If-Range": validator} if have and validator else {}
        answered, got = False, 0
        try:
            with self._client.stream("GET", url, headers=headers) as answer:
                if answer.status_code == 416 and have:
                    if answer.headers.get("Content-Range", "").endswith(f"*/{have}"):
                        return  # it was complete already
                    discard(part)
                    raise Transient(f"{url} is shorter now than what was fetched of it")
                _check_status(answer, url)
                answered = True
                if answer.status_code == 206:
                    sent_from = re.match(r"bytes (\d+)-", answer.headers.get("Content-Range", ""))
                    if not have or sent_from is None or int(sent_from[1]) != have:
                        discard(part)
                        raise Transient(f"{url}: the server sent another range than the one asked for")
                else:
                    have = 0  # no ranges, or another file by now: from the start
                    state_file(part).write_text(json.dumps({"validator": _new_validator(answer)}), encoding="utf-8")
                length = answer.headers.get("Content-Length")
                total = have + int(length) if length is not None else None
                bar.resume(have, of=total)
                with part.open("ab" if have else "wb") as file:
                    for chunk in answer.iter_raw():
                        file.write(chunk)
                        file.flush()  # a killed process then loses nothing that has come
                        got += len(chunk)
                        bar.moved(len(chunk))
        except httpx.InvalidURL as error:
            raise FetchError(f"{url!r} is not a web address: {error}") from error
        except httpx.TransportError as error:
            if answered:
                what = f"{url} is truncated: it ended after {have + got} bytes ({error})"
                raise Transient(what, reached=have + got) from error
            raise Transient(f"cannot reach {url}: {error or type(error).__name__}") from error
        except httpx.TooManyRedirects as error:
            raise FetchError(f"{url} redirects in a circle: correct `address`") from error

    def place(self, path: str) -> str:
        return self._url + quote(path)

    def close(self) -> None:
        self._client.close()


def _logins() -> httpx.NetRCAuth | None:
    """Of `~/.netrc`, each sent to its own host alone. Raises `FetchError` when the file cannot be understood."""
    file = Path.home() / ".netrc"
    if not file.is_file():
        return None
    try:
        return httpx.NetRCAuth(str(file))
    except (NetrcParseError, UnicodeDecodeError) as error:  # its message may hold a password
        where = f", line {error.lineno}" if isinstance(error, NetrcParseError) else ""
        raise FetchError(f"{file}{where} cannot be understood: correct it") from None


def _check_status(answer: httpx.Response, url: str) -> None:
    status = answer.status_code
    if status in (200, 206):
        return
    said = f"{answer.url.host} answered {status} {answer.reason_phrase} for {url}"
    by_hand = "download it by hand and give `file:///…` as address or put it below SAR_TEXT_MIRROR; the sha256 stays"
    if status in (401, 403, 407, 451):
        raise FetchError(
            f"{said}: it needs a login (put it into ~/.netrc), or an agreement, or is closed to this network. If you "
            f"may have it, {by_hand}"
        )
    if status in (404, 410):
        raise FetchError(f"{said}: there is no such file (any more). Correct `address` or `files`, or {by_hand}")
    if status >= 500 or status in (408, 425, 429):
        asked = answer.headers.get("Retry-After", "")
        raise Transient(said, wait_s=min(float(asked), _LONGEST_WAIT_S) if asked.isdigit() else 0.0)
    raise FetchError(f"{said}: correct `address`, or {by_hand}")


def _validator(part: Path) -> str | None:
    """By what the server can tell whether the file is still the one of which we hold a part."""
    if not state_file(part).is_file():
        return None
    try:
        validator = json.loads(state_file(part).read_text(encoding="utf-8"))["validator"]
    except json.JSONDecodeError:  # killed while it was being written: start anew
        return None
    return str(validator) if validator else None


def _new_validator(answer: httpx.Response) -> str | None:
    etag = answer.headers.get("ETag", "")
    if etag and not etag.startswith("W/"):  # a weak one proves no equal bytes
        return str(etag)
    return str(answer.headers["Last-Modified"]) if "Last-Modified" in answer.headers else None
