"""A decision, and how it stands on a version of a registered model."""

import json
from dataclasses import asdict, dataclass
from typing import Any, Literal

from sar_models.metrics.bootstrap import Interval
from tasks import tracking
from tasks.registry.promote import AGAINST, DECISION, PASSED

JUDGING = "judging"  # stands there while the rest is written: an interrupted writer leaves no decision
NOBODY = "no champion"

Outcome = Literal["passed", "refused", "standing"]


@dataclass(frozen=True)
class Reason:
    """What one rule says, in a sentence with its numbers."""

    rule: str
    passed: bool
    text: str


@dataclass(frozen=True)
class Measured:
    """One metric of both models on the same images."""

    test_set: str  # sar | optical
    metric: str
    challenger: float
    other: float  # the champion; without one, where training started from, or the baseline
    difference: Interval  # challenger minus other, paired
    margin: float | None  # guarded with; null: only reported


@dataclass(frozen=True)
class Decision:
    """What the gate says of the challenger of one registered model."""

    name: str
    version: str
    against: str | None  # the champion's version; null: there is none
    outcome: Outcome  # standing: the challenger is the champion already, and nothing was judged
    reasons: tuple[Reason, ...]
    metrics: tuple[Measured, ...]
    test_sets: dict[str, str]  # modality → DVC digest of the text whose test set was used

    @property
    def passed(self) -> bool:
        return self.outcome == PASSED

    def text(self) -> str:
        """For people: a line for the outcome, and one for each reason."""
        other = f"the champion, version {self.against}" if self.against else NOBODY
        lines = [f"{self.name} version {self.version} against {other}: {self.outcome}"]
        return "\n".join([*lines, *(f"  {'+' if reason.passed else '-'} {reason.text}" for reason in self.reasons)])

    def plain(self) -> dict[str, Any]:
        """As JSON takes it."""
        return asdict(self) | {"passed": self.passed}


def record(decision: Decision) -> None:
    """Write `decision` on its version: `gate.*` tags, `gate.decision` last.

    One that is broken off leaves `gate.decision` at `judging`; the next one overwrites all of it.
    """
    assert decision.outcome != "standing", "nothing was judged"
    plain = decision.plain()
    client = tracking.client()
    client.set_model_version_tag(decision.name, decision.version, DECISION, JUDGING)
    client.set_model_version_tag(decision.name, decision.version, AGAINST, decision.against or NOBODY)
    for key in ("reasons", "metrics", "test_sets"):
        text = json.dumps(plain[key], ensure_ascii=False, sort_keys=True)
        client.set_model_version_tag(decision.name, decision.version, f"gate.{key}", text)
    client.set_model_version_tag(decision.name, decision.version, DECISION, decision.outcome)
