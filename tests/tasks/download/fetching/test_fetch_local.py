"""What all sources share, shown on `file://` and the mirror: proof, publishing, manifests, errors."""

import json
import os
import threading
import zipfile

import pytest
from fetch_checks import content_of, digests_of, refused, sha256, visible

from tasks.download import digests
from tasks.download.errors import FetchError
from tasks.download.fetch import fetch

FILES = {"a/1.png": b"one", "b/1.png": b"uno", "notes äö.txt": b"text\r\n"}


@pytest.fixture
def original(tmp_path):
    """A folder of files, two of them of the same name in other folders."""
    folder = tmp_path / "original"
    for path, content in FILES.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


@pytest.fixture
def listed(original, tmp_path):
    """`things.sha256` beside the source's file."""
    (tmp_path / "sources").mkdir()
    digests.write_list(original, tmp_path / "sources" / "things.sha256")
    return {"files_list": "things.sha256"}


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w") as file:
        for name, content in FILES.items():
            file.writestr(name, content)
    return path


def test_a_folder_of_listed_files(make_source, raw, original, listed, quick):
    (original / "unlisted.png").write_bytes(b"x")
    folder = fetch(make_source(f"file://{original}", **listed), raw_root=raw, transfer=quick)
    assert content_of(folder) == FILES


def test_an_archive_is_unpacked_and_a_file_is_not(make_source, raw, archive, original, quick):
    source = make_source(f"file://{archive}", sha256=sha256(archive.read_bytes()))
    assert content_of(fetch(source, raw_root=raw, transfer=quick)) == FILES
    source = make_source(f"file://{original}/a/1.png", name="one", sha256=sha256(b"one").upper())
    assert content_of(fetch(source, raw_root=raw, transfer=quick)) == {"1.png": b"one"}


def test_a_subset_of_an_archive_proves_itself(make_source, raw, archive, quick):
    source = make_source(f"file://{archive}", files={"b/1.png": sha256(b"uno")})
    assert content_of(fetch(source, raw_root=raw, transfer=quick)) == {"b/1.png": b"uno"}
    source = make_source(f"file://{archive}", name="wrong", files={"b/1.png": sha256(b"one")})
    with pytest.raises(FetchError, match=r"wrong digest: b/1.png in set.zip"):
        fetch(source, raw_root=raw, transfer=quick)
    source = make_source(f"file://{archive}", name="lacking", files={"c.png": sha256(b"one")})
    with pytest.raises(FetchError, match=r"set.zip holds no 'c.png'"):
        fetch(source, raw_root=raw, transfer=quick)
    assert visible(raw) == ["things"]


def test_the_manifest_says_what_is_there_and_is_the_same_everywhere(
    make_source, raw, original, listed, quick, tmp_path
):
    source = make_source(f"file://{original}", **listed)
    first = fetch(source, raw_root=raw, transfer=quick)
    second = fetch(source, raw_root=tmp_path / "elsewhere", transfer=quick)
    assert (first / "manifest.json").read_bytes() == (second / "manifest.json").read_bytes()
    manifest = json.loads((first / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["files"]["a/1.png"] == {"sha256": sha256(b"one"), "size": 3}
    assert manifest["from"] == [{"folder": "", "address": source.address, "commit": None, "sha256": None}]
    assert list(manifest["files"]) == sorted(FILES)


def test_nothing_is_done_twice_until_something_changes(make_source, raw, original, listed, quick, capsys):
    source = make_source(f"file://{original}", **listed)
    folder = fetch(source, raw_root=raw, transfer=quick)
    inode = folder.stat().st_ino
    for verify in (False, True):
        fetch(source, raw_root=raw, verify=verify, transfer=quick)
        assert folder.stat().st_ino == inode
    capsys.readouterr()
    (folder / "a" / "1.png").write_bytes(b"ONE")  # same size: only `verify` sees it
    fetch(source, raw_root=raw, transfer=quick)
    assert folder.stat().st_ino == inode
    fetch(source, raw_root=raw, verify=True, transfer=quick)
    assert "things: fetching again, for a/1.png was changed" in capsys.readouterr().err
    assert content_of(folder) == FILES


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (lambda folder: (folder / "a" / "1.png").write_bytes(b"longer"), "a/1.png was changed"),
        (lambda folder: (folder / "a" / "1.png").unlink(), "a/1.png was removed"),
        (lambda folder: (folder / "a" / "2.png").write_bytes(b""), "a/2.png was added"),
        (lambda folder: (folder / "manifest.json").unlink(), "it has no manifest"),
        (lambda folder: (folder / "manifest.json").write_text("{"), "its manifest is damaged"),
        (lambda folder: (folder / "manifest.json").write_text("[]"), "its manifest is damaged"),
    ],
)
def test_a_damaged_folder_is_replaced(make_source, raw, original, listed, quick, capsys, harm, says):
    source = make_source(f"file://{original}", **listed)
    folder = fetch(source, raw_root=raw, transfer=quick)
    harm(folder)
    fetch(source, raw_root=raw, transfer=quick)
    assert says in capsys.readouterr().err
    assert content_of(folder) == FILES


