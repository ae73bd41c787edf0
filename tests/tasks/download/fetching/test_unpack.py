"""Archives, good and hostile. Every hostile one is really made, with the weapon inside."""

import contextlib
import gzip
import io
import random
import struct
import subprocess
import tarfile
import zipfile

import pytest
from fetch_checks import digests_of, refused, sha256, visible
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.download.errors import FetchError
from tasks.download.fetch import fetch
from tasks.download.unpack import Limits, kind, unpack

FILES = {"set/a/1.png": b"one", "set/b/1.png": b"uno" * 1000, "set/ö.txt": b""}


def make_zip(path, members, *, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as file:
        for name, content in members:
            file.writestr(name, content)
    return path


def make_tar(path, members, *, mode="w", form=tarfile.PAX_FORMAT):
    with tarfile.open(path, mode, format=form) as file:
        for name, content in members:
            if isinstance(name, tarfile.TarInfo):
                file.addfile(name, io.BytesIO(content))
            else:
                member = tarfile.TarInfo(name)
                member.size = len(content)
                file.addfile(member, io.BytesIO(content))
    return path


def make(form, path, members):
    if form == "zip":
        return make_zip(path, members)
    return make_tar(path, members, mode="w:gz" if form == "tar.gz" else "w")


@pytest.fixture
def into(tmp_path):
    (tmp_path / "into").mkdir()
    return tmp_path / "into"


def fails(path, into, *says, limits=Limits(), only=()):  # noqa: B008 - frozen
    with pytest.raises(FetchError) as caught:
        unpack(path, into, only=only, limits=limits, title="unpack")
    for said in says:
        assert said in str(caught.value)
    assert path.name in str(caught.value)
    assert not (into.parent / "evil").exists()


FORMS = ("zip", "tar", "tar.gz")


@pytest.mark.parametrize("form", FORMS)
def test_archives_are_known_by_content_and_give_their_files(form, tmp_path, into):
    path = make(form, tmp_path / "download", list(FILES.items()))
    assert kind(path) == form
    content = unpack(path, into, limits=Limits(), title="unpack")
    assert {name: digest.sha256 for name, digest in content.items()} == digests_of(into)
    assert digests_of(into) == {name: sha256(body) for name, body in FILES.items()}


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_the_dialects_of_tar(form, tmp_path, into):
    name = "d" * 60 + "/" + "f" * 90 + ".png"
    path = make_tar(tmp_path / "x", [(f"./{name}", b"x")], form=form)
    assert list(unpack(path, into, limits=Limits(), title="unpack")) == [name]


def test_a_tar_older_than_its_mark_is_known(tmp_path):
    header = bytearray(tarfile.TarInfo("a.png").tobuf(tarfile.USTAR_FORMAT))
    header[257:265] = bytes(8)
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    (tmp_path / "x").write_bytes(bytes(header) + bytes(1024))
    assert kind(tmp_path / "x") == "tar"


def test_the_system_tar_is_read(tmp_path, into):
    """As `tar czf x.tar.gz -C folder .` makes it, with folders and a leading `./`."""
    (tmp_path / "folder" / "a").mkdir(parents=True)
    (tmp_path / "folder" / "a" / "1.png").write_bytes(b"one")
    subprocess.run(["tar", "czf", tmp_path / "x.tar.gz", "-C", tmp_path / "folder", "."], check=True)
    assert list(unpack(tmp_path / "x.tar.gz", into, limits=Limits(), title="unpack")) == ["a/1.png"]


@pytest.mark.parametrize("body", [b"", b"\x89PNG\r\n\x1a\n", bytes(2048), gzip.compress(b"x" * 999), b"text"])
def test_other_files_are_no_archives(tmp_path, body):
    (tmp_path / "x.zip").write_bytes(body)
    assert kind(tmp_path / "x.zip") is None


@pytest.mark.parametrize(
    ("start", "name"),
    [(b"Rar!\x1a\x07", "RAR"), (b"7z\xbc\xaf\x27\x1c", "7z"), (b"BZh9", "bzip2"), (b"\xfd7zXZ", "xz")],
)
def test_kinds_that_are_not_read_are_told(tmp_path, start, name):
    (tmp_path / "SSDD.rar").write_bytes(start + bytes(100))
    with pytest.raises(FetchError, match=rf"SSDD.rar is a {name} archive.*unpack it yourself.*sar-text digests"):
        kind(tmp_path / "SSDD.rar")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("../evil", "path traversal"),
        ("a/../../evil", "path traversal"),
        ("a/..", "path traversal"),
        ("/evil", "absolute path"),
        ("..\\evil", "backslash"),
        ("C:evil", "drive letter"),
        ("a\nb", "control character"),
        ("x" * 256, "longer than 255 bytes"),
    ],
)
def test_names_that_leave_the_folder_or_deceive(form, name, says, tmp_path, into):
    path = make(form, tmp_path / "bad", [("good.png", b"x"), (name, b"weapon")])
    fails(path, into, f"refused {name!r}", says)
    fails(path, into, f"refused {name!r}", says, only=["good.png"])


