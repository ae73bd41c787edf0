"""Registration: from weights, lock and metrics alone; idempotent; the models load elsewhere and answer."""

import dataclasses
import json
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sar_models.pretrained import sha256_of
from sar_models.settings import Decoding
from tasks import paths, tracking
from tasks.lock import digest_of
from tasks.models import open_model
from tasks.params import Params, load
from tasks.registry import interface
from tasks.registry.register import NAMES, register

pytestmark = pytest.mark.e2e
ROOT = Path(__file__).resolve().parents[3]
OUTSIDE = """
import json, sys
import mlflow
mlflow.set_tracking_uri(sys.argv[1])
image = open(sys.argv[2], "rb").read()
captions = mlflow.pyfunc.load_model("models:/sar-rs-coca@challenger").predict([{"image": image}])
asked = [{"image": image, "question": "Is there a ship?"}, {"image": image, "question": "How many?"}]
answers = mlflow.pyfunc.load_model("models:/sar-gpt@challenger").predict(asked)
rows = [{"image": image}, {"text": "two ships"}, {"text": "a runway"}]
found = mlflow.pyfunc.load_model("models:/sar-rs-clip@challenger").predict(rows)
said = {
    "captions": [row["caption"] for row in captions],
    "answers": [row["answer"] for row in answers],
    "vectors": [row["embedding"] for row in found],
}
import sar_models
print(json.dumps({**said, "code": sar_models.__file__}))
"""


def deps(of: Iterable[str], digests: dict[str, str]) -> list[dict[str, str]]:
    return [{"path": path, "md5": digests[path]} for path in of]


def lock(digests: dict[str, str]) -> str:
    stages = {path: {"deps": deps(READ.get(path, ()), digests), "outs": deps([path], digests)} for path in digests}
    return json.dumps({"schema": "2.0", "stages": stages})


DATA = {"data/optical_text": "1" * 32 + ".dir", "data/sar_text": "2" * 32 + ".dir"}
READ = {
    "models/two_stage/clip": ["data/optical_text", "data/sar_text"],
    "models/two_stage/coca": ["data/optical_text", "data/sar_text"],
    "models/two_stage/gpt": ["data/sar_text", "models/two_stage/clip"],
}
BUILT = ("models/two_stage/clip", "models/two_stage/coca", "models/two_stage/gpt", "metrics/evaluate.json")


def write_lock() -> dict[str, str]:
    """`dvc.lock` of what lies there now."""
    digests = DATA | {path: digest_of(paths.root() / path) for path in BUILT}
    (paths.root() / "dvc.lock").write_text(lock(digests))
    return digests


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Params:
    """A project after `dvc repro`, with untrained weights."""
    from sar_models import gpt_model, model

    for key in ("MLFLOW_TRACKING_URI", "SAR_TEXT_STATE"):
        monkeypatch.delenv(key, raising=False)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / "sources", tmp_path / "sources")
    params = load()
    for kind in ("clip", "coca"):
        made = model.initial(kind, architecture=params.model(kind).architecture, seed=1)
        model.save(made, paths.model("two_stage", kind))
    tower = model.load(paths.model("two_stage", "clip"))
    gpt_model.save(gpt_model.initial(tower, params.gpt.shape, seed=1), paths.model("two_stage", "gpt"))
    entry = {"value": 12.5, "low": 10.0, "high": 15.0, "n": 4}
    names = ("mean_recall", "cider", "coca_mean_recall", "vqa_exact_match")
    measured = {"sar/sim_ships": {"two_stage": dict.fromkeys(names, entry)}}
    paths.metrics("evaluate").parent.mkdir()
    paths.metrics("evaluate").write_text(json.dumps(measured))
    write_lock()
    return params


