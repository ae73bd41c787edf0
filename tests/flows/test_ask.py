"""`sar-text caption` and `ask`: a line an image; what cannot be read is listed, what cannot be asked is one line."""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import open_clip
import pytest
import tifffile
from PIL import Image

from flows import cli
from sar_models import gpt_model, infer, model
from sar_models.settings import Answering, Decoding, GptShape, Hardware, Lora

open_clip.add_model_config(Path(__file__).parents[1] / "sar_models" / "micro")
Run = Callable[..., int]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("two_stage")
    for kind in ("clip", "coca"):
        model.save(model.initial(kind, architecture=f"micro_{kind}", seed=2), place / kind)
    tower = model.load(place / "clip")
    gpt_model.save(gpt_model.initial(tower, GptShape("sar_gpt_tiny", "", Lora(), -1), seed=1), place / "gpt")
    return place


@pytest.fixture
def images(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    for name in ("a.png", "b.png"):
        Image.fromarray(random.integers(0, 256, (20, 24), dtype=np.uint8)).save(tmp_path / name)
    tifffile.imwrite(tmp_path / "db.tif", random.normal(-12, 6, (20, 24)).astype(np.float32))
    return tmp_path


@pytest.fixture
def run(models: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command with the micro models; returns its exit code."""

    def command(*arguments: object, named: object = None) -> int:
        whole = ["sar-text", *map(str, arguments), "--model", str(named or models), "--threads", "1"]
        monkeypatch.setattr(sys, "argv", whole)
        try:
            cli.main()
        except SystemExit as ended:
            if isinstance(ended.code, str):  # python prints it and ends with 1
                print(ended.code, file=sys.stderr)
            return ended.code if isinstance(ended.code, int) else 1
        return 0

    return command


def test_caption_is_what_the_model_says(
    run: Run, images: Path, models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("caption", images / "a.png", images / "b.png", "--json") == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    pixels = np.asarray(Image.open(images / "a.png"))[..., None]
    expected = infer.caption(
        model.load(models / "coca"), [pixels], decoding=Decoding("beam"), hardware=Hardware(threads=1)
    )
    assert [line["filepath"] for line in lines] == [str(images / "a.png"), str(images / "b.png")]
    assert lines[0]["caption"] == expected[0]
    assert all(re.fullmatch("[0-9a-f]{12}", line["model"]) for line in lines)
    assert run("caption", images / "a.png", named=models / "coca") == 0
    assert capsys.readouterr().out == f"{images / 'a.png'}\t{expected[0]}\n"


def test_bad_images_are_listed_and_the_others_captioned(
    run: Run, images: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (images / "cut.png").write_bytes((images / "a.png").read_bytes()[:60])
    bad = [images / "cut.png", images / "nowhere.png", images, images / "db.tif"]
    assert run("caption", *bad, images / "b.png") == 3
    said = capsys.readouterr()
    assert said.out.startswith(f"{images / 'b.png'}\t")
    assert len(said.out.splitlines()) == 1
    assert "4 of 5 files were left out:" in said.err
    for reason in ("cut.png: cannot decode", "nowhere.png: No such file", "not a regular file", "give low and high"):
        assert reason in said.err
    assert run("caption", images / "db.tif", "--low", "-25", "--high", "5") == 0


def test_ask_answers_and_refuses(run: Run, images: Path, models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from sar_models.answer import answers

    assert run("ask", images / "a.png", "How many ships?") == 0
    pixels = np.asarray(Image.open(images / "a.png"))[..., None]
    ((expected,),) = answers(
        gpt_model.load(models / "gpt"),
        [pixels],
        [["How many ships?"]],
        answering=Answering(),
        hardware=Hardware(threads=1),
    )
    assert capsys.readouterr().out == f"{expected}\n"
    for image, question, reason in [
        ("a.png", " ", "the question is empty"),
        ("a.png", "ship? " * 333, "the question has .* tokens.*shorten it"),
        ("db.tif", "How many ships?", r"db\.tif: it holds float samples"),
        ("nowhere.png", "How many ships?", r"No such file or directory: .*nowhere\.png"),
    ]:
        assert run("ask", images / image, question) == 1
        said = capsys.readouterr()
        assert said.out == ""
        assert re.search(f"^error: .*{reason}", said.err)


def test_models_that_are_not_there_or_of_another_kind(
    run: Run, images: Path, models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "config.json").write_text("{}")
    (tmp_path / "damaged" / "model.safetensors").write_bytes(b"")
    for command, named, reason in [
        (["caption", images / "a.png"], "nowhere", "nowhere holds no coca model: build the models"),
        (["caption", images / "a.png"], models / "clip", "is a model of kind 'clip'; a coca model is needed"),
        (["ask", images / "a.png", "how many?"], models / "coca", "is a model of kind 'coca'; a gpt model is needed"),
        (["search", "ships", "--in", images], models / "gpt", "is a model of kind 'gpt'; a clip model is needed"),
        (["caption", images / "a.png"], tmp_path / "damaged", "is no description of a model"),
    ]:
        assert run(*command, named=named) == 1
        assert re.search(f"^error: .*{reason}", capsys.readouterr().err)


def test_what_is_searched_for_must_be_words(run: Run, images: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("search", "", "--in", images) == 1
    assert "what is searched for is empty" in capsys.readouterr().err
    assert run("search", "two ships " * 30, "--in", images) == 1
    assert "shorten it" in capsys.readouterr().err
    assert run("search", "ships", "--in", images, "--n", "0") == 1
    assert "--n is 0; it must be at least 1" in capsys.readouterr().err
    assert not (images / ".sar-text").exists()
