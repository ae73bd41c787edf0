"""`s3://` sources, from an S3-protocol server (moto) behind a gate that can cut, hold and refuse."""

import socket
from dataclasses import replace

import pytest
from fetch_checks import content_of, killed_while, refused, sha256

from tasks.download.fetch import fetch

BODY = bytes(range(256)) * 40 + b"end"  # 10,243 bytes: eleven parts of 1,000


def put(bucket, key, body, *, access="public-read"):
    bucket.put_object(Key=key, Body=body, ACL=access)


@pytest.fixture
def source(make_source, bucket, gate):
    put(bucket, "set/x.bin", BODY)
    return make_source(f"s3://{bucket.name}/set/x.bin", sha256=sha256(BODY))


def parts(numbers):
    return sorted(f"bytes={1000 * number}-{min(1000 * number + 999, len(BODY) - 1)}" for number in numbers)


def test_an_object_of_many_parts(source, raw, gate, quick):
    folder = fetch(source, raw_root=raw, transfer=quick)
    assert content_of(folder) == {"x.bin": BODY}
    assert sorted(gate.ranges) == sorted(["bytes=0-999", *parts(range(1, 11))])
    assert fetch(source, raw_root=raw, transfer=quick) == folder
    assert len(gate.ranges) == 11, "the second fetch must not ask the server"


@pytest.mark.parametrize("size", [0, 1, 999, 1000, 1001, 2000])
def test_sizes_around_that_of_a_part(make_source, bucket, gate, raw, quick, size):
    body = bytes(size)
    put(bucket, "x.bin", body)
    source = make_source(f"s3://{bucket.name}/x.bin", sha256=sha256(body))
    assert content_of(fetch(source, raw_root=raw, transfer=quick)) == {"x.bin": body}


def test_objects_below_a_prefix_with_awkward_names(make_source, bucket, gate, raw, quick):
    contents = {path: path.encode() * 300 for path in ("a/1.png", "b c/ö+%20#.png", "deep/er/2.tif")}
    for path, body in contents.items():
        put(bucket, f"set/{path}", body)
    put(bucket, "set/unlisted.png", b"no")
    source = make_source(f"s3://{bucket.name}/set/", files={path: sha256(body) for path, body in contents.items()})
    assert content_of(fetch(source, raw_root=raw, transfer=quick)) == contents


def test_unsigned_without_credentials_and_signed_with(source, raw, gate, quick, monkeypatch):
    fetch(source, raw_root=raw, transfer=quick)
    assert not any("Authorization" in headers for headers in gate.headers)
    gate.headers.clear()
    (raw / "things").rename(raw.parent / "away")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    fetch(source, raw_root=raw, transfer=quick)
    assert gate.headers
    assert all("Credential=key/" in headers["Authorization"] for headers in gate.headers)


def test_a_part_that_breaks_off_is_asked_for_again(source, raw, gate, quick):
    gate.cut_once = {"bytes=0-999", "bytes=3000-3999"}
    assert content_of(fetch(source, raw_root=raw, transfer=quick)) == {"x.bin": BODY}
    assert gate.ranges.count("bytes=0-999") == gate.ranges.count("bytes=3000-3999") == 2


def test_a_truncated_object_is_told_and_resumed_by_the_next_run(source, raw, gate, quick):
    one_by_one = replace(quick, threads=1)
    gate.cut_ranges = {"bytes=7000-7999"}
    says = ("is truncated: bytes 7000 to 7999 ended after 500 of 1000", "3 attempts")
    refused(source, raw, *says, transfer=one_by_one)
    gate.cut_ranges, gate.ranges = set(), []
    assert content_of(fetch(source, raw_root=raw, transfer=one_by_one)) == {"x.bin": BODY}
    assert sorted(gate.ranges) == parts(range(7, 11)), "seven parts were here already"


def test_a_killed_process_leaves_nothing_visible_and_is_resumed(source, raw, gate, quick):
    gate.hold_after = 4
    killed_while(gate.held, "things", raw, size=len(BODY))  # the room for all of it is taken at once
    assert [place.name for place in raw.iterdir()] == [".partial"]
    gate.hold_after = None
    gate.release.set()
    gate.ranges.clear()
    assert content_of(fetch(source, raw_root=raw, transfer=quick)) == {"x.bin": BODY}
    assert sorted(gate.ranges) == parts(range(4, 11)), "four parts were here already"


