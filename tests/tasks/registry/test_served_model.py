"""`mlflow models serve` on the loopback: good requests are answered, bad ones get status 400 with the reason."""

import base64
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import mlflow
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from sar_models import gpt_model, model
from sar_models.settings import GptShape, Lora
from tasks.registry import interface

ROOT = Path(__file__).resolve().parents[3]
HEADERS = {"Content-Type": "application/json"}
SETTINGS: dict[str, dict[str, Any] | None] = {
    "clip": None, "coca": {"max_tokens": 4, "batch_size": 8}, "gpt": {"max_tokens": 4, "batch_size": 8},
}  # fmt: skip
Post = Callable[..., httpx.Response]


def png(seed: int = 0) -> str:
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 255, (30, 40), dtype=np.uint8)).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of each kind, saved by MLflow."""
    place = tmp_path_factory.mktemp("saved")
    tower = model.initial("clip", architecture="sar_clip_tiny", seed=2)
    model.save(tower, place / "weights" / "clip")
    model.save(model.initial("coca", architecture="sar_coca_tiny", seed=2), place / "weights" / "coca")
    shape = GptShape("sar_gpt_tiny", "", Lora(), -1)
    gpt_model.save(gpt_model.initial(tower, shape, seed=2), place / "weights" / "gpt")
    for kind, settings in SETTINGS.items():
        mlflow.pyfunc.save_model(
            path=place / kind,
            python_model=str(ROOT / "tasks" / "registry" / "served_model.py"),
            artifacts={"weights": str(place / "weights" / kind)},
            code_paths=[str(ROOT / "sar_models")],
            model_config=settings,
            signature=interface.signature(kind),
            input_example=pd.DataFrame(interface.example(kind)),
            pip_requirements=["mlflow"],
        )
    return place


@pytest.fixture(scope="module", params=["clip", "coca", "gpt"])
def loaded(saved: Path, request: pytest.FixtureRequest) -> tuple[str, Any]:
    return request.param, mlflow.pyfunc.load_model(str(saved / request.param))


def test_the_saved_example_is_answered_and_nothing_is_pickled(loaded: tuple[str, Any], saved: Path) -> None:
    kind, served = loaded
    assert list(served.metadata.get_input_schema().input_names()) == list(interface.COLUMNS[kind])
    (answer,) = served.predict(served.input_example)
    assert set(answer) <= set(served.metadata.get_output_schema().input_names())
    assert not {path.suffix for path in (saved / kind).rglob("*")} & {".pkl", ".pickle", ".pt", ".bin"}


def test_bytes_from_python(loaded: tuple[str, Any]) -> None:
    kind, served = loaded
    rest = {"clip": {"text": "a ship"}, "coca": {}, "gpt": {"question": "how many?"}}[kind]
    from_bytes = served.predict([{"image": base64.b64decode(png()), **rest}])
    assert from_bytes == served.predict(pd.DataFrame([{"image": png(), **rest}]))
    with pytest.raises(mlflow.MlflowException, match="row 0: image is not valid base64") as refused:
        served.predict([{"image": "~", **rest}])
    assert refused.value.get_http_status_code() == 400


def test_params_reach_the_images(saved: Path) -> None:
    import tifffile

    served = mlflow.pyfunc.load_model(str(saved / "clip"))
    pixels = np.random.default_rng(3).integers(0, 256, (20, 20), dtype=np.uint8)
    deep, plain = io.BytesIO(), io.BytesIO()
    tifffile.imwrite(deep, (pixels / 255 * 30 - 25).astype(np.float32))
    Image.fromarray(pixels).save(plain, "PNG")
    shown = served.predict([{"image": deep.getvalue()}], params={"low": -25.0, "high": 5.0})
    assert shown == served.predict([{"image": plain.getvalue()}])
    for params, reason in [
        ({"low": 1.0}, "low and high together"), ({"low": 1.0, "high": 1.0}, "must be below"),
        ({"low": float("nan"), "high": 1.0}, "must be finite"), ({"low": "dark", "high": 1.0}, "Invalid parameters"),
        ({"bands": [5]}, "do not all exist"), ({"bands": 0}, "Invalid parameters"), ({"bands": [0, 0, 0, 0]}, "1 to 3"),
    ]:  # fmt: skip
        with pytest.raises(mlflow.MlflowException, match=reason) as refused:
            served.predict([{"image": plain.getvalue()}], params=params)
        assert refused.value.get_http_status_code() == 400


def test_a_root_that_is_no_folder_stops_the_start(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAR_TEXT_SERVE_ROOT", str(saved / "nowhere"))
    with pytest.raises(ValueError, match=r"SAR_TEXT_SERVE_ROOT is .*nowhere, which is no folder"):
        mlflow.pyfunc.load_model(str(saved / "coca"))


@pytest.fixture(scope="module")
def server(saved: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a SAR-GPT served by a process of its own, outside of the repository."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    images = tmp_path_factory.mktemp("images")
    (images / "a.png").write_bytes(base64.b64decode(png()))
    (images.parent / "secret.png").write_bytes(base64.b64decode(png()))
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    process = subprocess.Popen(
        [sys.executable, "-m", "mlflow", "models", "serve", "--env-manager", "local", "--host", "127.0.0.1",
         "--port", str(port), "--model-uri", str(saved / "gpt")],
        cwd=images, env=environment | {"SAR_TEXT_SERVE_ROOT": str(images)}, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=(images.parent / "server.log").open("w"),
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            assert process.poll() is None, (images.parent / "server.log").read_text()
            try:
                httpx.get(f"{address}/ping", timeout=5).raise_for_status()
                break
            except httpx.HTTPError:
                time.sleep(0.5)
        yield address
    finally:
        os.killpg(process.pid, signal.SIGTERM)  # it and its uvicorn: the group is its own
        process.wait(30)


@pytest.fixture
def post(server: str) -> Post:
    def send(body: object, headers: dict[str, str] = HEADERS) -> httpx.Response:
        content = body if isinstance(body, str | bytes) else json.dumps(body)
        return httpx.post(f"{server}/invocations", content=content, headers=headers, timeout=120)

    return send


@pytest.mark.e2e
def test_every_form_of_request_is_answered(post: Post) -> None:
    rows = [{"image": png(), "question": "Is there a ship?"}, {"image": png(1), "question": "How many ships?"}]
    split = {"columns": list(rows[0]), "data": [list(row.values()) for row in rows]}
    answers = [post({"dataframe_records": rows}), post({"inputs": rows}), post({"dataframe_split": split})]
    assert [answer.status_code for answer in answers] == [200] * 3, [answer.text for answer in answers]
    first = answers[0].json()["predictions"]
    assert [list(row) for row in first] == [["answer"]] * 2
    assert all(answer.json()["predictions"] == first for answer in answers)
    mixed = [{"path": "a.png", "question": "Is there a ship?"}, rows[1]]  # the file is the first image
    assert post({"dataframe_records": mixed}).json()["predictions"] == first


QUESTION = "Is there a ship?"
GOOD = {"image": png(), "question": QUESTION}


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("body", "reason"),
    [
        *[({"dataframe_records": [GOOD, row]}, f"row 1: .*{reason}") for row, reason in [
            ({"question": QUESTION}, "either image"),
            ({"image": None, "question": QUESTION}, "either image"),
            ({"image": "", "question": QUESTION}, "empty"),
            ({"image": "~", "question": QUESTION}, "not valid base64"),
            ({"image": png()[:400], "question": QUESTION}, "cannot decode"),
            ({"image": base64.b64encode(b"hello").decode(), "question": QUESTION}, "cannot decode"),
            ({"image": 7, "question": QUESTION}, "image must be"),
            ({"image": {"a": 1}, "question": QUESTION}, "image must be"),
            ({"image": png(), "question": ""}, "question is empty"),
            ({"image": png(), "question": None}, "question is missing"),
            ({"image": png()}, "question is missing"),
            ({"image": png(), "question": 5}, "must be text"),
            ({"image": png(), "question": "x" * 3000}, "at most 2000"),
            ({"image": png(), "question": "ship? " * 333}, "shorten it"),
            ({"path": "../secret.png", "question": QUESTION}, "leads out"),
            ({"path": "/etc/hostname", "question": QUESTION}, "leads out"),
            ({"path": "nowhere.png", "question": QUESTION}, "names no file"),
            ({"path": 3, "question": QUESTION}, "path must be"),
        ]],
        ({"inputs": [{"image": png(), "question": None}]}, "question is missing"),
        ({"inputs": [{"image": png(), "question": "\ud800"}]}, "surrogate"),
        ({"inputs": GOOD | {"question": ""}}, "question is empty"),
        ({"dataframe_records": []}, "there are no rows"),
        ({"dataframe_records": [{"picture": png()}]}, "there are no rows"),
        ({"dataframe_records": "all"}, "list of records"),
        ({"dataframe_records": [GOOD], "params": {"low": "dark"}}, "low"),
        ({"dataframe_records": [GOOD], "params": {"low": 3}}, "together"),
        ({"dataframe_records": [GOOD], "params": [1]}, "dictionary"),
        ('{"dataframe_records": [{"image": NaN, "question": NaN}]}', "question is missing"),
        ('{"dataframe_records": [], "params": {"low": NaN, "high": 1}}', "finite"),
        ({}, "exactly one"),
        ([], "list"),
        ("{", "valid JSON"),
        (b"\xff\xfe", "valid JSON"),
        ("", "valid JSON"),
    ],
)  # fmt: skip
def test_a_bad_request_gets_400_with_the_reason(body: Any, reason: str, post: Post) -> None:
    answer = post(body)
    assert answer.status_code == 400, answer.text
    assert re.search(reason, answer.json()["message"], flags=re.DOTALL), answer.text
    assert "predictions" not in answer.json()


@pytest.mark.e2e
def test_other_kinds_of_content_are_refused(post: Post) -> None:
    assert post("x", {"Content-Type": "image/png"}).status_code == 415
    assert post("image\nx", {"Content-Type": "text/csv"}).status_code == 400


@pytest.mark.e2e
def test_the_curl_of_the_documentation_is_answered(server: str, tmp_path: Path) -> None:
    """Each example of docs/serving.md, with the address of this server in place of its own."""
    text = (ROOT / "docs" / "serving.md").read_text(encoding="utf-8")
    script = re.search(r"<!-- tested -->\n\n((?:    .*\n)+)", text)
    assert script, "docs/serving.md holds a tested example"
    (tmp_path / "harbor.png").write_bytes(base64.b64decode(png()))
    program = script.group(1).replace("http://127.0.0.1:5001", server)
    assert server in program
    answer = subprocess.run(["bash", "-euc", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert list(json.loads(answer.stdout)["predictions"][0]) == ["answer"]
