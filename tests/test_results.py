"""The run that the repository shows: two stages above one and none, on every SAR test set, surely."""

import copy
import json
from pathlib import Path

from flows.show import verdict

COMPARED = json.loads((Path(__file__).resolve().parent.parent / "metrics" / "compare.json").read_text())


def test_two_stages_are_above_the_other_variants() -> None:
    assert {"sar/sim_ships", "sar/sim_aircraft", "sar/sim_landcover", "sar/sim_pairs"} <= set(COMPARED)
    assert verdict(COMPARED).startswith("two_stage is above optical and initial on every SAR test set")


def test_a_gain_that_is_not_sure_is_named() -> None:
    unsure = copy.deepcopy(COMPARED)
    unsure["sar/sim_ships"]["two_stage-initial"]["cider"]["low"] = -0.1
    assert verdict(unsure).endswith("in: cider of sar/sim_ships (two_stage-initial)")
