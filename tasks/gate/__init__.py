"""Whether a challenger becomes the champion: `judge` says so with its reasons, `record` writes them on the version."""

from tasks.gate.decide import judge
from tasks.gate.decision import Decision, Reason, record

__all__ = ["Decision", "Reason", "judge", "record"]
