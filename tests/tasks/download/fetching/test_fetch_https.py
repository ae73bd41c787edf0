"""`https://` sources, from a loopback server that can do what bad servers do."""

import socket

import pytest
from fetch_checks import content_of, killed_while, refused, sha256, visible

from tasks.download.fetch import fetch

BODY = bytes(range(256)) * 40
PATH = "/x.bin"


@pytest.fixture
def source(make_source, web):
    web.files[PATH] = BODY
    return make_source(f"{web.url}{PATH}", sha256=sha256(BODY))


def test_a_file_is_published_under_its_name_and_once(make_source, raw, web, quick):
    web.files["/data/x%20y.bin"] = BODY
    source = make_source(f"{web.url}/data/x%20y.bin?download=1", sha256=sha256(BODY))
    web.files["/data/x%20y.bin?download=1"] = BODY
    folder = fetch(source, raw_root=raw, transfer=quick)
    assert folder == raw / "things"
    assert content_of(folder) == {"x y.bin": BODY}
    assert not (raw / ".partial" / "things").exists()
    assert fetch(source, raw_root=raw, transfer=quick) == folder
    assert len(web.asked) == 1, "the second fetch must not ask the server"


def test_files_below_a_base_address(make_source, raw, web, quick):
    contents = {f"a b/{number}#.png": bytes([number]) * number for number in range(20)}
    web.files |= {"/set/" + path.replace(" ", "%20").replace("#", "%23"): body for path, body in contents.items()}
    source = make_source(f"{web.url}/set/", files={path: sha256(body) for path, body in contents.items()})
    assert content_of(fetch(source, raw_root=raw, transfer=quick)) == contents


def test_one_bad_file_among_many_is_the_error_that_is_told(make_source, raw, web, quick):
    contents = {f"{number}.png": bytes([number]) * 9 for number in range(20)}
    web.files |= {f"/set/{path}": body for path, body in contents.items()}
    digests = {path: sha256(body) for path, body in contents.items()}
    source = make_source(f"{web.url}/set/", files=digests | {"7.png": sha256(b"other")})
    refused(source, raw, "wrong digest", "/set/7.png (9 bytes)", digests["7.png"], sha256(b"other"), transfer=quick)


def test_a_broken_connection_goes_on_where_it_stopped(source, raw, web, quick):
    web.cuts = [4000, 3000]
    assert content_of(fetch(source, raw_root=raw, transfer=quick)) == {"x.bin": BODY}
    assert [asked for _, asked in web.asked] == [None, "bytes=4000-", "bytes=7000-"]
    assert web.sent == len(BODY)


def test_attempts_that_gain_bytes_do_not_use_up_the_retries(source, raw, web, quick):
    web.cuts = [100] * 10
    assert content_of(fetch(source, raw_root=raw, transfer=quick)) == {"x.bin": BODY}


def test_a_later_run_goes_on_where_an_earlier_one_gave_up(source, raw, web, quick):
    web.cuts = [4000, 0, 0]
    refused(source, raw, "is truncated: it ended after 4000 bytes", "run the same command again", transfer=quick)
    web.asked.clear()
    assert content_of(fetch(source, raw_root=raw, transfer=quick)) == {"x.bin": BODY}
    assert web.asked == [(PATH, "bytes=4000-")]


def test_a_killed_process_leaves_nothing_visible_and_is_resumed(source, raw, web, quick):
    web.hold_after = 6000  # bytes are sent, then silence
    killed_while(web.held, "things", raw, size=6000)
    assert visible(raw) == []
    web.hold_after = None
    web.release.set()
    web.asked.clear()
    assert content_of(fetch(source, raw_root=raw, transfer=quick)) == {"x.bin": BODY}
    assert web.asked == [(PATH, "bytes=6000-")]


def test_a_server_without_ranges_starts_again(source, raw, web, quick):
    web.cuts, web.ranges = [4000], False
    assert content_of(fetch(source, raw_root=raw, transfer=quick)) == {"x.bin": BODY}
    assert web.sent == 4000 + len(BODY)


def test_without_a_validator_nothing_is_resumed(source, raw, web, quick):
    web.cuts, web.etags = [4000], {PATH: ""}
    assert content_of(fetch(source, raw_root=raw, transfer=quick)) == {"x.bin": BODY}
    assert [asked for _, asked in web.asked] == [None, None]


