"""The experiments over seeds: what is laid out, in which order it is built, and what the seeds agree on."""

from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import pytest
import yaml

from benchmarks import experiment_tables, experiments

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    experiments.lay_out(tmp_path / "31", params=ROOT / "params.yaml", seed=31, scale=0.5)
    return tmp_path / "31"


def test_a_seed_is_that_of_world_and_training(folder: Path) -> None:
    assert yaml.safe_load((folder / "params.yaml").read_text())["seed"] == 31
    before, now = (
        yaml.safe_load((root / "sources" / "sim_ships.yaml").read_text())["simulate"] for root in (ROOT, folder)
    )
    assert (now["seed"], now["scenes"]) == (31, before["scenes"] / 2)
    assert before["seed"] != 31
    assert (folder / "long" / "sources" / "sim_ships.yaml").is_file(), "shared with the longer training"


def test_what_is_finished_stays_unless_the_settings_change(folder: Path) -> None:
    finished = folder / experiments.FINISHED / "download sim_ships"
    finished.write_text("12.5")
    experiments.lay_out(folder, params=ROOT / "params.yaml", seed=31, scale=0.5)
    assert experiments.run_all({"31/download sim_ships": set()}, work=folder.parent, lanes=1) == {
        "31/download sim_ships": 12.5
    }
    experiments.lay_out(folder, params=ROOT / "params.yaml", seed=31, scale=0.6)
    assert not finished.exists()


def test_every_stage_comes_after_what_it_reads(folder: Path) -> None:
    """Each training of dvc.yaml is there, none reads what is built later, and text of pairs waits for the captioner."""
    graph = experiments.stages(folder, seed=31)
    order = list(TopologicalSorter(graph).static_order())
    place = {name.removeprefix("31/"): number for number, name in enumerate(order)}
    variants = ("optical", "sar", "two_stage", "long")
    assert {f"train {variant} {kind}" for variant in variants for kind in ("clip", "coca", "gpt")} <= set(place)
    assert place["train optical coca"] < place["pairs sim_pairs"] < place["validate sar"] < place["train sar clip"]
    for variant in variants:
        assert place[f"train {variant} clip"] < place[f"train {variant} gpt"], "which sees through its image tower"
    assert place["train optical gpt"] < place["train two_stage gpt"] < place["evaluate"]


def test_what_seeds_agree_on() -> None:
    def tables(value: float, gain: float, low: float) -> dict[str, Any]:
        values = {name: {"mean_recall": {"value": value + n, "low": 0.0, "high": 9.0, "n": 4}}
                  for n, name in enumerate(("initial", "optical", "sar", "two_stage"))}  # fmt: skip
        gains = {f"two_stage-{name}": {"mean_recall": {"value": gain, "low": low, "high": 9.0, "n": 4}}
                 for name in ("optical", "sar")}  # fmt: skip
        return {
            f"{table}, equal {steps} steps": {"sar/all": found}
            for steps in ("SAR", "total")
            for table, found in (("evaluate", values), ("compare", gains))
        }

    second = tables(14.0, 3.0, -0.5)
    family = "vqa_over_majority_size"  # of which the first world asks nothing
    second["evaluate, equal SAR steps"]["sar/all"]["sar"][family] = {"value": 7.0, "low": 1.0, "high": 9.0, "n": 4}
    agreed = experiment_tables.summary([tables(10.0, 1.0, 0.5), second])
    assert agreed["evaluate, equal SAR steps"]["sar/all"]["sar"][family]["values"] == [7.0]
    assert agreed["evaluate, equal SAR steps"]["sar/all"]["two_stage"]["mean_recall"]["mean"] == 15.0
    gain = agreed["compare, equal total steps"]["sar/all"]["two_stage-sar"]["mean_recall"]
    assert gain == {"mean": 2.0, "sd": 1.4142, "values": [1.0, 3.0], "surely_above_zero": 1}
    row = experiment_tables.markdown(agreed).splitlines()[2]
    assert row.startswith("| sar/all | mean_recall | 12.0 ± 2.8 | 13.0 ± 2.8 | 14.0 ± 2.8 | 14.0 ± 2.8 | 15.0 ± 2.8 |")
    assert row.endswith("| +2.0 ± 1.4 (1 of 2) | +2.0 ± 1.4 (1 of 2) | +2.0 ± 1.4 (1 of 2) |")
