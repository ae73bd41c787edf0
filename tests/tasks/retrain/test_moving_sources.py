"""Sources that move, on real servers of this machine: an S3-protocol server, a web server, a git repository."""

import functools
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
import yaml
from clones import edit
from moto.server import ThreadedMotoServer

from tasks.download import catalog
from tasks.download.digests import of_file
from tasks.download.errors import FetchError
from tasks.download.fetch import fetch
from tasks.download.s3 import S3
from tasks.download.transfer import Transfer
from tasks.retrain import watched
from tasks.retrain.update import Changes, update, update_all

ROOT = Path(__file__).resolve().parents[3]
WHO = ("-c", "user.name=Test", "-c", "user.email=test@localhost")


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder; nothing of the machine's AWS or proxy settings reaches a test."""
    for name in list(os.environ):
        if name.startswith("AWS_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    for name, value in {
        "DVC_ROOT": str(tmp_path / "project"), "SAR_TEXT_STATE": str(tmp_path / "state"), "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b", "AWS_MAX_ATTEMPTS": "1", "AWS_EC2_METADATA_DISABLED": "true",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("SAR_TEXT_MIRROR", raising=False)
    (tmp_path / "project/sources/watched").mkdir(parents=True)
    return tmp_path / "project"


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    url = "http://{}:{}".format(*server.get_host_and_port())
    httpx.post(f"{url}/moto-api/reset", trust_env=False).raise_for_status()  # its buckets outlive it
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    yield boto3.resource("s3", endpoint_url=url, region_name="us-east-1").create_bucket(Bucket="moving")
    server.stop()


def describe(project: Path, address: str, *, listed: dict[str, str] | None, watch: str) -> None:
    """`sources/things.yaml`, with comments, its list and its watch."""
    keys: dict[str, Any] = {
        "title": "Things", "address": address, "format": "chips", "modality": "sar", "role": "both",
        "licence": "CC0-1.0", "citation": "none", "radiometry": {"unit": "amplitude"},
    }  # fmt: skip
    if listed is not None:
        file = project / "sources/things.sha256"
        file.write_text("".join(f"{digest}  {path}\n" for path, digest in sorted(listed.items())))
        keys |= {"files_list": file.name, "files_list_sha256": of_file(file).sha256}
    text = "# A comment that stays.\n" + yaml.safe_dump(keys, sort_keys=False)
    (project / "sources/things.yaml").write_text(text)
    (project / "sources/watched/things.yaml").write_text(watch)


def built() -> dict[str, bytes]:
    """What the download stage would read."""
    raw = Path(os.environ["SAR_TEXT_STATE"]) / "raw"
    folder = fetch(catalog.load("things"), raw_root=raw)
    files = [file for file in folder.rglob("*") if file.is_file() and file.name != "manifest.json"]
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}


A = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"  # sha256 of "a"


