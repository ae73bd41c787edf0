"""A project of one source in a temporary folder, and servers to fetch it from."""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from fetch_servers import Gate, WebServer, serving
from moto.server import ThreadedMotoServer

from tasks.download import catalog
from tasks.download.catalog import Source
from tasks.download.digests import of_file
from tasks.download.transfer import Transfer

MakeSource = Callable[..., Source]


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of the machine reaches a test, and no test reaches beyond the loopback."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "GIT_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.delenv("SAR_TEXT_MIRROR", raising=False)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "no-aws-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "no-aws-credentials"))


@pytest.fixture
def make_source(tmp_path: Path) -> MakeSource:
    """Write `sources/<name>.yaml` with these keys and load it."""

    def make(address: str, *, name: str = "things", **keys: Any) -> Source:
        if "files_list" in keys:
            list_file = tmp_path / "sources" / keys["files_list"]
            keys.setdefault("files_list_sha256", of_file(list_file).sha256 if list_file.is_file() else "0" * 64)
        described = {
            "title": "Things", "address": address, "format": "chips", "modality": "sar", "role": "both",
            "licence": "CC0-1.0", "citation": "none", "radiometry": {"unit": "amplitude"}, **keys,
        }  # fmt: skip
        path = tmp_path / "sources" / f"{name}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(yaml.safe_dump(described), encoding="utf-8")
        return catalog.load(name)

    return make


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    return tmp_path / "raw"


@pytest.fixture
def quick() -> Transfer:
    """No waiting between attempts, and parts so small that little objects have many."""
    return Transfer(threads=3, part_size_bytes=1000, attempts=3, first_wait_s=0.0, timeout_s=10.0)


@pytest.fixture
def web() -> Iterator[WebServer]:
    server = WebServer({})
    with serving(server.answer) as server.url:
        yield server


@pytest.fixture(scope="session")
def _moto() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture
def bucket(_moto: str, request: pytest.FixtureRequest) -> Any:
    """An empty bucket of an S3-protocol server, of the name `bucket.name`."""
    name = "test-" + hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:16]
    store = boto3.resource(
        "s3", endpoint_url=_moto, aws_access_key_id="a", aws_secret_access_key="b", region_name="us-east-1"
    )
    return store.create_bucket(Bucket=name)


@pytest.fixture
def gate(_moto: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """The way to that server, set as AWS_ENDPOINT_URL."""
    gate = Gate(_moto)
    with serving(gate.answer) as gate.url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", gate.url)
        yield gate
        gate.release.set()


@pytest.fixture
def git_command() -> str:
    command = shutil.which("git")
    assert command is not None
    return command
