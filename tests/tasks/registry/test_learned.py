"""What weights learned from is what their training read, not what lies here now."""

import json
from pathlib import Path

import pytest

from tasks.registry.learned import learned_from

Stages = dict[str, tuple[dict[str, str], dict[str, str]]]
CLIP, GPT, OPTICAL = "models/two_stage/clip", "models/two_stage/gpt", "models/optical/gpt"


@pytest.fixture
def stages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stages:
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    return {
        "validate@optical": ({}, {"data/optical_text": "o1"}),
        "validate@sar": ({}, {"data/sar_text": "s1"}),
        "pretrain_gpt": ({"data/optical_text": "o1", "models/start": "kept by hand"}, {OPTICAL: "p1"}),
        "finetune@clip": ({"data/optical_text": "o1", "data/sar_text": "s1"}, {CLIP: "c1"}),
        "finetune_gpt": ({"data/sar_text": "s1", OPTICAL: "p1", CLIP: "c1"}, {GPT: "g1"}),
    }


def write(stages: Stages, root: Path) -> None:
    def listed(files: dict[str, str]) -> list[dict[str, str]]:
        return [{"path": path, "md5": md5} for path, md5 in files.items()]

    entries = {name: {"deps": listed(read), "outs": listed(wrote)} for name, (read, wrote) in stages.items()}
    (root / "dvc.lock").write_text(json.dumps({"schema": "2.0", "stages": entries}))


def test_a_data_set_that_was_written_after_the_training_is_not_named(stages: Stages, tmp_path: Path) -> None:
    stages["validate@sar"] = ({}, {"data/sar_text": "s2"})
    stages["validate@optical"] = ({}, {"data/optical_text": "o2"})
    write(stages, tmp_path)
    for weights in (CLIP, GPT):
        assert learned_from(weights) == {"data/optical_text": "o1", "data/sar_text": "s1"}


def test_the_nearest_training_before_it_says_what_its_own_does_not(stages: Stages, tmp_path: Path) -> None:
    stages["finetune@clip"] = ({"data/optical_text": "o0", "data/sar_text": "s0"}, {CLIP: "c1"})
    write(stages, tmp_path)
    assert learned_from(GPT) == {"data/optical_text": "o1", "data/sar_text": "s1"}


def test_weights_of_a_parent_that_is_gone_from_the_lock_are_refused(stages: Stages, tmp_path: Path) -> None:
    stages["pretrain_gpt"] = ({"data/optical_text": "o2"}, {OPTICAL: "p2"})
    write(stages, tmp_path)
    with pytest.raises(ValueError, match=r"trained from another models/optical/gpt \(p1\) than dvc\.lock has \(p2\)"):
        learned_from(GPT)
    del stages["pretrain_gpt"], stages["finetune@clip"]
    write(stages, tmp_path)
    with pytest.raises(ValueError, match=r"does not say which data/optical_text models/two_stage/gpt learned from"):
        learned_from(GPT)