def test_a_prefix_gives_new_changed_and_removed_objects(
    project: Path, bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in ("x/a.png", "x/b.png", "x/note.txt"):
        bucket.put_object(Key=f"set/{path}", Body=b"a")
    describe(
        project,
        f"s3://{bucket.name}/set/",
        listed={"x/a.png": A, "x/b.png": A, "x/c.png": A},
        watch='include: ["*.png"]\n',
    )
    assert update("things") == Changes("things", removed=("x/c.png",))
    assert built() == {"x/a.png": b"a", "x/b.png": b"a"}

    fetched: list[str] = []
    get = S3.get
    monkeypatch.setattr(S3, "get", lambda self, path, *a, **k: (fetched.append(path), get(self, path, *a, **k))[1])
    before = (project / "sources/things.yaml").read_bytes()
    assert not update("things")
    assert (project / "sources/things.yaml").read_bytes() == before
    assert fetched == []

    bucket.put_object(Key="set/x/b.png", Body=b"B")
    bucket.put_object(Key="set/x/new é.png", Body=b"new")
    changes = update("things")
    assert changes == Changes("things", new=("x/new é.png",), changed=("x/b.png",))
    assert built() == {"x/a.png": b"a", "x/b.png": b"B", "x/new é.png": b"new"}
    assert sorted(fetched) == ["x/b.png", "x/new é.png"], "each new byte crosses the network once"
    assert (project / "sources/things.yaml").read_text().startswith("# A comment that stays.\n")


def test_the_same_bytes_put_again_are_no_change(project: Path, bucket: Any) -> None:
    bucket.put_object(Key="set/a", Body=b"a")
    describe(project, f"s3://{bucket.name}/set/", listed={"a": A}, watch="{}\n")
    assert not update("things")
    watched.remember("things", {"a": watched.Seen("another tag", "of another object")})
    assert not update("things")
    assert watched.seen("things")["a"].sha256 == A


def test_another_revision_of_the_description_is_brought_up_from_what_was_seen(project: Path, bucket: Any) -> None:
    bucket.put_object(Key="set/a", Body=b"a")
    bucket.put_object(Key="set/b", Body=b"b")
    describe(project, f"s3://{bucket.name}/set/", listed={"a": A}, watch="{}\n")
    old = {file: file.read_bytes() for file in (project / "sources").glob("things.*")}
    assert update("things") == Changes("things", new=("b",))
    for file, content in old.items():
        file.write_bytes(content)
    assert update("things") == Changes("things", new=("b",))
    assert set(built()) == {"a", "b"}


def test_a_server_that_is_busy_at_first_is_asked_again(
    project: Path, bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.put_object(Key="set/a", Body=b"a")
    bucket.put_object(Key="set/b", Body=b"b")
    describe(project, f"s3://{bucket.name}/set/", listed={"a": A}, watch="{}\n")
    asked: list[str] = []

    class Busy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            if asked.count(self.path) <= 2:  # the listing, and each object
                self.send_response(503)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            headers = {key: value for key, value in self.headers.items() if key != "Host"}
            got = httpx.get(bucket.meta.client.meta.endpoint_url + self.path, headers=headers)
            self.send_response(got.status_code)
            for key in ("ETag", "Content-Range", "Content-Type"):
                if key in got.headers:
                    self.send_header(key, got.headers[key])
            self.send_header("Content-Length", str(len(got.content)))
            self.end_headers()
            self.wfile.write(got.content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Busy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        assert update("things", transfer=Transfer(first_wait_s=0.0)) == Changes("things", new=("b",))
        server.shutdown()
    assert len(asked) == 9, "the listing and two objects, each three times"
    assert watched.seen("things").keys() == {"a", "b"}


def test_an_emptied_prefix_stops_with_the_description_as_it_was(project: Path, bucket: Any) -> None:
    describe(project, f"s3://{bucket.name}/set/", listed={"a": A}, watch="{}\n")
    before = (project / "sources/things.yaml").read_bytes()
    with pytest.raises(ValueError, match="holds nothing"):
        update("things")
    assert (project / "sources/things.yaml").read_bytes() == before


@pytest.mark.parametrize("key", ["set/../../evil.png", "set/x/../evil.png"])
def test_an_object_cannot_be_named_out_of_its_folder(project: Path, bucket: Any, key: str) -> None:
    bucket.put_object(Key=key, Body=b"a")
    describe(project, f"s3://{bucket.name}/set/", listed={"a": A}, watch="{}\n")
    with pytest.raises(FetchError, match=r"\.\."):
        update("things")


def test_a_bucket_that_is_not_there(project: Path, bucket: Any) -> None:
    describe(project, "s3://gone/set/", listed={"a": A}, watch="{}\n")
    with pytest.raises(FetchError, match="bucket 'gone' does not exist"):
        update("things")


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def test_an_index_of_a_web_server_is_followed_into_folders(project: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    (site / "sub folder").mkdir(parents=True)
    (site / "a").write_bytes(b"a")
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        describe(project, f"http://127.0.0.1:{server.server_port}/", listed={"a": A}, watch="{}\n")
        assert not update("things")
        (site / "sub folder/b&c.png").write_bytes(b"new")
        assert update("things") == Changes("things", new=("sub folder/b&c.png",))
        assert built() == {"a": b"a", "sub folder/b&c.png": b"new"}
        server.shutdown()


def test_a_branch_moves_the_commit(project: Path, tmp_path: Path) -> None:
    repository = tmp_path / "repository"

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(repository), *WHO, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    repository.mkdir()
    git("init", "--quiet", "--initial-branch=main")
    git("config", "uploadpack.allowAnySHA1InWant", "true")
    git("config", "uploadpack.allowFilter", "true")
    commits = []
    for content in ("one", "two"):
        (repository / "a").write_text(content)
        (repository / "gone").write_text("") if content == "one" else (repository / "gone").unlink()
        (repository / "new").write_text("") if content == "two" else None
        git("add", "--all")
        git("commit", "--quiet", "--message", content)
        commits.append(git("rev-parse", "HEAD"))
    describe(project, f"git+file://{repository}@{commits[0]}", listed=None, watch="branch: main\n")
    assert update("things") == Changes(
        "things", new=("new",), changed=("a",), removed=("gone",), commits=(commits[0], commits[1])
    )
    assert built() == {"a": b"two", "new": b""}
    assert not update("things")


@pytest.mark.parametrize("branch", ["--upload-pack=touch x", "main; rm -rf .", "$(id)", ""])
def test_a_branch_cannot_be_an_option_or_a_command(project: Path, branch: str) -> None:
    describe(project, f"git+file:///nowhere@{'0' * 40}", listed=None, watch=yaml.safe_dump({"branch": branch}))
    with pytest.raises(ValueError, match="name the branch to follow"):
        update("things")


def test_all_that_take_part_are_brought_up(project: Path, bucket: Any) -> None:
    bucket.put_object(Key="set/a", Body=b"a")
    describe(project, f"s3://{bucket.name}/set/", listed={"gone": A}, watch="{}\n")
    shutil.copyfile(ROOT / "params.yaml", project / "params.yaml")
    assert update_all() == [], "it is watched, but takes no part"
    edit(project / "params.yaml", {"sources": {"things": "sar"}, "pairs.sources": [], "model_text.sources": []})
    found = update_all()
    assert found == [Changes("things", new=("a",), removed=("gone",))]
    assert found[0].text() == "things: 1 new, 0 changed, 1 removed"
    (project / "sources/watched/thing.yaml").write_text("{}\n")
    with pytest.raises(ValueError, match="no source 'thing'"):
        update_all()


def test_what_cannot_be_watched_says_what_can(project: Path) -> None:
    describe(project, "file:///somewhere/", listed={"a": A}, watch="{}\n")
    with pytest.raises(ValueError, match="what can be watched is an s3://"):
        update("things")
