"""`git+…` sources, from bare repositories that the tests make."""

import subprocess

import pytest
from fetch_checks import content_of, digests_of, refused, sha256

from tasks.download import digests, git
from tasks.download.fetch import fetch
from tasks.download.progress import Bar


class Repository:
    """A bare repository that serves partial clones, and the work tree it is fed from."""

    def __init__(self, folder, command):
        self.tree, self.bare, self._command = folder / "work", folder / "bare.git", command
        self.tree.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments):
        identity = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
        done = subprocess.run(
            [self._command, *identity, *arguments], cwd=self.tree, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def commit(self, files):
        for path, content in files.items():
            (self.tree / path).parent.mkdir(parents=True, exist_ok=True)
            (self.tree / path).write_bytes(content)
        return self.commit_tree()

    def commit_tree(self):
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "more")
        if not self.bare.exists():
            self.git("clone", "--quiet", "--bare", ".", str(self.bare))
            for key in ("uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"):
                self.git("-C", str(self.bare), "config", key, "true")
        self.git("push", "--quiet", str(self.bare), "HEAD:refs/heads/main")
        return self.git("rev-parse", "HEAD")

    def address(self, commit, subdir):
        return f"git+file://{self.bare}@{commit}#{subdir}"


FILES = {
    "README.md": b"top\n",
    "data/set [1]/images/1.png": b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
    "data/set [1]/images/two ö.png": b"two",
    "data/set [1]/notes.txt": b"line\r\nline\n",
    "data/set 1/other.png": b"not asked for",
    "data/other/large.bin": bytes(100_000),
}
INSIDE = {path.removeprefix("data/set [1]/"): body for path, body in FILES.items() if "[1]" in path}
SUBDIR = "data/set [1]"


@pytest.fixture
def repository(tmp_path, git_command):
    return Repository(tmp_path / "origin", git_command)


def test_exactly_the_subdir_of_exactly_that_commit(make_source, raw, repository, quick):
    commit = repository.commit(FILES)
    repository.commit({f"{SUBDIR}/notes.txt": b"changed later", f"{SUBDIR}/new.png": b"new"})
    folder = fetch(make_source(repository.address(commit, SUBDIR)), raw_root=raw, transfer=quick)
    assert content_of(folder) == INSIDE
    assert digests_of(folder)["notes.txt"] == sha256(FILES[f"{SUBDIR}/notes.txt"])


def test_the_whole_tree_without_a_subdir(make_source, raw, repository, quick):
    commit = repository.commit(FILES)
    source = make_source(repository.address(commit, "").removesuffix("#"))
    assert content_of(fetch(source, raw_root=raw, transfer=quick)) == FILES


def test_listed_files_alone_are_transferred(make_source, raw, repository, quick, monkeypatch):
    """Partial clone and sparse checkout: what is not asked for never comes over the wire."""
    seen = []

    class Watched(git.Repository):
        def checkout(self, *, paths, bar):
            found = super().checkout(paths=paths, bar=bar)
            seen.append((self._present(), digests_of(found[0])))
            return found

    monkeypatch.setattr(git, "Repository", Watched)
    commit = repository.commit(FILES)
    wanted = {"images/1.png": sha256(INSIDE["images/1.png"])}
    folder = fetch(make_source(repository.address(commit, SUBDIR), files=wanted), raw_root=raw, transfer=quick)
    assert content_of(folder) == {"images/1.png": INSIDE["images/1.png"]}
    ((present, checked_out),) = seen
    blob = {path: repository.git("rev-parse", f"{commit}:{path}") for path in FILES}
    assert {path for path in FILES if blob[path] in present} == {f"{SUBDIR}/images/1.png"}
    assert checked_out == wanted


def test_attributes_of_the_repository_change_no_byte(make_source, raw, repository, quick):
    """End-of-line and keyword conversion, and filters, would make other bytes of the same commit."""
    raw_text = b"$Id$ line\nline\n"
    commit = repository.commit({"d/a.txt": raw_text})
    commit = repository.commit({".gitattributes": b"*.txt text eol=crlf ident filter=lfs\n"})
    folder = fetch(make_source(repository.address(commit, "d")), raw_root=raw, transfer=quick)
    assert content_of(folder) == {"a.txt": raw_text}


