"""`s3://` addresses through boto3: ranged requests in parallel, resumable, any S3-protocol server.

Endpoint, credentials, region, proxies and retries of single requests come from the usual AWS settings
(`AWS_ENDPOINT_URL`, `AWS_PROFILE`, `AWS_ACCESS_KEY_ID`, `AWS_DEFAULT_REGION`, …). Without credentials requests are
unsigned, as public buckets take them.
"""

import json
import os
import threading
from functools import partial
from pathlib import Path
from typing import Any

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, ParamValidationError

from tasks.download.address import Address
from tasks.download.errors import FetchError
from tasks.download.progress import Meter
from tasks.download.transfer import Transfer, Transient, discard, parallel, state_file, with_retries

_CHUNK_BYTES = 1 << 20
_FORBIDDEN = {"AccessDenied", "403", "401", "Forbidden", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken"}


class _Changed(Exception):
    """The object is another one than that of which parts are here."""


class _State:
    """Which parts of an object are here: a header line, then the number of each finished part on a line."""

    def __init__(self, part: Path, *, etag: str, size: int, part_size_bytes: int, done: set[int]) -> None:
        self.etag, self.size, self.part_size_bytes, self.done = etag, size, part_size_bytes, done
        self._file = state_file(part)
        self._lock = threading.Lock()

    @classmethod
    def read(cls, part: Path, *, part_size_bytes: int) -> "_State | None":
        """What an earlier run left, or None where it left nothing that can be used."""
        if not (part.is_file() and state_file(part).is_file()):
            return None
        header, *lines = state_file(part).read_text(encoding="utf-8").split("\n")
        try:
            known = json.loads(header)
        except json.JSONDecodeError:  # killed while it was being written: nothing is known of the part
            return None
        if known["part_size_bytes"] != part_size_bytes or part.stat().st_size != known["size"]:
            return None
        return cls(part, **known, done={int(line) for line in lines[:-1]})  # the last line is empty or torn

    @classmethod
    def start(cls, part: Path, *, etag: str, size: int, part_size_bytes: int) -> "_State":
        with part.open("wb") as file:
            file.truncate(size)
        header = {"etag": etag, "size": size, "part_size_bytes": part_size_bytes}
        state_file(part).write_text(json.dumps(header) + "\n", encoding="utf-8")
        return cls(part, **header, done=set())  # type: ignore[arg-type]

    def finish(self, index: int) -> None:
        with self._lock:
            self.done.add(index)
            with self._file.open("a", encoding="utf-8") as file:
                file.write(f"{index}\n")

    def missing(self) -> list[int]:
        return [index for index in range(-(-self.size // self.part_size_bytes)) if index not in self.done]

    def range(self, index: int) -> tuple[int, int]:
        """First byte, and the one after the last."""
        return index * self.part_size_bytes, min((index + 1) * self.part_size_bytes, self.size)


class S3:
    """The objects below one `s3://` address."""

    def __init__(self, address: Address, *, transfer: Transfer) -> None:
        self._bucket, _, self._key = address.url.removeprefix("s3://").partition("/")
        self._transfer = transfer
        try:
            session = boto3.session.Session()
            self._signed = session.get_credentials() is not None
            options: dict[str, Any] = {} if self._signed else {"signature_version": UNSIGNED}
            if os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL"):
                options["s3"] = {"addressing_style": "path"}  # most servers of one's own know no bucket host names
            config = Config(
                connect_timeout=transfer.timeout_s,
                read_timeout=transfer.timeout_s,
                max_pool_connections=2 * transfer.threads,
                **options,
            )
            region = session.region_name or "us-east-1"
            self._client: Any = session.client("s3", region_name=region, config=config)
        except (BotoCoreError, ValueError) as error:
            raise FetchError(f"the AWS settings cannot be used: {error}. Correct AWS_* or ~/.aws") from error

    def get(self, path: str, part: Path, *, bar: Meter, threads: int) -> None:
        """Bring the object `path` to `part`, missing parts only. Raises `FetchError` as the module of fetching says."""
        try:
            self._get(self._key + path, part, bar=bar, threads=threads)
        except _Changed:  # what an earlier run left belongs to an older object
            discard(part)
            try:
                self._get(self._key + path, part, bar=bar, threads=threads)
            except _Changed as error:
                raise FetchError(f"{self.place(path)} changed while it was fetched: run the command again") from error

    def _get(self, key: str, part: Path, *, bar: Meter, threads: int) -> None:
        state = _State.read(part, part_size_bytes=self._transfer.part_size_bytes)
        if state is None:
            state = with_retries(partial(self._first_part, key, part, bar=bar), transfer=self._transfer)
        else:
            bar.resume(sum(end - start for start, end in map(state.range, state.done)), of=state.size)
        jobs = [partial(self._one_part, key, part, state, index) for index in state.missing()]
        parallel(jobs, threads=threads, bar=bar)

    def _first_part(self, key: str, part: Path, *, bar: Meter) -> _State:
        size_bytes = self._transfer.part_size_bytes
        try:
            answer = self._request(key, Range=f"bytes=0-{size_bytes - 1}")
        except _Empty:
            return _State.start(part, etag="", size=0, part_size_bytes=size_bytes)
        if "ContentRange" in answer:
            size = int(answer["ContentRange"].rpartition("/")[2])
        elif answer["ContentLength"] <= size_bytes:
            size = answer["ContentLength"]
        else:
            raise FetchError(f"the server of s3://{self._bucket}/{key} ignores ranges, so it is no S3-protocol server")
        state = _State.start(part, etag=answer["ETag"], size=size, part_size_bytes=size_bytes)
        bar.resume(0, of=size)
        if size:
            self._store(answer, key, part, state, 0, bar=bar)
        return state

    def _one_part(self, key: str, part: Path, state: _State, index: int, bar: Meter) -> None:
        start, end = state.range(index)

        def once() -> None:
            answer = self._request(key, Range=f"bytes={start}-{end - 1}", IfMatch=state.etag)
            self._store(answer, key, part, state, index, bar=bar)

        with_retries(once, transfer=self._transfer)

    def _store(self, answer: Any, key: str, part: Path, state: _State, index: int, *, bar: Meter) -> None:
        start, end = state.range(index)
        got, reason = 0, ""
        with part.open("r+b") as file:
            file.seek(start)
            try:
                while got < end - start and (chunk := answer["Body"].read(min(_CHUNK_BYTES, end - start - got))):
                    file.write(chunk)
                    got += len(chunk)
                    bar.moved(len(chunk))
            except (BotoCoreError, HTTPClientError) as error:
                reason = f" ({error})"
        if got < end - start:
            bar.moved(-got)
            raise Transient(
                f"s3://{self._bucket}/{key} is truncated: bytes {start} to {end - 1} ended after {got} of "
                f"{end - start}{reason}"
            )
        state.finish(index)

    def _request(self, key: str, **options: str) -> Any:
        place = f"s3://{self._bucket}/{key}"
        server = self._client.meta.endpoint_url
        try:
            return self._client.get_object(Bucket=self._bucket, Key=key, **options)
        except ParamValidationError as error:
            raise FetchError(f"{place} is not an S3 address: {error}") from error
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
            if code in ("PreconditionFailed", "412"):
                raise _Changed from error
            if code == "InvalidRange" or status == 416:
                raise _Empty from error
            if status >= 500 or code in ("SlowDown", "RequestTimeout", "429"):
                raise Transient(f"{server} answered {status} {code} for {place}") from error
            raise FetchError(self._refusal(place, server, code=code, status=status)) from error
        except (BotoCoreError, HTTPClientError) as error:
            raise Transient(f"cannot reach {server} for {place}: {error}") from error

    def _refusal(self, place: str, server: str, *, code: str, status: int) -> str:
        said = f"{status} {code}" if code != str(status) else code
        if code == "NoSuchBucket":
            return (
                f"bucket '{self._bucket}' does not exist at {server}: correct the bucket in `address`, or set "
                "AWS_ENDPOINT_URL to the server that holds it"
            )
        if code in ("NoSuchKey", "404") or status == 404:
            return f"{place} does not exist at {server}: correct the key (`aws s3 ls s3://{self._bucket}/` lists them)"
        if code in _FORBIDDEN or status in (401, 403):
            if self._signed:
                return (
                    f"{server} refused {place} ({said}): the credentials found in the AWS settings may not "
                    "read it. Use others (AWS_PROFILE, AWS_ACCESS_KEY_ID, …), or unset them for a public bucket; some "
                    "servers answer so for a missing key as well"
                )
            return (
                f"{server} refused {place} ({said}) without credentials: it is not public. Set AWS_PROFILE or "
                "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; some servers answer so for a missing key as well"
            )
        if code in ("PermanentRedirect", "AuthorizationHeaderMalformed") or status in (301, 307):
            return f"{place} lies in another region: set AWS_DEFAULT_REGION to that of the bucket ({said})"
        return f"{server} answered {said} for {place}: correct `address` or the AWS settings"

    def place(self, path: str) -> str:
        return f"s3://{self._bucket}/{self._key}{path}"

    def close(self) -> None:
        self._client.close()


class _Empty(Exception):
    """The object has no bytes, so that no range of it can be asked for."""
