"""`dvc.lock` taken apart into stage runs. A thousand revisions are read in seconds, since an entry that did not
change from one to the next is read once, and of the many code files only their number."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import yaml

_HEAD = re.compile(r"\Aschema: '2\.0'\nstages:\n")
_STAGE = re.compile(r"\n  (?=\S)")  # begins with plain text, which `re` looks for three times faster than for `^`
_STRANGE = re.compile(r"(?m)^(?! {4})(?=.)")  # such as the marks of a merge; asked where a count of lines does not do
_CODE = ("flows/", "tasks/", "sar_models/")


@dataclass(frozen=True)
class StageRun:
    """One entry of a lock: a stage as it ran once, named by the digest of the entry."""

    stage: str
    text: str
    inputs: Mapping[str, str]  # path → MD5, code left out
    outputs: Mapping[str, str]

    @cached_property
    def name(self) -> str:
        return f"{self.stage} {hashlib.sha256(self.text.encode()).hexdigest()[:12]}"

    @cached_property
    def entry(self) -> dict[str, Any]:
        """All that the lock says of it."""
        return dict(yaml.load(self.text, Loader=yaml.CSafeLoader))

    def code(self) -> dict[str, str]:
        """Code file → MD5."""
        deps = self.entry.get("deps", [])
        return {dep["path"]: dep["md5"] for dep in deps if dep["path"].startswith(_CODE)}

    def params(self) -> dict[str, Any]:
        """Settings by key, of every file of settings."""
        files = self.entry.get("params", {})
        return {key: value for values in files.values() for key, value in values.items()}


@dataclass
class Memo:
    """What was read before: entries by their text, and the text of each stage in the lock that was read last."""

    runs: dict[str, StageRun] = field(default_factory=dict)
    last: dict[str, str] = field(default_factory=dict)


def stage_runs(lock: str, *, memo: Memo | None = None) -> dict[str, StageRun]:
    """Stage → run, of the text of a `dvc.lock`; `memo` holds entries that were read before, and is added to.

    Raises `ValueError` when the text is not what DVC 3 writes.
    """
    memo = memo or Memo()
    head = _HEAD.match(lock)
    if head is None:
        raise ValueError("it does not begin as a lock of DVC 3 does")
    if not _STAGE.match(lock, head.end() - 1) and lock[head.end() :].strip():
        raise ValueError(f"a line that belongs to no stage: {lock[head.end() :].split(maxsplit=1)[0]!r}")
    entries = _entries(lock, head.end() - 1, last=memo.last)
    runs = [memo.runs.get(entry) or _read(entry, memo=memo) for entry in entries]
    memo.last = {_name(entry): entry for entry in entries}
    return {run.stage: run for run in runs}


def _entries(lock: str, place: int, *, last: Mapping[str, str]) -> list[str]:
    """The text of each stage. One that stands as it did in the lock before is compared, not searched: a lock has
    some thousand lines, and little of it changes from one to the next."""
    found = []
    while begins := _STAGE.match(lock, place):
        entry = last.get(_name(lock, begins.end()), "")
        place = begins.end() + len(entry)
        if not entry or not lock.startswith(entry, begins.end()) or (place < len(lock) and lock[place] != "\n"):
            ends = _STAGE.search(lock, begins.end())
            entry = lock[begins.end() : ends.start() if ends else len(lock)]
            place = begins.end() + len(entry)
        found.append(entry)
    return found


def _name(text: str, begin: int = 0) -> str:
    return text[begin : text.find(":\n", begin)]


def _read(chunk: str, *, memo: Memo) -> StageRun:
    name, colon, body = chunk.partition(":\n")
    strange = body.count("\n") != body.count("\n    ") + body.endswith("\n") and _STRANGE.search(body)
    if not colon or strange:
        raise ValueError(f"stage {name.strip()!r}: a line that DVC would not write")
    above, _, below = body.partition("    outs:\n")
    if chunk.count("\n    - path: ") != chunk.count("\n      md5: "):
        raise ValueError(f"stage {name}: a path without its digest, or a digest without its path")
    run = StageRun(stage=_plain(name), text=body, inputs=_paths(above), outputs=_paths(below))
    memo.runs[chunk] = run
    return run


def _paths(text: str) -> dict[str, str]:
    """Path → MD5, code left out: of the many paths it is most."""
    found = {}
    for dep in f"\n{text}".split("\n    - path: ")[1:]:
        if not dep.startswith(_CODE):
            path, _, rest = dep.partition("\n")
            found[_plain(path)] = _plain(f"\n{rest}".partition("\n      md5: ")[2].partition("\n")[0])
    return found


def _plain(scalar: str) -> str:
    return str(yaml.safe_load(scalar)) if scalar[0] in "'\"" else scalar