def test_other_digests_are_another_content(make_source, raw, original, quick):
    fetch(make_source(f"file://{original}", files={"a/1.png": sha256(b"one")}), raw_root=raw, transfer=quick)
    source = make_source(f"file://{original}", files={"b/1.png": sha256(b"uno")})
    assert content_of(fetch(source, raw_root=raw, transfer=quick)) == {"b/1.png": b"uno"}


def test_a_failed_replacement_leaves_the_older_folder(make_source, raw, original, quick):
    fetch(make_source(f"file://{original}", files={"a/1.png": sha256(b"one")}), raw_root=raw, transfer=quick)
    with pytest.raises(FetchError, match="wrong digest"):
        fetch(make_source(f"file://{original}", files={"b/1.png": sha256(b"one")}), raw_root=raw, transfer=quick)
    assert content_of(raw / "things") == {"a/1.png": b"one"}


def test_files_of_a_failed_attempt_that_are_no_longer_listed_do_not_slip_in(make_source, raw, original, quick):
    good, bad = {"a/1.png": sha256(b"one")}, {"b/1.png": sha256(b"one")}
    refused(make_source(f"file://{original}", files=good | bad), raw, "wrong digest", transfer=quick)
    source = make_source(f"file://{original}", files={"b/1.png": sha256(b"uno")})
    assert content_of(fetch(source, raw_root=raw, transfer=quick)) == {"b/1.png": b"uno"}


def test_two_at_once_make_one(make_source, raw, original, listed, quick):
    source = make_source(f"file://{original}", **listed)
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(content_of(fetch(source, raw_root=raw, transfer=quick))))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [FILES] * 4


def test_further_parts_lie_in_folders_of_their_own(make_source, raw, original, archive, quick, monkeypatch, tmp_path):
    """Captions are often published apart from the images they describe."""
    also = [
        {"folder": "captions", "address": f"file://{original}", "files": {"notes äö.txt": sha256(b"text\r\n")}},
        {"folder": "more", "address": f"file://{archive}", "files": {"b/1.png": sha256(b"uno")}, "mirror": "m"},
    ]
    source = make_source(f"file://{original}", files={"a/1.png": sha256(b"one")}, also=also)
    wanted = {"a/1.png": b"one", "captions/notes äö.txt": b"text\r\n", "more/b/1.png": b"uno"}
    assert content_of(fetch(source, raw_root=raw, transfer=quick)) == wanted
    (tmp_path / "mirror" / "m" / "b").mkdir(parents=True)
    (tmp_path / "mirror" / "m" / "b" / "1.png").write_bytes(b"uno")
    archive.unlink()
    monkeypatch.setenv("SAR_TEXT_MIRROR", str(tmp_path / "mirror"))
    assert content_of(fetch(source, raw_root=tmp_path / "raw2", transfer=quick)) == wanted


def test_parts_may_not_hide_files_of_the_source_or_of_each_other(make_source, raw, original, quick):
    part = {"folder": "a", "address": f"file://{original}", "files": {"b/1.png": sha256(b"uno")}}
    source = make_source(f"file://{original}", files={"a/1.png": sha256(b"one")}, also=[part])
    refused(source, raw, "it has a 'a' of its own", "another folder", transfer=quick)
    source = make_source(f"file://{original}", files={"b/1.png": sha256(b"uno")}, also=[part, part])
    refused(source, raw, "two parts of `also` have the folder 'a'", transfer=quick)


# The mirror.


@pytest.fixture
def mirror(original, tmp_path, monkeypatch):
    original.rename(tmp_path / "mirror")
    monkeypatch.setenv("SAR_TEXT_MIRROR", str(tmp_path / "mirror"))
    return tmp_path / "mirror"


NOWHERE = "https://no-such-host.invalid"


def test_the_mirror_comes_first(make_source, raw, listed, mirror, quick):
    source = make_source(f"{NOWHERE}/set/", mirror="a", files={"1.png": sha256(b"one")})
    folder = fetch(source, raw_root=raw, transfer=quick)
    assert content_of(folder) == {"1.png": b"one"}
    (folder / "1.png").write_bytes(b"changed here")
    assert (mirror / "a" / "1.png").read_bytes() == b"one", "the mirror is copied, never linked"


