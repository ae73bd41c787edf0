import subprocess

import pytest
from fetch_checks import sha256

from tasks.download import digests, names
from tasks.download.errors import FetchError


@pytest.fixture
def folder(tmp_path):
    for path in ("b/2.png", "a/1.png", "a/ö [x].txt", "manifest.json"):
        (tmp_path / "set" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "set" / path).write_bytes(path.encode())
    return tmp_path / "set"


def test_a_list_is_what_sha256sum_reads_and_what_we_read(folder):
    assert digests.write_list(folder, folder / "list.sha256") == 3
    subprocess.run(["sha256sum", "--check", "--strict", "--status", "list.sha256"], cwd=folder, check=True)
    wanted = {path: sha256(path.encode()) for path in ("a/1.png", "a/ö [x].txt", "b/2.png")}
    assert digests.read_list(folder / "list.sha256") == wanted
    assert list(digests.read_list(folder / "list.sha256")) == sorted(wanted)


def test_what_sha256sum_writes_is_read(folder, tmp_path):
    for mode in ("--binary", "--text"):
        run = subprocess.run(
            f"find . -name '*.png' | xargs sha256sum {mode}", shell=True, cwd=folder, check=True, capture_output=True
        )
        (tmp_path / "list").write_bytes(run.stdout)
        assert set(digests.read_list(tmp_path / "list")) == {"a/1.png", "b/2.png"}


def test_patterns_choose_files(folder, tmp_path):
    assert digests.write_list(folder, tmp_path / "list", patterns=("a/*.png", "b/**/*")) == 2
    with pytest.raises(FetchError, match=r"no file in .* matches \*.tif"):
        digests.write_list(folder, tmp_path / "list", patterns=("*.tif",))
    with pytest.raises(FetchError, match="is not a folder"):
        digests.write_list(folder / "none", tmp_path / "list")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "lists no file"),
        ("abc  a.png\n", "line 1: expected `<sha256>  <path>`"),
        (f"{'0' * 64}  a.png\n{'0' * 64}\n", "line 2: expected"),
        (f"{'0' * 64}  a.png\n{'1' * 64} *./a.png\n", "line 2: 'a.png' stands there twice"),
        (f"{'0' * 64}  ../a.png\n", "line 1: refused '../a.png'"),
        (f"{'0' * 64}  /a.png\n", "absolute"),
    ],
)
def test_lists_that_cannot_be_read(text, says, tmp_path):
    (tmp_path / "list").write_text(text)
    with pytest.raises(FetchError) as caught:
        digests.read_list(tmp_path / "list")
    assert says in str(caught.value)


@pytest.mark.parametrize("pattern", ["/abs/*", "", "**x"])
def test_patterns_that_are_none(pattern, folder, tmp_path):
    with pytest.raises(FetchError, match="a pattern is one of files below the folder"):
        digests.write_list(folder, tmp_path / "list", patterns=(pattern,))
    assert not (tmp_path / "list").exists()


def test_a_list_that_is_no_text(tmp_path):
    (tmp_path / "list").write_bytes(b"\xff\xfe")
    with pytest.raises(FetchError, match=r"list is no UTF-8 text .*sar-text digests"):
        digests.read_list(tmp_path / "list")


def test_copy_digests_on_the_way(folder, tmp_path):
    moved = []
    with (folder / "a" / "1.png").open("rb") as stream:
        digest = digests.copy(stream, tmp_path / "copy", moved=moved.append)
    assert digest == digests.of_file(tmp_path / "copy") == digests.Digest(sha256(b"a/1.png"), 7)
    assert moved == [7]


@pytest.mark.parametrize(
    ("name", "clean"), [("./a//b.png", "a/b.png"), ("a/./b", "a/b"), ("…/x y", "…/x y"), ("a/", "a")]
)
def test_names_are_cleaned(name, clean):
    assert names.clean(name, where="here") == clean


@pytest.mark.parametrize("name", ["", ".", "./", "a/../b", "\udcff.png", "x" * 300])
def test_names_are_refused(name):
    with pytest.raises(FetchError, match="here: refused"):
        names.clean(name, where="here")
