"""The flow that captions a folder takes its parameters from whoever may call an API: they are names, never commands."""

from pathlib import Path

import numpy as np
import open_clip
import pytest
from PIL import Image

from flows.narrate_folder import narrate_folder
from sar_models import model

open_clip.add_model_config(Path(__file__).parents[1] / "sar_models" / "micro")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("two_stage")
    for kind in ("coca", "clip"):
        model.save(model.initial(kind, architecture=f"micro_{kind}", seed=2), place / kind)
    return place


@pytest.mark.parametrize(
    "name", ["; touch hurt", "$(touch hurt)", "`touch hurt`", "--help", "<script>alert(1)<", "a\nb"]
)
def test_a_folder_is_a_name_and_its_files_too(
    name: str, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAR_TEXT_TRACKING", "off")
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).mkdir()
    file = "<img src=x onerror=alert(1)> && touch hurt.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 24), dtype=np.uint8)).save(tmp_path / name / file)
    narrate_folder.fn(name, f"{name} out", model=str(weights))  # relative: a leading dash stays one
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name, f"{name} out"])
    page = (tmp_path / f"{name} out" / "index.html").read_text(encoding="utf-8")
    assert "&lt;img src=x onerror=alert(1)&gt; &amp;&amp; touch hurt.png" in page
    assert "<img src=x" not in page
    assert "<script>alert" not in page


@pytest.mark.parametrize("model_name", ["models:/x@$(touch hurt)", "; touch hurt", "--help"])
def test_a_model_is_a_name_too(model_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAR_TEXT_TRACKING", "off")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    monkeypatch.setenv("SAR_TEXT_STATE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "images").mkdir()
    Image.fromarray(np.zeros((20, 24), dtype=np.uint8)).save(tmp_path / "images/a.png")
    with pytest.raises(ValueError, match=r"touch hurt|--help"):
        narrate_folder.fn("images", "out", model=model_name)
    assert not list(tmp_path.rglob("hurt*"))