def test_an_object_that_changed_between_runs_is_fetched_anew(make_source, bucket, gate, raw, quick):
    put(bucket, "x.bin", bytes(len(BODY)))
    source = make_source(f"s3://{bucket.name}/x.bin", sha256=sha256(BODY))
    gate.cut_ranges = {"bytes=7000-7999"}
    refused(source, raw, "truncated", transfer=quick)
    put(bucket, "x.bin", BODY)
    gate.cut_ranges = set()
    assert content_of(fetch(source, raw_root=raw, transfer=quick)) == {"x.bin": BODY}


def test_a_torn_state_is_no_trap(source, raw, gate, quick):
    gate.cut_ranges = {"bytes=7000-7999"}
    refused(source, raw, "truncated", transfer=quick)
    (state,) = (raw / ".partial").rglob("*.state")
    state.write_text(state.read_text() + "1")  # a number that was being written when the machine went down
    gate.cut_ranges = set()
    assert content_of(fetch(source, raw_root=raw, transfer=quick)) == {"x.bin": BODY}


def test_a_wrong_digest_tells_both_and_deletes_the_copy(make_source, bucket, gate, raw, quick):
    put(bucket, "x.bin", b"other")
    source = make_source(f"s3://{bucket.name}/x.bin", sha256=sha256(BODY))
    refused(source, raw, "wrong digest", sha256(b"other"), sha256(BODY), "sources/things.yaml", transfer=quick)
    assert not [file for file in (raw / ".partial" / "things").rglob("*") if file.is_file()]


def test_a_missing_bucket(make_source, gate, raw, quick):
    source = make_source("s3://no-such-bucket-here/x.bin", sha256=sha256(BODY))
    says = ("bucket 'no-such-bucket-here' does not exist", gate.url, "AWS_ENDPOINT_URL")
    refused(source, raw, *says, transfer=quick)


def test_a_missing_key(make_source, bucket, gate, raw, quick):
    source = make_source(f"s3://{bucket.name}/nothing.bin", sha256=sha256(BODY))
    refused(source, raw, f"s3://{bucket.name}/nothing.bin does not exist", "aws s3 ls", transfer=quick)


def test_a_name_that_no_bucket_can_have(make_source, gate, raw, quick):
    source = make_source("s3://No_Bucket!/x.bin", sha256=sha256(BODY))
    refused(source, raw, "s3://No_Bucket!/x.bin is not an S3 address", transfer=quick)


def test_403_without_credentials(make_source, bucket, gate, raw, quick):
    put(bucket, "x.bin", BODY, access="private")
    source = make_source(f"s3://{bucket.name}/x.bin", sha256=sha256(BODY))
    says = ("refused", "(403)", "without credentials", "AWS_ACCESS_KEY_ID")
    refused(source, raw, *says, transfer=quick)
    assert len(gate.ranges) == 1, "asking again would not help"


def test_403_with_credentials(source, raw, gate, quick, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    gate.status, gate.code = 403, "AccessDenied"
    refused(source, raw, "credentials found in the AWS settings may not read it", "unset them", transfer=quick)


def test_another_region(source, raw, gate, quick):
    gate.status, gate.code = 301, "PermanentRedirect"
    refused(source, raw, "AWS_DEFAULT_REGION", transfer=quick)


def test_a_failing_server_is_asked_again_then_told(source, raw, gate, quick):
    gate.status, gate.code = 503, "SlowDown"
    refused(source, raw, "answered 503 SlowDown", "3 attempts", transfer=quick)
    assert len(gate.ranges) == 3


def test_no_server_there(source, raw, quick, monkeypatch):
    with socket.socket() as unused:  # bound, never listening: connections are refused
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{unused.getsockname()[1]}")
        refused(source, raw, "cannot reach http://127.0.0.1", "SAR_TEXT_MIRROR", transfer=quick)


def test_settings_that_cannot_be_used(source, raw, quick, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "no-such-profile")
    refused(source, raw, "the AWS settings cannot be used", "no-such-profile", transfer=quick)
