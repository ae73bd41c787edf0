"""The first 50 losses of each tiny model, which a change of the engine must not change.

`python tests/sar_models/test_golden_losses.py` writes them anew, for a change that is meant to change them.
"""

import dataclasses
import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import micro_training
import pytest

from sar_models.settings import Training

GOLDEN = Path(__file__).parent / "golden"
STEPS = 50
SETTINGS = Training(
    epochs=10, batch_size=8, learning_rate=0.001, weight_decay=0.1, warmup_steps=10, gradient_clip=1.0, patience=0
)  # 5 steps an epoch
# Batch norms over 8 images amplify rounding, step by step; at this rate other processors stay within the tolerance.
CALM = dataclasses.replace(SETTINGS, learning_rate=0.00005)
ARCHITECTURES = {"clip": "sar_clip_tiny", "coca": "sar_coca_tiny", "gpt": ""}


def losses(kind: str, folder: Path) -> list[dict[str, float]]:
    """Each step's losses by name, and each epoch's on the validation set."""
    found: list[dict[str, float]] = [{} for _ in range(STEPS)]

    def log(metrics: Mapping[str, float], step: int) -> None:
        found[step - 1] |= {name: float(f"{value:.7g}") for name, value in metrics.items() if "/" in name}

    settings = SETTINGS if kind == "gpt" else CALM
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(micro_training.train, "LOG_STEPS", 1)
        micro_training.run(kind, folder, settings=settings, log=log, architecture=ARCHITECTURES[kind])
    return found


@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_the_first_losses_are_those_of_before(kind: str, tmp_path: Path) -> None:
    golden = json.loads((GOLDEN / f"{kind}.json").read_text())
    found = losses(kind, tmp_path)
    assert len(golden) == len(found) == STEPS
    for step, (ours, expected) in enumerate(zip(found, golden, strict=True), start=1):
        scores = {name for name in expected if name.endswith(("mean_recall", "exact_match"))}
        assert {n: v for n, v in ours.items() if n not in scores} == pytest.approx(
            {n: v for n, v in expected.items() if n not in scores}, rel=1e-3
        ), f"step {step}"
    assert golden[-1]["train/loss"] < 0.8 * golden[0]["train/loss"]


if __name__ == "__main__":
    for name in sys.argv[1:] or ARCHITECTURES:
        with tempfile.TemporaryDirectory() as place:
            rows = ",\n".join(json.dumps(row) for row in losses(name, Path(place)))
        (GOLDEN / f"{name}.json").write_text(f"[\n{rows}\n]\n")