@pytest.mark.parametrize("place", ["set.zip", "folder", "folder/"])
def test_an_archive_in_the_mirror_itself_or_in_its_folder(
    make_source, raw, archive, quick, monkeypatch, tmp_path, place
):
    (tmp_path / "mirror" / "folder").mkdir(parents=True)
    target = tmp_path / "mirror" / ("set.zip" if place == "set.zip" else "folder/set.zip")
    archive.rename(target)
    monkeypatch.setenv("SAR_TEXT_MIRROR", str(tmp_path / "mirror"))
    source = make_source(f"{NOWHERE}/set.zip", mirror=place, sha256=sha256(target.read_bytes()))
    assert content_of(fetch(source, raw_root=raw, transfer=quick)) == FILES


def test_an_unpacked_copy_in_the_mirror_stands_for_the_archive(make_source, raw, listed, mirror, quick):
    (mirror / "set").mkdir()
    (mirror / "a").rename(mirror / "set" / "a")
    source = make_source(f"{NOWHERE}/set.zip", mirror="set", sha256="0" * 64, files={"a/1.png": sha256(b"one")})
    assert content_of(fetch(source, raw_root=raw, transfer=quick)) == {"a/1.png": b"one"}
    source = make_source(f"{NOWHERE}/set.zip", name="other", mirror="set", sha256="0" * 64)
    with pytest.raises(FetchError, match=r"holds no 'set.zip', and without a list its files cannot be proven"):
        fetch(source, raw_root=raw, transfer=quick)


def test_what_the_mirror_lacks_comes_from_the_address(make_source, raw, listed, mirror, quick, web):
    web.files["/set/new.png"] = b"new"
    source = make_source(f"{web.url}/set/", mirror="a", files={"1.png": sha256(b"one"), "new.png": sha256(b"new")})
    assert content_of(fetch(source, raw_root=raw, transfer=quick)) == {"1.png": b"one", "new.png": b"new"}
    assert [path for path, _ in web.asked] == ["/set/new.png"]
    source = make_source(f"{web.url}/set/new.png", name="absent", mirror="not/there", sha256=sha256(b"new"))
    assert content_of(fetch(source, raw_root=raw, transfer=quick)) == {"new.png": b"new"}


def test_an_air_gapped_site_is_told_what_its_mirror_lacks(make_source, raw, listed, mirror, quick):
    source = make_source(f"{NOWHERE}/set/", mirror="a", files={"2.png": sha256(b"two")})
    refused(source, raw, "cannot reach", f"(the mirror has no '2.png' at {mirror}/a)", transfer=quick)


def test_a_wrong_file_in_the_mirror_is_an_error_and_not_passed_over(make_source, raw, listed, mirror, quick, web):
    web.files["/set/1.png"] = b"two"
    source = make_source(f"{web.url}/set/", mirror="a", files={"1.png": sha256(b"two")})
    refused(source, raw, f"wrong digest: {mirror}/a/1.png", sha256(b"one"), sha256(b"two"), transfer=quick)
    assert web.asked == []


def test_a_mirror_that_is_no_folder(make_source, raw, quick, monkeypatch, tmp_path):
    monkeypatch.setenv("SAR_TEXT_MIRROR", str(tmp_path / "none"))
    source = make_source(f"{NOWHERE}/x", mirror="x", sha256="0" * 64)
    refused(source, raw, f"SAR_TEXT_MIRROR is {tmp_path}/none", "unset it", transfer=quick)


def test_a_mirror_path_stays_below_the_root(make_source, raw, listed, mirror, quick):
    source = make_source(f"{NOWHERE}/x", mirror="../original/a/1.png", sha256=sha256(b"one"))
    refused(source, raw, "path traversal", transfer=quick)


# Descriptions that cannot be fetched, and places that cannot be read.


