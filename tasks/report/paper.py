"""What the paper claims, and what this run has to say of it.

Claims: He et al., SAR-TEXT, arXiv 2507.18743, abstract: gains in mean recall over the best baseline, and ratios to the
original CoCa. A baseline here is a variant that saw no SAR text; the better one on a test set counts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

BASELINES = ("initial", "optical")
POOLED = "sar/all"
NEAR_ZERO = 0.01  # a score of captions below which a ratio to it says nothing


@dataclass(frozen=True)
class Claim:
    """One sentence of the paper as a number."""

    what: str
    metric: str
    kind: Literal["gain", "ratio"]
    claimed: float  # points, or times
    source: str  # the test set's name begins so; empty: the paper names none for it


CLAIMS = (
    Claim("Mean recall on OSdataset_512, over the best baseline", "mean_recall", "gain", 12.97, "osdataset"),
    Claim("Mean recall on HRSID, over the best baseline", "mean_recall", "gain", 10.0, "hrsid"),
    Claim("BLEU-4 of SAR-RS-CoCa, over the original CoCa", "bleu_4", "ratio", 8.0, ""),
    Claim("CIDEr of SAR-RS-CoCa, over the original CoCa", "cider", "ratio", 10.0, ""),
)


@dataclass(frozen=True)
class Answer:
    """What this run measured beside a claim."""

    claim: Claim
    test_set: str
    n: int
    baseline: str
    value: float | None  # points, or times; null: no ratio to a baseline near zero
    low: float | None
    high: float | None
    verdict: str


def answers(measured: Mapping[str, Any], compared: Mapping[str, Any]) -> list[Answer]:
    """One answer a claim, from the claim's own test set, else from all SAR test images; none without SAR test sets."""
    sets = sorted(name for name in measured if name.startswith("sar/"))
    if not sets:
        return []
    pooled = POOLED if POOLED in sets else sets[0]
    return [_answer(claim, measured, compared, sets=sets, pooled=pooled) for claim in CLAIMS]


def _answer(
    claim: Claim, measured: Mapping[str, Any], compared: Mapping[str, Any], *, sets: list[str], pooled: str
) -> Answer:
    own = [name for name in sets if claim.source and name.startswith(f"sar/{claim.source}")]
    test_set = own[0] if own else pooled
    variants = measured[test_set]
    baseline = max(BASELINES, key=lambda variant: variants[variant][claim.metric]["value"])
    ours, theirs = variants["two_stage"][claim.metric], variants[baseline][claim.metric]
    value: float | None
    low: float | None
    high: float | None
    if claim.kind == "gain":
        gain = compared[test_set][f"two_stage-{baseline}"][claim.metric]
        value, low, high = gain["value"], gain["low"], gain["high"]
    elif theirs["value"] >= NEAR_ZERO:
        value = ours["value"] / theirs["value"]
        low = ours["low"] / theirs["high"]  # the widest that both intervals allow: on the safe side
        high = ours["high"] / theirs["low"] if theirs["low"] > 0 else None
    else:
        value = low = high = None
    return Answer(claim, test_set, ours["n"], baseline, value, low, high, _verdict(claim, value, low, bool(own)))


def _verdict(claim: Claim, value: float | None, low: float | None, own: bool) -> str:
    if value is None or low is None:
        return f"no ratio: the baseline scores below {NEAR_ZERO:g}"
    if low >= claim.claimed:
        reached = "met"
    elif value >= claim.claimed:
        reached = "met, not surely"
    else:
        reached = "not met"
    if own or not claim.source:
        return reached
    return f"not tested: no such images here (on others: {reached})"