def test_a_file_that_changed_between_runs_is_fetched_anew(make_source, raw, web, quick):
    web.files[PATH], web.cuts = b"older" * 2000, [4000, 0, 0]
    source = make_source(f"{web.url}{PATH}", sha256=sha256(BODY))
    refused(source, raw, "truncated", transfer=quick)
    web.files[PATH], web.etags = BODY, {PATH: '"two"'}
    assert content_of(fetch(source, raw_root=raw, transfer=quick)) == {"x.bin": BODY}


def test_a_wrong_older_part_is_thrown_away_once(make_source, raw, web, quick):
    """A server that keeps its ETag over a change makes a mixed file; the digest finds it, and one clean try follows."""
    web.files[PATH], web.cuts = bytes(len(BODY)), [4000, 0, 0]
    source = make_source(f"{web.url}{PATH}", sha256=sha256(BODY))
    refused(source, raw, "truncated", transfer=quick)
    web.files[PATH] = BODY
    assert content_of(fetch(source, raw_root=raw, transfer=quick)) == {"x.bin": BODY}


def test_a_complete_part_is_not_fetched_again(source, raw, web, quick):
    """Killed between the last byte and the check: the server answers 416 to the empty rest."""
    web.hold_after = len(BODY)
    killed_while(web.held, "things", raw, size=len(BODY))
    web.hold_after = None
    web.release.set()
    web.asked.clear()
    assert content_of(fetch(source, raw_root=raw, transfer=quick)) == {"x.bin": BODY}
    assert web.asked == [(PATH, f"bytes={len(BODY)}-")]


def test_truncated_again_and_again(source, raw, web, quick):
    web.ranges, web.cuts = False, [4000] * 9
    refused(source, raw, f"{web.url}{PATH} is truncated: it ended after 4000 bytes", "3 attempts", transfer=quick)


def test_a_wrong_digest_tells_both_and_deletes_the_copy(make_source, raw, web, quick):
    web.files[PATH] = b"other"
    source = make_source(f"{web.url}{PATH}", sha256=sha256(BODY))
    refused(source, raw, "wrong digest", sha256(b"other"), sha256(BODY), "sources/things.yaml", transfer=quick)
    assert not [file for file in (raw / ".partial" / "things").rglob("*") if file.is_file()]


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (401, "needs a login"),
        (403, "answered 403 Forbidden"),
        (404, "there is no such file"),
        (410, "there is no such file"),
        (400, "correct `address`"),
    ],
)
def test_refusals_are_told_at_once(source, raw, web, quick, status, says):
    web.statuses[PATH] = [-1, status]
    refused(source, raw, says, f"{web.url}{PATH}", "SAR_TEXT_MIRROR", transfer=quick)
    assert len(web.asked) == 1, "asking again would not help"


@pytest.mark.parametrize("status", [500, 503, 429])
def test_failures_of_the_server_are_tried_again(source, raw, web, quick, status):
    web.statuses[PATH] = [status, status]
    assert content_of(fetch(source, raw_root=raw, transfer=quick)) == {"x.bin": BODY}
    web.statuses[PATH] = [-1, status]
    (raw / "things").rename(raw.parent / "away")
    refused(source, raw, f"answered {status}", "3 attempts", transfer=quick)


def test_no_server_there(make_source, raw, quick):
    with socket.socket() as unused:  # bound, never listening: connections are refused
        unused.bind(("127.0.0.1", 0))
        source = make_source(f"http://127.0.0.1:{unused.getsockname()[1]}{PATH}", sha256=sha256(BODY))
        refused(source, raw, "cannot reach http://127.0.0.1", "SAR_TEXT_MIRROR", "proxy", transfer=quick)


def test_no_such_host(make_source, raw, quick):
    source = make_source(f"https://no-such-host.invalid{PATH}", sha256=sha256(BODY))
    refused(source, raw, "cannot reach https://no-such-host.invalid", "run the same command again", transfer=quick)


def test_redirects_are_followed_but_not_in_circles(make_source, raw, web, quick):
    web.files["/there"] = BODY
    web.redirects = {"/here": "/there", "/round": "/round"}
    source = make_source(f"{web.url}/here", sha256=sha256(BODY))
    assert content_of(fetch(source, raw_root=raw, transfer=quick)) == {"here": BODY}
    source = make_source(f"{web.url}/round", name="round", sha256=sha256(BODY))
    with pytest.raises(ValueError, match="redirects in a circle"):
        fetch(source, raw_root=raw, transfer=quick)
    assert visible(raw) == ["things"]
