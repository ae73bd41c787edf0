"""The rules on numbers: no worse within a margin, surely better in one. Pure functions of paired differences.

`no worse` is a test of non-inferiority: the 95 % interval of challenger minus champion must lie above minus the margin
(Committee for Medicinal Products for Human Use, Guideline on the choice of the non-inferiority margin, 2005). A
difference that is only not shown to be worse, on too few images, so does not pass. `surely better`: above zero.
"""

from collections.abc import Mapping, Sequence

from sar_models.metrics.bootstrap import CONFIDENCE, Interval
from tasks.gate.decision import Reason

NO_WORSE, BETTER = "no worse", "better"


def no_worse(differences: Mapping[str, Interval], margins: Mapping[str, float], *, of: str) -> list[Reason]:
    """A reason for each guarded metric of `margins`; one that was not measured does not pass. `of` names the images."""
    reasons = []
    for metric, margin in margins.items():
        found = differences.get(metric)
        if found is None:
            known = ", ".join(sorted(differences)) or "nothing"
            reasons.append(Reason(NO_WORSE, False, f"{metric} was not measured on {of}; measured: {known}"))
            continue
        passed = found.low > -margin
        ends = "above" if passed else "not above"
        reasons.append(Reason(NO_WORSE, passed, f"{metric} on {of} {shown(found)}: {ends} the margin -{margin:g}"))
    return reasons


def better_in_one(differences: Mapping[str, Interval], metrics: Sequence[str], *, of: str) -> Reason:
    """Whether at least one of `metrics` is surely better."""
    found = {metric: differences[metric] for metric in metrics if metric in differences}
    better = [metric for metric, difference in found.items() if difference.low > 0]
    if better:
        return Reason(BETTER, True, f"surely better on {of}: {_listed(found, better)}")
    return Reason(BETTER, False, f"not surely better on {of} in any of {_listed(found, list(found)) or 'no metric'}")


def shown(difference: Interval) -> str:
    """A difference with its interval and number of images."""
    return (
        f"{difference.value:+.4g} ({CONFIDENCE:.0%} interval {difference.low:+.4g} to {difference.high:+.4g}, "
        f"{difference.n} images)"
    )


def _listed(differences: Mapping[str, Interval], names: Sequence[str]) -> str:
    return ", ".join(f"{name} {shown(differences[name])}" for name in names)