def test_a_nul_in_a_zip_name(tmp_path, into):
    """`zipfile` cuts the name there, so that `a.png` would hide `a.png\\0.exe`."""
    path = make_zip(tmp_path / "bad", [("a.pngX.exe", b"x")])
    path.write_bytes(path.read_bytes().replace(b"a.pngX.exe", b"a.png\0.exe"))
    fails(path, into, r"a.png\x00.exe", "control character")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("first", "second", "says"),
    [
        ("a.png", "a.png", "stands there twice"),
        ("a.png", "./a.png", "stands there twice"),
        ("d/a.png", "D/A.PNG", "only in case or Unicode form"),
        ("\u00e4.png", "a\u0308.png", "only in case or Unicode form"),
        ("a", "a/b.png", "both a file and a folder"),
        ("a/b.png", "A", "both a file and a folder"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_names_that_overwrite_one_another(form, first, second, says, tmp_path, into):
    fails(make(form, tmp_path / "bad", [(first, b"1"), (second, b"2")]), into, says)


def special(name, kind_of, *, link=""):
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind_of, link
    return member


@pytest.mark.parametrize("mode", ["w", "w:gz"])
@pytest.mark.parametrize(
    ("member", "says"),
    [
        (special("l", tarfile.SYMTYPE, link="../evil"), "it is a link to '../evil'"),
        (special("l", tarfile.SYMTYPE, link="/etc/passwd"), "it is a link to '/etc/passwd'"),
        (special("l", tarfile.LNKTYPE, link="good.png"), "it is a link to 'good.png'"),
        (special("l", tarfile.CHRTYPE), "device"),
        (special("l", tarfile.BLKTYPE), "device"),
        (special("l", tarfile.FIFOTYPE), "device"),
    ],
)
def test_links_and_devices_in_a_tar(mode, member, says, tmp_path, into):
    path = make_tar(tmp_path / "bad", [("good.png", b"x"), (member, b"")], mode=mode)
    fails(path, into, "refused 'l'", says)
    assert list(unpack(path, into, only=["good.png"], limits=Limits(), title="unpack")) == ["good.png"]


@pytest.mark.parametrize(("mode", "says"), [(0o120777, "a link"), (0o020666, "a device"), (0o010666, "a device")])
def test_links_and_devices_in_a_zip(mode, says, tmp_path, into):
    member = zipfile.ZipInfo("l")
    member.external_attr = mode << 16
    path = make_zip(tmp_path / "bad", [("good.png", b"x"), (member, b"../evil")])
    fails(path, into, "refused 'l'", says)
    assert list(unpack(path, into, only=["good.png"], limits=Limits(), title="unpack")) == ["good.png"]


SMALL = Limits(members=10, total_bytes=5_000_000, ratio=20.0, floor_bytes=100_000)


@pytest.mark.parametrize("form", ["zip", "tar.gz"])
def test_decompression_bombs(form, tmp_path, into):
    path = make(form, tmp_path / "bomb", [("a.png", bytes(99_000)), ("b.png", bytes(200_000))])
    fails(path, into, "refused at 'b.png'", "299,000 bytes or more", "decompression bomb", limits=SMALL)
    assert not (into / "b.png").exists()


@pytest.mark.parametrize("form", FORMS)
def test_more_than_the_absolute_limit(form, tmp_path, into):
    path = make(form, tmp_path / "large", [("a.png", bytes(600))])
    limits = Limits(total_bytes=500)
    fails(path, into, "refused at 'a.png'", "above the limit of 500", limits=limits)


@pytest.mark.parametrize("form", FORMS)
def test_too_many_members(form, tmp_path, into):
    path = make(form, tmp_path / "many", [(f"{number}.png", b"") for number in range(11)])
    fails(path, into, "refused at '10.png'", "more than 10 members", limits=SMALL)


def test_empty_masks_are_no_bombs_by_default(tmp_path, into):
    """Masks of zeros pack a thousandfold; a small archive may hold them."""
    path = make_zip(tmp_path / "masks", [("mask.tif", bytes(5_000_000))])
    assert path.stat().st_size * 500 < 5_000_000
    assert unpack(path, into, limits=Limits(), title="unpack")["mask.tif"].size == 5_000_000


def test_a_zip_that_tells_less_than_it_holds(tmp_path, into):
    """The size in the directory is a lie: what is written stays below it, and the checksum gives it away."""
    path = make_zip(tmp_path / "liar", [("a.png", bytes(300_000))])
    data = path.read_bytes()
    path.write_bytes(data.replace(struct.pack("<L", 300_000), struct.pack("<L", 300)))
    fails(path, into, "truncated or damaged at 'a.png'")
    assert (into / "a.png").stat().st_size <= 300


def test_a_zip_whose_members_overlap(tmp_path, into):
    """Many names for one block of bytes (D. Fifield, "A better zip bomb", WOOT 2019)."""
    path = make_zip(tmp_path / "quine", [("0.png", bytes(range(256)) * 50)], method=zipfile.ZIP_STORED)
    data = path.read_bytes()
    start = data.index(b"PK\x01\x02")
    end = data.index(b"PK\x05\x06")
    entries = b"".join(data[start:end].replace(b"0.png", b"%d.png" % number) for number in range(10))
    tail = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 10, 10, len(entries), start, 0)
    path.write_bytes(data[:start] + entries + tail)
    fails(path, into, "its members overlap")


def test_a_tar_header_that_would_fill_the_memory(tmp_path, into):
    member = tarfile.TarInfo("././@LongLink")
    member.type, member.size = tarfile.GNUTYPE_LONGNAME, 1 << 34
    with gzip.open(tmp_path / "bad", "wb") as file:
        file.write(member.tobuf(tarfile.GNU_FORMAT) + bytes(5000))
    fails(tmp_path / "bad", into, "a tar header of 17,179,869,184 bytes")


def test_a_tar_of_headers_of_headers(tmp_path, into):
    member = tarfile.TarInfo("././@LongLink")
    member.type, member.size = tarfile.GNUTYPE_LONGNAME, 1
    with gzip.open(tmp_path / "bad", "wb") as file:
        file.write((member.tobuf(tarfile.GNU_FORMAT) + b"a" + bytes(511)) * 3000)
    fails(tmp_path / "bad", into, "truncated or damaged", "recursion")


def test_a_tar_member_of_negative_size(tmp_path, into):
    """It would send the reader backwards for ever (CVE-2025-8194)."""
    header = bytearray(tarfile.TarInfo("a.png").tobuf(tarfile.GNU_FORMAT))
    header[124:136] = b"\xff" * 10 + struct.pack(">H", 0xFE00)
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    (tmp_path / "bad").write_bytes(bytes(header) + bytes(1024))
    fails(tmp_path / "bad", into, "a size below zero")


def test_an_encrypted_zip(tmp_path, into):
    path = make_zip(tmp_path / "locked", [("a.png", b"x" * 50)])
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    fails(path, into, "'a.png' is encrypted", "with its password")


def test_a_method_that_zipfile_does_not_know(tmp_path, into):
    path = make_zip(tmp_path / "deflate64", [("a.png", b"x" * 50)])
    data = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        data[data.index(mark) + offset] = 9
    path.write_bytes(data)
    fails(path, into, "'a.png' cannot be unpacked", "another tool")


@pytest.mark.parametrize("form", FORMS)
def test_truncated_archives(form, tmp_path, into):
    noise = random.Random(1).randbytes(5000)
    path = make(form, tmp_path / "cut", [("a.png", noise), ("b.png", noise[::-1])])
    path.write_bytes(path.read_bytes()[:8000])
    fails(path, into, "truncated or damaged")


@pytest.mark.parametrize("form", FORMS)
def test_empty_archives(form, tmp_path, into):
    path = make(form, tmp_path / "empty", [])
    if kind(path) == "zip":
        fails(path, into, "holds no file")
    else:
        assert kind(path) is None, "a tar without members is only zeros"


def test_shadows_of_macos_are_left_out(tmp_path, into):
    path = make_zip(tmp_path / "mac", [("a.jpg", b"x"), ("__MACOSX/._a.jpg", b"shadow")])
    assert list(unpack(path, into, limits=Limits(), title="unpack")) == ["a.jpg"]


def test_a_hostile_archive_is_never_visible(make_source, raw, tmp_path, quick):
    path = make_zip(tmp_path / "bad.zip", [("good.png", b"x"), ("../evil", b"weapon")])
    source = make_source(f"file://{path}", sha256=sha256(path.read_bytes()))
    refused(source, raw, "bad.zip: refused '../evil'", "path traversal", transfer=quick)
    assert not list(tmp_path.rglob("evil"))


def test_limits_reach_the_archive_of_a_source(make_source, raw, tmp_path, quick):
    path = make_zip(tmp_path / "bomb.zip", [("a.png", bytes(200_000))])
    source = make_source(f"file://{path}", sha256=sha256(path.read_bytes()))
    with pytest.raises(FetchError, match="decompression bomb"):
        fetch(source, raw_root=raw, transfer=quick, limits=SMALL)
    assert visible(raw) == []


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=60, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damage_of_any_kind_is_one_clear_error(form, data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("damage")
    members = [("a/1.png", b"one" * 50), ("a/2.png", bytes(range(256))), ("b.txt", b"")]
    path = make(form, folder / "x", members)
    body = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(body[: data.draw(st.integers(1, len(body)))])
    with contextlib.suppress(FetchError):  # any other exception fails the test
        if kind(path) is not None:
            unpack(path, folder / "into", limits=SMALL, title="unpack")
    assert {place.name for place in folder.iterdir()} <= {"x", "into"}
