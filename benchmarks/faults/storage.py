"""Faults of the S3 storage: of the server, of the credentials, of an object."""

from random import Random

from benchmarks.faults.commands import Ended
from benchmarks.faults.project import Project
from benchmarks.faults.proxy import Kind
from benchmarks.faults.trial import Fault, Undisturbed, again
from benchmarks.faults.works import DOWNLOAD, PULL, PUSH, WATCH, Work

WORKS = (DOWNLOAD, WATCH, PUSH, PULL)
MOST_BAD = 12  # requests, where the server recovers


def faults() -> list[Fault]:
    went_on = "A few bad answers are not seen; where they last: "
    return [
        _server("S3 answers 500", "500", "500|Internal", went_on + "`answered 500 InternalError`."),
        _server("S3 answers 503 slow-down", "503", "503|SlowDown|reduce", went_on + "`answered 503 SlowDown`."),
        _server(
            "S3 drops connections", "drop", "cannot reach|[Cc]onnection|closed", went_on + "`cannot reach http://…`."
        ),
        _server(
            "S3 truncates bodies", "truncate", "truncated|IncompleteRead|[Pp]ayload|hash|parse|[Cc]onnection",
            went_on + "`is truncated: bytes … ended after …`.",
        ),
        _server("S3 returns a wrong ETag", "etag", "changed while|hash", "Nothing: the digest is what counts."),
        Fault(
            "expired credentials", WORKS, _expired, "ExpiredToken|HeadObject operation: Bad Request",
            "`ExpiredToken`; of `dvc push` and `pull` often only `HeadObject operation: Bad Request`, for S3 gives no "
            "reason where DVC asks whether an object is there.",
            "Renew them (`AWS_PROFILE`, `AWS_ACCESS_KEY_ID`, …), then the same command again.",
        ),
        Fault(
            "a corrupted object in the remote", (PULL,), _damaged_object, "failed to pull data",
            "`dvc pull` throws it away and says `Checkout failed for following targets`, with the outputs that need "
            "it; `sar-text audit MODEL@challenger --verify` names the object.",
            "`dvc push` from a machine that has the data, then the same command again.", again=_push_again,
        ),
    ]  # fmt: skip


def _server(name: str, kind: Kind, says: str, looks: str) -> Fault:
    def disturb(project: Project, work: Work, rng: Random, expected: Undisturbed) -> Ended:
        lasting = rng.random() < 0.5
        return _struck(project, work, rng, expected, kind, None if lasting else rng.randint(1, MOST_BAD))

    return Fault(name, WORKS, disturb, says, looks)


def _expired(project: Project, work: Work, rng: Random, expected: Undisturbed) -> Ended:
    return _struck(project, work, rng, expected, "expired", None)


def _struck(project: Project, work: Work, rng: Random, expected: Undisturbed, kind: Kind, left: int | None) -> Ended:
    """From a random request of the work on."""
    proxy = project.bucket.proxy
    proxy.strike(kind, spared=rng.randrange(expected.requests), left=left)
    ended = work.run(project)
    struck = proxy.struck
    proxy.heal()
    assert struck, f"{work.name} made fewer requests than without a fault, so nothing was tried"
    return ended


def _damaged_object(project: Project, work: Work, rng: Random, _: Undisturbed) -> Ended:
    objects = {key: content for key, content in project.bucket.objects().items() if key.startswith("dvc/files/")}
    key = rng.choice(sorted(objects))
    project.bucket.put(key, flipped(objects[key], rng))
    return work.run(project)


def _push_again(project: Project, work: Work) -> Ended:
    project.bucket.restore()
    return again(project, work)


def flipped(content: bytes, rng: Random) -> bytes:
    """With one bit turned over."""
    changed = bytearray(content)
    changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)
