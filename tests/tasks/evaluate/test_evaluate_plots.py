import io

import numpy as np
import pytest
from evaluate_world import changed
from PIL import Image

from sar_models.metrics.bootstrap import Interval
from tasks.evaluate import plots, samples, test_sets
from tasks.evaluate.predict import Pictures

VARIANTS = ("initial", "optical", "sar", "two_stage")
CURVE = [{"epoch": e, "step": e, "train_loss": 3 / e, "val_loss": 3.2 / e} for e in (1, 2, 3)]
TRAININGS = {
    (stage, kind): {"curve": CURVE, "best_epoch": 3, "best_val_loss": CURVE[2]["val_loss"]}
    for kind in ("clip", "coca", "gpt")
    for stage in ("optical", "two_stage", "sar")
}


def table(value: float) -> dict:
    return {
        name: {
            variant: {"cider": Interval(value + i, value, value + 2 * i + 1, 9)} for i, variant in enumerate(VARIANTS)
        }
        for name in ("optical/sim_optical", "sar/all", "sar/real_ships")
    }


def test_plots_are_byte_equal_and_show_their_numbers(project, tmp_path):
    for name, value in (("a.png", 1.0), ("b.png", 1.0), ("c.png", 2.0)):
        plots.bars(tmp_path / name, table(value), metric="cider", title="Captioning", axis="CIDEr")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert (tmp_path / "a.png").read_bytes() != (tmp_path / "c.png").read_bytes()


def test_a_baseline_is_a_line_where_its_value_is(project, tmp_path):
    asked = table(40.0)
    for name, value in (("none.png", None), ("low.png", 20.0), ("high.png", 30.0)):
        for variants in asked.values():
            for metrics in variants.values():
                metrics["majority"] = Interval(value or 0.0, 0, 99, 9)
        line = {} if value is None else {"line": "majority", "line_label": "majority"}
        plots.bars(tmp_path / name, asked, metric="cider", title="Answers", axis="exact match [%]", **line)
    drawn = {path.name: path.read_bytes() for path in tmp_path.glob("*.png")}
    assert len(set(drawn.values())) == 3


def test_plots_carry_no_software_and_no_date(project, tmp_path):
    plots.learning_curves(tmp_path / "curves.png", TRAININGS)
    with Image.open(tmp_path / "curves.png") as image:
        assert not {"Software", "Creation Time", "date"} & set(image.info)
        assert np.asarray(image).std() > 0


def test_a_user_style_changes_nothing(project, tmp_path, monkeypatch):
    import matplotlib

    plots.learning_curves(tmp_path / "a.png", TRAININGS)
    with matplotlib.rc_context({"axes.facecolor": "black", "savefig.dpi": 30}):
        plots.learning_curves(tmp_path / "b.png", TRAININGS)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_simulated_sources_are_named_so(project):
    assert plots.simulated("sar/sim_pairs")
    assert not plots.simulated("sar/real_ships")


def test_samples_take_the_sources_in_turn(project):
    pool = test_sets.read()
    for count in (2, 6, 100):
        chosen = samples.choose(pool, count, seed=1)
        assert chosen == samples.choose(pool, count, seed=1)
        assert {pool.modalities[image] for image in chosen} == {"sar"}
        assert len(set(chosen)) == len(chosen) == min(count, 10)
    sources = [pool.images[image]["source"] for image in samples.choose(pool, 4, seed=1)]
    assert sorted(sources) == ["real_ships", "real_ships", "sim_pairs", "sim_pairs"]


@pytest.mark.filterwarnings("error")
def test_the_page_shows_whatever_a_model_says(project, tmp_path):
    pool = test_sets.read()
    said = ["", "$x^2$ 100 %", "图像 \x07 é", "word " * 200, "w" * 300] * 3
    captions = dict.fromkeys(VARIANTS, said)
    with Pictures(pool, hardware=project.hardware) as pictures:
        samples.write(
            tmp_path / "page.png", pool, pictures, captions, settings=changed(project, sample_images=6).evaluate
        )
    with Image.open(io.BytesIO((tmp_path / "page.png").read_bytes())) as image:
        assert image.height > 900


def test_no_page_without_sar_images(project, tmp_path):
    pool = test_sets.read(["optical"])
    with Pictures(pool, hardware=project.hardware) as pictures:
        samples.write(tmp_path / "page.png", pool, pictures, {}, settings=project.evaluate)
    assert not (tmp_path / "page.png").exists()
