"""The gate: is the challenger of one kind of model really better than the champion?

In   the registry (weights and tags of both versions), data/{optical,sar}_text and metrics/validate_*.json of this
     checkout, the data sets that both learned from (by digest, from the DVC cache or remote), sources/
Out  a `Decision`; nothing is written
"""

from typing import TYPE_CHECKING, Any

from tasks import lock, paths
from tasks.gate import checks
from tasks.gate.decision import Decision, Outcome, Reason
from tasks.gate.seen import MODALITIES, Seen, trained_on
from tasks.models import Kind
from tasks.params import Params
from tasks.registry import promote, versions
from tasks.registry.register import ALIAS
from tasks.registry.versions import CHAMPION

if TYPE_CHECKING:
    from tasks.gate.clean import Clean
    from tasks.gate.decision import Measured

LINEAGE, WEIGHTS, ROLLED_BACK, IMAGES = "lineage", "weights", "rolled back", "test images"


def judge(kind: Kind, *, params: Params) -> Decision:
    """Judge the challenger of `kind` (`clip`, `coca`, `gpt`) against the champion, on the current test sets.

    Rules that need no model come first; where one of them fails, no model is asked. What cannot be resolved is a reason
    to refuse. Raises `ValueError` when there is no challenger, or the test sets here cannot be read.
    """
    name = versions.registered_name(kind, params=params)
    number, champion = versions.alias(name, ALIAS), versions.alias(name, CHAMPION)
    if number is None:
        raise ValueError(f"{name} has no @{ALIAS}: `sar-text register` makes what was built one")
    if number == champion:
        already = Reason("champion", True, f"version {number} is the champion already")
        return Decision(name, number, champion, "standing", (already,), (), {})
    contenders = [versions.version(name, each) for each in (number, champion) if each is not None]
    test_sets = {modality: lock.digest_of(paths.text(modality)) for modality in MODALITIES}

    seen: list[Seen] = []
    reasons = _not_rolled_back(name, number)
    for contender in contenders:
        reasons += _weights(contender)
        try:
            seen.append(trained_on(contender.tags))
        except ValueError as error:
            reasons.append(Reason(LINEAGE, False, f"what version {contender.version} learned from: {error}"))
    if len(seen) == len(contenders):
        reasons += checks.all_of(contenders[0].tags, seen[0], params=params)
    metrics: list[Measured] = []
    if all(reason.passed for reason in reasons):
        found, metrics = _compared(kind, contenders, seen, params=params)
        reasons += found
    outcome: Outcome = "passed" if all(reason.passed for reason in reasons) else "refused"
    return Decision(name, number, champion, outcome, tuple(reasons), tuple(metrics), test_sets)


def _not_rolled_back(name: str, number: str) -> list[Reason]:
    """What a person took down does not come back by itself."""
    change = promote.rolled_back(promote.history(name), number)
    if change is None:
        return []
    said = f"version {number} was rolled back by {change.by} on {change.when}: {change.reason}"
    return [Reason(ROLLED_BACK, False, f"{said}; only a person brings it back (`sar-text promote`)")]


def _weights(version: Any) -> list[Reason]:
    """The registry's weights must be those that the version's tag names."""
    from tasks.registry.fetch import fetch

    tag = version.tags.get("dvc.weights")
    found = lock.digest_of(fetch(f"models:/{version.name}/{version.version}"))
    if found == tag:
        return []
    return [Reason(WEIGHTS, False, f"the weights of version {version.version} are {found}, but its tag says {tag}")]


def _compared(
    kind: Kind, contenders: list[Any], seen: list[Seen], *, params: Params
) -> tuple[list[Reason], list["Measured"]]:
    """Ask both models, and apply the rules on numbers."""
    from tasks.evaluate import test_sets, vqa
    from tasks.gate import compare, rules
    from tasks.gate.clean import clean
    from tasks.models import open_model

    tests = clean(test_sets.read(), vqa.read(), seen=seen)
    reasons = _enough(kind, tests, least=params.gate.least_images)
    if not all(reason.passed for reason in reasons):
        return reasons, []
    answered = []
    for version in contenders:
        opened = open_model(f"models:/{version.name}/{version.version}", kind=kind)
        answered.append(compare.statistics(kind, opened.model, tests, params=params))
    if len(answered) == 1:
        headline = compare.HEADLINE[kind]
        other = compare.baseline(kind, answered[0], tests, params=params)
        metrics = compare.measured(answered[0], other, {"sar": {headline: 0.0}}, settings=params.evaluate)
        sar = compare.of_modality(metrics, "sar")
        return [*reasons, rules.better_in_one(sar, [headline], of=f"SAR than {compare.BASELINE[kind]}")], metrics
    guard = params.gate.of(kind)
    margins = {"sar": guard.sar, "optical": guard.optical}
    metrics = compare.measured(answered[0], answered[1], margins, settings=params.evaluate)
    sar, optical = (compare.of_modality(metrics, modality) for modality in ("sar", "optical"))
    reasons += rules.no_worse(sar, guard.sar, of="SAR")
    reasons.append(rules.better_in_one(sar, list(guard.sar), of="SAR"))
    if tests.images(kind)["optical"]:
        reasons += rules.no_worse(optical, guard.optical, of="optical")
    return reasons, metrics


def _enough(kind: Kind, tests: "Clean", *, least: int) -> list[Reason]:
    """Enough test images are left; a modality that asks nothing of SAR-GPT has nothing to forget."""
    reasons = []
    for modality, left in tests.images(kind).items():
        entered = tests.entered(kind)[modality]
        if modality == "optical" and not entered:
            reasons.append(
                Reason(IMAGES, True, "the optical test set asks no question: what is forgotten is not known")
            )
            continue
        text = f"{left} of {entered} {modality} test images are new to every model judged here"
        reasons.append(
            Reason(IMAGES, left >= least, text if left >= least else f"{text}; gate.least_images is {least}")
        )
    return reasons
