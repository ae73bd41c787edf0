"""The bucket of a trial: an S3-protocol server (moto) behind the proxy that can fail, put back before each trial."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.faults.proxy import Proxy, serving

NAME = "faults"
KEYS = {
    "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_DEFAULT_REGION": "us-east-1", "AWS_MAX_ATTEMPTS": "2",
}  # fmt: skip


@dataclass
class Bucket:
    """What lies there, and where commands ask for it."""

    client: Any  # boto3, past the proxy
    proxy: Proxy
    url: str  # of the proxy
    kept: dict[str, bytes] = field(default_factory=dict)

    def objects(self) -> dict[str, bytes]:
        """Key → content."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=NAME)
        keys = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
        return {key: self.client.get_object(Bucket=NAME, Key=key)["Body"].read() for key in keys}

    def put(self, key: str, content: bytes) -> None:
        self.client.put_object(Bucket=NAME, Key=key, Body=content)

    def delete(self, key: str) -> None:
        self.client.delete_object(Bucket=NAME, Key=key)

    def save(self, folder: Path) -> None:
        """Keep what lies there now in `folder`, for `load` and `restore`."""
        for key, content in self.objects().items():
            (folder / key).parent.mkdir(parents=True, exist_ok=True)
            (folder / key).write_bytes(content)
        self.load(folder)

    def load(self, folder: Path) -> None:
        """Take what `save` kept as that which `restore` puts back."""
        files = [path for path in folder.rglob("*") if path.is_file()]
        self.kept = {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}

    def restore(self) -> None:
        now = self.objects()
        for key in now.keys() - self.kept.keys():
            self.delete(key)
        for key, content in self.kept.items():
            if now.get(key) != content:
                self.put(key, content)


@contextmanager
def bucket() -> Iterator[Bucket]:
    import boto3
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # else a line for each request
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        address = "http://{}:{}".format(*server.get_host_and_port())
        client = boto3.client(
            "s3", endpoint_url=address, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
        )
        client.create_bucket(Bucket=NAME)
        proxy = Proxy(address)
        with serving(proxy) as url:
            at = Bucket(client, proxy, url)
            at.restore()  # moto keeps its buckets for as long as the process runs
            yield at
    finally:
        server.stop()
