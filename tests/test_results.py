"""The run that the repository shows: two stages above one and none, on every SAR test set, surely."""

import copy
import json
from pathlib import Path

import pytest

from flows.show import results_markdown, verdict

ROOT = Path(__file__).resolve().parent.parent
COMPARED = json.loads((ROOT / "metrics" / "compare.json").read_text())


@pytest.mark.parametrize("folder", [".", "runs/real"])
def test_the_readme_shows_the_committed_run(folder: str) -> None:
    """`sar-text results --markdown` and `sar-text results real --markdown` print the two tables."""
    measured, compared = (json.loads((ROOT / folder / "metrics" / f"{name}.json").read_text())
                          for name in ("evaluate", "compare"))  # fmt: skip
    assert results_markdown(measured, compared) in (ROOT / "README.md").read_text()


def test_two_stages_are_above_the_other_variants() -> None:
    assert {"sar/sim_ships", "sar/sim_aircraft", "sar/sim_landcover", "sar/sim_pairs"} <= set(COMPARED)
    assert verdict(COMPARED).startswith("two_stage is above optical and initial on every SAR test set")


@pytest.mark.parametrize("metric", ["mean_recall", "cider", "vqa_exact_match"])
def test_a_gain_that_is_not_sure_is_named(metric: str) -> None:
    unsure = copy.deepcopy(COMPARED)
    unsure["sar/sim_ships"]["two_stage-initial"][metric]["low"] = -0.1
    assert verdict(unsure).endswith(f"in: {metric} of sar/sim_ships (two_stage-initial)")


def test_a_test_set_without_questions_is_judged_by_the_rest() -> None:
    silent = copy.deepcopy(COMPARED)
    for gains in silent["sar/sim_ships"].values():
        del gains["vqa_exact_match"]
    assert verdict(silent) == verdict(COMPARED)