@pytest.mark.parametrize(
    ("address", "keys", "says"),
    [
        ("ftp://example.org/x", {}, "cannot be fetched; an address is one of"),
        ("just/a/path", {}, "cannot be fetched; an address is one of"),
        ("http://[::1", {}, "is no address (Invalid IPv6 URL); it is one of"),
        ("s3://bucket", {"sha256": "0" * 64}, "expected s3://bucket/key"),
        ("file://host/x", {"sha256": "0" * 64}, "three slashes"),
        ("https:///x", {"sha256": "0" * 64}, "names no host"),
        ("https://example.org/x.zip#sub", {"sha256": "0" * 64}, "only git+https:// addresses take `#subdir`"),
        ("https://example.org/x", {}, "nothing says what its bytes must be"),
        ("https://example.org/x/", {}, "its address is a folder, so `files` or `files_list` must say"),
        ("s3://bucket/x/", {}, "`sar-text digests FOLDER --out sources/NAME.sha256`"),
        ("s3://bucket/x/", {"sha256": "0" * 64}, "the address names a folder"),
        ("https://example.org/x", {"sha256": "0" * 63}, "is not a sha256"),
        ("https://example.org/x/", {"files": {"a": "xyz"}}, "files: a: 'xyz' is not a sha256"),
        ("https://example.org/x/", {"files": {"../a": "0" * 64}}, "path traversal"),
        ("https://example.org/x/", {"files": {"./a": "0" * 64}}, "write './a' as 'a'"),
        ("https://example.org/x/", {"files": {"a": "0" * 64, "A": "0" * 64}}, "it differs from 'A' only in case"),
        ("https://example.org/x/", {"files_list": "none.sha256"}, "none.sha256 does not exist: make it with"),
        ("https://example.org/x/", {"files_list": "x", "files": {"a": "0" * 64}}, "not both"),
    ],
)
def test_descriptions_that_cannot_be_fetched(make_source, raw, quick, address, keys, says):
    refused(make_source(address, **keys), raw, says, transfer=quick)
    assert not raw.exists(), "nothing is even begun"


def test_a_list_that_was_changed_is_refused(make_source, raw, original, listed, quick, tmp_path):
    source = make_source(f"file://{original}", **listed)
    with (tmp_path / "sources" / "things.sha256").open("a") as out:
        out.write(f"{'0' * 64}  slipped_in.png\n")
    refused(source, raw, "but files_list_sha256 says", "write the new digest", transfer=quick)


def test_a_simulated_source_is_not_fetched(make_source, raw, quick):
    source = make_source("simulated", simulate={"world": "ships", "scenes": 1, "first_scene": 0})
    refused(source, raw, "there is nothing to fetch", transfer=quick)


def test_places_that_are_not_there(make_source, raw, original, quick):
    source = make_source(f"file://{original}/none.zip", sha256="0" * 64)
    refused(source, raw, f"{original}/none.zip does not exist", "mount the disk", transfer=quick)
    source = make_source(f"file://{original}", files={"c.png": "0" * 64})
    refused(source, raw, f"{original}/c.png does not exist", "list of files", transfer=quick)
    source = make_source(f"file://{original}", files={"a": "0" * 64})
    refused(source, raw, f"{original}/a is a folder", transfer=quick)
    source = make_source(f"file://{original}", sha256="0" * 64)
    refused(source, raw, "is a folder, where one file is expected", "files_list", transfer=quick)


def test_several_files_are_asked_of_one_that_is_no_archive(make_source, raw, original, quick):
    source = make_source(f"file://{original}/a/1.png", files={"1.png": sha256(b"one"), "2.png": "0" * 64})
    refused(source, raw, "is one file, '1.png', and no archive", transfer=quick)


def test_a_manifest_of_the_source_itself_has_no_place(make_source, raw, original, quick):
    (original / "manifest.json").write_bytes(b"{}")
    source = make_source(f"file://{original}", files={"manifest.json": sha256(b"{}")})
    refused(source, raw, "it has a file 'manifest.json' at its top", "files_list", transfer=quick)


def test_a_full_disk(make_source, raw, original, quick):
    """/dev/full is a disk without room: the part is led there."""
    source = make_source(f"file://{original}/a/1.png", sha256=sha256(b"two"))
    refused(source, raw, "wrong digest", transfer=quick)
    (parts,) = (raw / ".partial").rglob("parts")
    (parts / sha256(b"")[:32]).symlink_to("/dev/full")
    refused(source, raw, f"the disk of {raw} is full", "make room", transfer=quick)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(make_source, raw, original, quick):
    (original / "a" / "1.png").chmod(0)
    source = make_source(f"file://{original}/a/1.png", sha256=sha256(b"one"))
    refused(source, raw, "may not be read", transfer=quick)


def test_the_published_tree_does_not_depend_on_the_way(make_source, raw, original, archive, listed, quick, tmp_path):
    by_folder = fetch(make_source(f"file://{original}", **listed), raw_root=raw, transfer=quick)
    source = make_source(f"file://{archive}", sha256=sha256(archive.read_bytes()))
    by_archive = fetch(source, raw_root=tmp_path / "raw2", transfer=quick)
    assert {**digests_of(by_folder), "manifest.json": ""} == {**digests_of(by_archive), "manifest.json": ""}