def test_registering_is_idempotent_and_needs_no_registry_to_begin_with(
    built: Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digests = write_lock()
    first = register(built)
    assert [(found.name, found.version, found.new) for found in first] == [
        ("sar-rs-clip", "1", True),
        ("sar-rs-coca", "1", True),
        ("sar-gpt", "1", True),
    ]
    assert [(found.version, found.new) for found in register(built)] == [("1", False)] * 3

    version = tracking.client().get_model_version_by_alias("sar-rs-clip", "challenger")
    assert version.tags["dvc.weights"] == digests["models/two_stage/clip"]
    assert version.tags["dvc.data.sar"] == DATA["data/sar_text"]
    assert set(json.loads(version.tags["licences"])) == set(built.sources)
    assert tracking.client().get_run(version.run_id).data.metrics == {"sar/sim_ships/mean_recall": 12.5}
    answering = tracking.client().get_model_version_by_alias("sar-gpt", "challenger")
    assert tracking.client().get_run(answering.run_id).data.metrics == {"sar/sim_ships/vqa_exact_match": 12.5}
    assert json.loads(answering.tags["decoding"]) == dataclasses.asdict(built.evaluate.answering)

    from sar_models import model

    model.save(model.initial("clip", architecture=built.clip.architecture, seed=2), paths.model("two_stage", "clip"))
    with pytest.raises(ValueError, match=r"is not what dvc\.lock says: `dvc checkout`"):
        register(built)
    write_lock()
    assert [(found.version, found.new) for found in register(built)] == [("2", True), ("1", False), ("1", False)]

    greedy = dataclasses.replace(built.evaluate, decoding=Decoding(method="greedy"))
    other = register(dataclasses.replace(built, evaluate=greedy))
    assert [(found.version, found.new) for found in other] == [("2", False), ("2", True), ("1", False)]

    monkeypatch.setattr(interface, "VERSION", "later")  # who loads a version can rely on how it is asked
    assert [found.new for found in register(built)] == [True] * 3

    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'other.db'}")  # a new one, or the old one lost
    assert [(found.version, found.new) for found in register(built)] == [("1", True)] * 3


def test_registered_models_load_outside_the_repository_and_answer(built: Params, tmp_path: Path) -> None:
    register(built)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    picture = elsewhere / "harbor.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 50), dtype=np.uint8)).save(picture)
    answer = subprocess.run(
        [sys.executable, "-c", OUTSIDE, tracking.uri(), str(picture)],
        cwd=elsewhere, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    said = json.loads(answer.stdout.splitlines()[-1])
    assert str(ROOT) not in said["code"]
    assert len(said["captions"]) == 1
    assert isinstance(said["captions"][0], str)
    assert len(said["answers"]) == 2
    assert all(isinstance(answer, str) for answer in said["answers"])
    vectors = np.asarray(said["vectors"])
    assert vectors.shape[0] == 3
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    assert not np.allclose(vectors[1], vectors[2])
    stored = [path.suffix for path in (paths.state() / "mlartifacts").rglob("*") if path.is_file()]
    assert ".safetensors" in stored
    for kind, name in NAMES.items():
        opened = open_model(f"models:/{name}@challenger", kind=kind)  # type: ignore[call-overload]
        assert opened.version == sha256_of(paths.model("two_stage", kind) / "model.safetensors")[:12]
    with pytest.raises(ValueError, match="model of kind 'clip'; a gpt model is needed"):
        open_model("models:/sar-rs-clip@challenger", kind="gpt")
    assert not {".pkl", ".pickle", ".pt", ".bin"} & set(stored)


def test_nothing_built_is_said_clearly(built: Params) -> None:
    shutil.rmtree(paths.model("two_stage", "coca"))
    with pytest.raises(ValueError, match=r"is missing: `dvc checkout`"):
        register(built)
    (paths.root() / "dvc.lock").write_text(lock({}))
    with pytest.raises(ValueError, match=r"not in dvc\.lock: run `dvc repro` first"):
        register(built)
    (paths.root() / "dvc.lock").unlink()
    with pytest.raises(ValueError, match="nothing was built yet"):
        register(built)
