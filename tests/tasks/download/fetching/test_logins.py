"""A secret never stands in an address; a login comes from `~/.netrc`, and goes to its own host alone."""

import base64
from pathlib import Path

import pytest
from fetch_checks import content_of, refused, sha256
from fetch_servers import WebServer, serving

from tasks.download.address import parse
from tasks.download.errors import FetchError
from tasks.download.fetch import fetch

BODY = b"image"
LOGIN = "Basic " + base64.b64encode(b"ada:s3cret").decode()


@pytest.mark.parametrize("address", [
    "https://ada:s3cret@data.example/x.zip", "https://s3cret@data.example/x.zip",
    "https://data.example/x.zip?access_token=s3cret", "https://data.example/x.zip?a=1&X-Amz-Signature=s3cret",
    "https://data.example/x.zip?sig=s3cret", "https://data.example/x.zip?apikey=s3cret",
    f"git+https://oauth2:s3cret@data.example/repository@{'a' * 40}#images", "s3://key:s3cret@data.example/x.zip",
])  # fmt: skip
def test_an_address_with_a_secret_is_refused_and_not_repeated(address: str) -> None:
    with pytest.raises(FetchError, match=r"data\.example has .* must not stand in a file that goes into git") as told:
        parse(address)
    assert "s3cret" not in str(told.value)


@pytest.mark.parametrize("address", [
    "https://data.example/x.zip?download=1", "https://data.example/@ada/x.zip", f"git+https://h/r@{'a' * 40}",
    "s3://bucket/keys/token.zip", "https://data.example/secret/x.zip?monkey=1&signed=no",
])  # fmt: skip
def test_other_addresses_are_taken(address: str) -> None:
    assert parse(address).text == address


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def test_a_login_is_that_of_the_host(make_source, raw, web, quick, home):
    web.files["/x.bin"], web.wanted_login = BODY, LOGIN
    source = make_source(f"{web.url}/x.bin", sha256=sha256(BODY))
    refused(source, raw, "401", "needs a login (put it into ~/.netrc)", transfer=quick)
    (home / ".netrc").write_text("machine 127.0.0.1 login ada password s3cret\n")
    assert content_of(fetch(source, raw_root=raw, transfer=quick)) == {"x.bin": BODY}


def test_a_login_is_not_sent_on_to_another_host(make_source, raw, web, quick, home):
    (home / ".netrc").write_text("machine 127.0.0.1 login ada password s3cret\n")
    other = WebServer({"/x.bin": BODY})
    with serving(other.answer) as url:
        web.redirects["/x.bin"] = f"{url.replace('127.0.0.1', 'localhost')}/x.bin"
        source = make_source(f"{web.url}/x.bin", sha256=sha256(BODY))
        assert content_of(fetch(source, raw_root=raw, transfer=quick)) == {"x.bin": BODY}
        assert (web.logins, other.logins) == ([LOGIN], [None])


def test_a_broken_netrc_is_named_and_not_shown(make_source, raw, web, quick, home):
    (home / ".netrc").write_text("machine h login ada password\ns3cret s3cret s3cret\n")
    source = make_source(f"{web.url}/x.bin", sha256=sha256(BODY))
    with pytest.raises(FetchError, match=r"\.netrc, line \d cannot be understood") as told:
        fetch(source, raw_root=raw, transfer=quick)
    assert "s3cret" not in str(told.value)
