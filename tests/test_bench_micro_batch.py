"""The benchmark of micro batches, at a size of seconds: the memory of a step follows the micro batch, not the batch."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SMALL = {  # activations weigh more than weights
    "embed_dim": 32,
    "vision_cfg": {"image_size": 64, "layers": 4, "width": 64, "head_width": 16, "patch_size": 8},
    "text_cfg": {"context_length": 16, "vocab_size": 800, "width": 32, "heads": 2, "layers": 1},
}
STEP = """
import json, open_clip
open_clip.add_model_config({folder!r})
from benchmarks.micro_batch import one_step
print(json.dumps(one_step("small", batch={batch}, micro_batch={micro_batch})))
"""


def peak_bytes(folder: Path, batch: int, micro_batch: int) -> float:
    program = STEP.format(folder=str(folder), batch=batch, micro_batch=micro_batch)
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return float(json.loads(done.stdout)["peak_bytes"])


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of the resident memory is read from /proc")
def test_a_batch_of_eight_micro_batches_takes_little_more_than_one(tmp_path: Path) -> None:
    (tmp_path / "small.json").write_text(json.dumps(SMALL))
    plain, cached, whole = (peak_bytes(tmp_path, *size) for size in ((64, 0), (512, 64), (512, 0)))
    assert cached < 1.5 * plain, "the images and features of the batch are there besides"
    assert whole > 3 * cached, "the same batch at once takes more, so what is measured is its memory"