def test_settings_of_a_git_hook_do_not_leak_in(make_source, raw, repository, quick, monkeypatch):
    commit = repository.commit(FILES)
    monkeypatch.setenv("GIT_DIR", str(repository.tree / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(repository.tree))
    folder = fetch(make_source(repository.address(commit, SUBDIR)), raw_root=raw, transfer=quick)
    assert content_of(folder) == INSIDE


def test_an_interrupted_fetch_goes_on(make_source, raw, repository, quick, monkeypatch):
    """Broken off (Ctrl-C) in the second of three batches: the next run asks only for what is not here yet."""
    files = {f"d/{number}.png": bytes([number]) for number in range(6)}
    source = make_source(repository.address(repository.commit(files), "d"))
    monkeypatch.setattr(git, "_BATCH", 2)
    received, limit, finished = [], 3, Bar.finished

    def interrupt(bar, files=1):
        received.extend([None] * files)
        if len(received) >= limit:
            raise KeyboardInterrupt
        finished(bar, files)

    monkeypatch.setattr(Bar, "finished", interrupt)
    with pytest.raises(KeyboardInterrupt):
        fetch(source, raw_root=raw, transfer=quick)
    assert [place.name for place in raw.iterdir()] == [".partial"]
    received, limit = [], 100
    assert content_of(fetch(source, raw_root=raw, transfer=quick)) == {path[2:]: body for path, body in files.items()}
    assert 0 < len(received) <= 4, "the first batch was here already"


def test_git_digests_and_mirror_give_the_same_folder(make_source, raw, repository, quick, monkeypatch, tmp_path):
    commit = repository.commit(FILES)
    (tmp_path / "sources").mkdir()
    digests.write_list(repository.tree / SUBDIR, tmp_path / "sources" / "things.sha256")
    source = make_source(repository.address(commit, SUBDIR), files_list="things.sha256", mirror=f"copies/{SUBDIR}")
    by_git = fetch(source, raw_root=raw, transfer=quick)
    (tmp_path / "mirror" / "copies" / "data").mkdir(parents=True)
    (repository.tree / SUBDIR).rename(tmp_path / "mirror" / "copies" / SUBDIR)
    repository.bare.rename(tmp_path / "gone")
    monkeypatch.setenv("SAR_TEXT_MIRROR", str(tmp_path / "mirror"))
    by_mirror = fetch(source, raw_root=tmp_path / "raw2", transfer=quick)
    assert digests_of(by_mirror) == digests_of(by_git)
    assert "manifest.json" in digests_of(by_git)


def test_a_mirror_cannot_be_proven_by_the_commit(make_source, raw, repository, quick, monkeypatch, tmp_path):
    commit = repository.commit(FILES)
    (tmp_path / "mirror" / "set").mkdir(parents=True)
    monkeypatch.setenv("SAR_TEXT_MIRROR", str(tmp_path / "mirror"))
    source = make_source(repository.address(commit, SUBDIR), mirror="set")
    refused(source, raw, "cannot be proven by the commit", "sar-text digests FOLDER", "sha256sum", transfer=quick)


def test_what_the_mirror_lacks_comes_from_the_commit(make_source, raw, repository, quick, monkeypatch, tmp_path):
    commit = repository.commit(FILES)
    (tmp_path / "mirror" / "set").mkdir(parents=True)
    (tmp_path / "mirror" / "set" / "notes.txt").write_bytes(INSIDE["notes.txt"])
    monkeypatch.setenv("SAR_TEXT_MIRROR", str(tmp_path / "mirror"))
    listed = {path: sha256(body) for path, body in INSIDE.items()}
    source = make_source(repository.address(commit, SUBDIR), mirror="set", files=listed)
    assert content_of(fetch(source, raw_root=raw, transfer=quick)) == INSIDE


def test_an_unknown_commit(make_source, raw, repository, quick):
    repository.commit(FILES)
    source = make_source(repository.address("0" * 39 + "1", SUBDIR))
    refused(source, raw, "has no commit 0000", "correct the commit", transfer=quick)


def test_a_missing_subdir_names_the_nearest(make_source, raw, repository, quick):
    commit = repository.commit(FILES)
    says = ("has no folder 'data/set [2]'", "did you mean '#data/set [1]'?")
    refused(make_source(repository.address(commit, "data/set [2]")), raw, *says, transfer=quick)


def test_a_listed_file_that_the_commit_lacks(make_source, raw, repository, quick):
    commit = repository.commit(FILES)
    source = make_source(repository.address(commit, SUBDIR), files={"images/9.png": sha256(b"")})
    refused(source, raw, "holds no 'images/9.png'", "1 of 1 listed files", transfer=quick)


def test_a_listed_file_with_another_digest(make_source, raw, repository, quick):
    commit = repository.commit(FILES)
    source = make_source(repository.address(commit, SUBDIR), files={"notes.txt": sha256(b"")})
    refused(source, raw, "wrong digest", sha256(INSIDE["notes.txt"]), sha256(b""), transfer=quick)


def test_a_missing_repository(make_source, raw, repository, quick):
    source = make_source(f"git+file://{repository.bare}-none@{'a' * 40}#d")
    refused(source, raw, "does not exist or needs a login", transfer=quick)


def test_no_network(make_source, raw, quick):
    source = make_source(f"git+https://no-such-host.invalid/a/b@{'a' * 40}#d")
    says = ("cannot reach https://no-such-host.invalid/a/b", "SAR_TEXT_MIRROR")
    refused(source, raw, *says, transfer=quick)


def test_git_is_not_installed(make_source, raw, repository, quick, monkeypatch, tmp_path):
    commit = repository.commit(FILES)
    monkeypatch.setenv("PATH", str(tmp_path))
    refused(make_source(repository.address(commit, SUBDIR)), raw, "`git` is missing", "install git", transfer=quick)


def test_links_are_refused_by_name_unless_left_out(make_source, raw, repository, quick):
    (repository.tree / "d").mkdir()
    (repository.tree / "d" / "evil").symlink_to("/etc/passwd")
    commit = repository.commit({"d/a.png": b"a"})
    refused(make_source(repository.address(commit, "d")), raw, "refused 'evil'", "a link", "files_list", transfer=quick)
    source = make_source(repository.address(commit, "d"), files={"a.png": sha256(b"a")})
    assert content_of(fetch(source, raw_root=raw, transfer=quick)) == {"a.png": b"a"}


def test_submodules_are_refused_by_name(make_source, raw, repository, quick):
    commit = repository.commit({"d/a.png": b"a"})
    repository.git("update-index", "--add", "--cacheinfo", f"160000,{commit},d/sub")
    repository.git("commit", "--quiet", "--message", "a submodule")
    repository.git("push", "--quiet", str(repository.bare), "HEAD:refs/heads/main")
    commit = repository.git("rev-parse", "HEAD")
    refused(make_source(repository.address(commit, "d")), raw, "refused 'sub'", "a submodule", transfer=quick)


def test_lfs_pointers_are_told(make_source, raw, repository, quick):
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n"
    commit = repository.commit({"d/a.zip": pointer})
    refused(make_source(repository.address(commit, "d")), raw, "'a.zip' is a Git LFS pointer", transfer=quick)


@pytest.mark.parametrize("commit", ["main", "v1.0", "abc1234", "A" * 40, ""])
def test_only_a_full_commit_proves_anything(make_source, raw, quick, commit):
    source = make_source(f"git+https://example.org/a/b@{commit}#d")
    refused(source, raw, "give the full commit (40 hexadecimal digits", transfer=quick)


def test_a_subdir_that_climbs_out(make_source, raw, quick):
    source = make_source(f"git+https://example.org/a/b@{'a' * 40}#../d")
    refused(source, raw, "path traversal", transfer=quick)
