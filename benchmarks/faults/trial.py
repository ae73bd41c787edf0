"""One fault, put once into one piece of work: what happened, and which promises it broke."""

import json
import re
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Literal

from benchmarks.faults import promises, registry
from benchmarks.faults.commands import TOO_LONG, Ended
from benchmarks.faults.project import Project
from benchmarks.faults.works import CACHE, Work

# Also of a stage, with its name before it; the last is what Prefect's own command says of a run that failed.
ERROR = r"^(?:\S+ +\| )?(error: .+|ERROR: .+|Flow run finished in state '(?:Crashed|Failed)'\.)$"
Outcome = Literal["completed", "failed, next run completed", "broken"]


@dataclass(frozen=True)
class Undisturbed:
    """What a piece of work leaves, and how long it takes, without a fault."""

    outputs: dict[str, str]
    took_s: float
    requests: int  # to the bucket
    grew_bytes: int  # what it leaves on the disk more than there was


def size_bytes(folder: Path) -> int:
    """Of all files below `folder`, in blocks of 4 KiB as a small file system gives them."""
    return sum(-(-path.lstat().st_size // 4096) * 4096 for path in folder.rglob("*"))


def nothing(project: Project) -> None:
    """A fault that leaves nothing behind to end."""


def again(project: Project, work: Work) -> Ended:
    """The same command once more."""
    return work.run(project)


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong."""

    name: str
    works: tuple[Work, ...]
    disturb: Callable[[Project, Work, Random, "Undisturbed"], Ended]  # runs the work with the fault in it
    says: str | None  # what the reason of a failed run must match; None: who was killed can say nothing
    looks: str  # to a person
    remedy: str = "The same command again."
    again: Callable[[Project, Work], Ended] = again
    end: Callable[[Project], None] = nothing
    registry: Callable[[Project], str | None] = field(default=lambda project: None)  # its address, if not the file


@dataclass(frozen=True)
class Trial:
    """What came of it."""

    fault: str
    work: str
    outcome: Outcome
    reason: str  # the last line of a failed run that names an error
    broken: tuple[str, ...]
    took_s: float

    def plain(self) -> dict[str, Any]:
        return asdict(self)


def undisturbed(project: Project, work: Work) -> Undisturbed:
    """What `work` is without a fault, by the first call of the project's: it is measured once."""
    known = project.folder / "undisturbed" / f"{work.name}.json"
    if not known.is_file():
        known.parent.mkdir(exist_ok=True)
        known.write_text(json.dumps(asdict(_measured(project, work))), encoding="utf-8")
    return Undisturbed(**json.loads(known.read_text(encoding="utf-8")))


def _measured(project: Project, work: Work) -> Undisturbed:
    """Run `work` without a fault. Its own promises must hold, or nothing could be said of faults."""
    project.restore()
    work.prepare(project)
    before_bytes = size_bytes(project.root)
    ended = work.run(project)
    assert ended.well, f"{work.name} fails without a fault: {ended.said[-3000:]}"
    requests, outputs = project.bucket.proxy.asked, work.outputs(project)
    found = registry.read(project.state)
    broken = _kept(project) + promises.registered(found) + promises.finished(found)
    assert not broken, f"{work.name} breaks promises without a fault: {broken}"
    print(f"{work.name} without a fault: {ended.took_s:.0f} s", flush=True)
    return Undisturbed(outputs, ended.took_s, requests, size_bytes(project.root) - before_bytes)


def attempt(fault: Fault, work: Work, project: Project, *, rng: Random, expected: Undisturbed) -> Trial:
    """Begin from the built project, put the fault into the work, run it again if it failed, and check every promise."""
    begin = time.monotonic()
    project.restore()
    work.prepare(project)
    try:
        first = fault.disturb(project, work, rng, expected)
        broken, why = [], reason(first.said)
        if first.exit_code == TOO_LONG:
            broken.append(f"it did not end: {first.said[-300:]!r}")
        elif not first.well and fault.says is not None and not re.search(fault.says, errors(first.said)):
            broken.append(f"it failed without a clear reason: {why or first.said[-300:]!r}")
        broken += [f"after the fault: {each}" for each in promises.registered(_registry(fault, project))]
        if not first.well:
            second = fault.again(project, work)
            if not second.well:
                broken.append(f"the next run failed too: {reason(second.said) or second.said[-300:]}")
        broken += _all(fault, work, project, expected)
    finally:
        project.bucket.proxy.heal()
        fault.end(project)
    outcome: Outcome = "broken" if broken else ("completed" if first.well else "failed, next run completed")
    return Trial(fault.name, work.name, outcome, "" if first.well else why, tuple(broken), time.monotonic() - begin)


def errors(said: str) -> str:
    """What was said from the first line that names an error on."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", said)
    first = re.search(ERROR, plain, flags=re.MULTILINE)
    return plain[first.start() :] if first else ""


def reason(said: str) -> str:
    """The last line that names an error."""
    lines = re.findall(ERROR, errors(said), flags=re.MULTILINE)
    return str(lines[-1]).strip() if lines else ""


def _all(fault: Fault, work: Work, project: Project, expected: Undisturbed) -> list[str]:
    found = _registry(fault, project)
    try:
        left = promises.outputs(work.outputs(project), expected.outputs)
    except Exception as error:  # whatever hinders looking is what was left behind
        left = [f"its outputs cannot be read: {error!r}"]
    return left + _kept(project) + promises.registered(found) + promises.finished(found)


def _kept(project: Project) -> list[str]:
    return promises.cache(project.root / CACHE) + promises.remote(project.bucket.objects())


def _registry(fault: Fault, project: Project) -> registry.Registry:
    return registry.read(project.state, address=fault.registry(project))
