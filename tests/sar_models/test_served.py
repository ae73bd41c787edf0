"""A served model: every bad row is refused with its number and a reason; good rows get an answer each."""

import base64
import io
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from micro_training import micro_gpt
from PIL import Image

from sar_models import infer, model, served
from sar_models.gpt_model import Gpt
from sar_models.model import Model
from sar_models.reading import Reading
from sar_models.served import Asking, answers, captions, embeddings
from sar_models.settings import Answering, Decoding, Hardware

QUICK = Hardware(threads=1)
DECODING = Decoding(max_tokens=4, batch_size=2)
PIXELS = np.random.default_rng(0).integers(0, 256, (20, 24), dtype=np.uint8)


def png(pixels: np.ndarray = PIXELS) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def bomb(side_px: int) -> bytes:
    """A valid PNG header that promises `side_px` squared pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side_px, side_px, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


def tiff(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, pixels)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def clip() -> Model:
    return model.initial("clip", architecture="micro_clip", seed=2)


@pytest.fixture(scope="module")
def coca() -> Model:
    return model.initial("coca", architecture="micro_coca", seed=2)


@pytest.fixture(scope="module")
def gpt() -> Gpt:
    return micro_gpt()


def said(coca: Model, *rows: dict[str, Any], asking: Asking | None = None) -> list[str]:
    found = captions(coca, rows, asking or Asking(hardware=QUICK), decoding=DECODING)
    return [row["caption"] for row in found]


def test_bytes_base64_and_path_give_the_same_caption(coca: Model, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a b.png").write_bytes(png())
    opened = Asking(root=tmp_path, hardware=QUICK)
    wrapped = base64.encodebytes(png()).decode()  # as the program base64 breaks its lines
    rows = [{"image": png()}, {"image": base64.b64encode(png()).decode(), "path": None}, {"image": wrapped},
            {"path": "deep/a b.png", "image": float("nan")}, {"path": str(tmp_path / "deep" / "a b.png")}]  # fmt: skip
    found = said(coca, *rows, {"image": png(255 - PIXELS)}, asking=opened)
    assert len(set(found[:5])) == 1
    assert found[:1] == infer.caption(coca, [PIXELS[..., None]], decoding=DECODING, hardware=QUICK)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({}, "either image .* or path"),
        ({"image": None, "path": float("nan")}, "either image .* or path"),
        ({"image": png(), "path": "a.png"}, "either image .* or path"),
        ({"image": b""}, "empty"),
        ({"image": ""}, "empty"),
        ({"image": "not base64!"}, "not valid base64"),
        ({"image": "data:image/png;base64," + base64.b64encode(png()).decode()}, "not valid base64"),
        ({"image": base64.b64encode(png()).decode()[:-2]}, "not valid base64"),
        ({"image": "bild–ß"}, "not valid base64"),
        ({"image": 7}, "not int"),
        ({"image": [1, 2]}, "not list"),
        ({"image": float("inf")}, "not float"),
        ({"image": b"no image at all"}, "cannot decode"),
        ({"image": png()[: len(png()) // 2]}, "cannot decode"),
        ({"image": bomb(100_000)}, "exceeds limit"),
        ({"image": bomb(12_000)}, "above the limit"),
        ({"image": bomb(1_000)}, "cannot decode"),  # promises more than it holds
        ({"image": tiff(PIXELS.astype(np.float32))}, "float32 samples.*low and high"),
        ({"image": tiff(PIXELS.astype(np.uint16))}, "uint16 samples.*low and high"),
        ({"image": tiff(np.zeros((9, 9, 5), np.uint8))}, "bands"),
        ({"path": "a.png"}, "reads no files"),
    ],
)
def test_a_bad_image_is_refused_with_its_row(coca: Model, row: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=f"^row 1: .*{reason}"):
        said(coca, {"image": png()}, row)


def test_paths_stay_below_the_root(coca: Model, tmp_path: Path) -> None:
    root, secret = tmp_path / "root", tmp_path / "secret.png"
    root.mkdir()
    secret.write_bytes(png())
    (root / "ok.png").write_bytes(png())
    (root / "inside").symlink_to("ok.png")
    (root / "out.png").symlink_to(secret)
    (root / "up").symlink_to("..")
    (root / "loop").symlink_to("loop")
    os.mkfifo(root / "pipe")
    opened = Asking(root=root, hardware=QUICK)
    assert len(said(coca, {"path": "ok.png"}, {"path": "inside"}, {"path": "./ok.png"}, asking=opened)) == 3
    outside = ["../secret.png", str(secret), "out.png", "up/secret.png", "/etc/passwd", "../nowhere.png", "up", "/"]
    refusals = set()
    for path in outside:
        with pytest.raises(ValueError, match="leads out of the folder") as refused:
            said(coca, {"path": path}, asking=opened)
        refusals.add(str(refused.value))
    assert len(refusals) == 1  # what is there and what is not look alike
    for path in ["nowhere.png", ".", "pipe", "loop", "x" * 5000, "ok.png/x", "a\0b", "", 3, "\udcff"]:
        with pytest.raises(ValueError, match=r"^row 0: path ") as refused:
            said(coca, {"path": path}, asking=opened)
        assert str(tmp_path) not in str(refused.value)


def test_low_high_and_bands_say_how_deeper_images_are_shown(coca: Model) -> None:
    decibels = PIXELS / 255 * 30 - 25
    asking = Asking(Reading(-25.0, 5.0), hardware=QUICK)
    assert said(coca, {"image": tiff(decibels.astype(np.float32))}, asking=asking) == said(coca, {"image": png()})
    nothing = np.zeros((20, 24), np.uint8)
    five = np.stack([nothing, nothing, nothing, nothing, PIXELS], axis=-1)
    asking = Asking(Reading(bands=(4,)), hardware=QUICK)
    assert said(coca, {"image": tiff(five)}, asking=asking) == said(coca, {"image": png()})
    with pytest.raises(ValueError, match="do not all exist"):
        said(coca, {"image": png()}, asking=asking)
    for low, high in ((float("nan"), 1.0), (0.0, float("inf"))):
        with pytest.raises(ValueError, match="must be finite"):
            Reading(low, high)


def test_a_question_each_is_answered_alone(gpt: Gpt) -> None:
    rows = [{"image": png(), "question": "Is there a ship?"}, {"image": png(255 - PIXELS), "question": "How many?"}]
    asking, answering = Asking(hardware=QUICK), Answering(max_tokens=4)
    found = answers(gpt, rows, asking, answering=answering)
    assert [list(row) for row in found] == [["answer"], ["answer"]]
    assert found == [answers(gpt, [row], asking, answering=answering)[0] for row in rows]


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        (None, "question is missing"),
        (float("nan"), "question is missing"),
        ("", "question is empty"),
        (" \n", "question is empty"),
        (3, "must be text, not int"),
        (["how many?"], "must be text, not list"),
        ("x" * 2001, "at most 2000"),
        ("ship? " * 333, "shorten it"),
        ("\ud800", "surrogate"),
    ],
)
def test_a_bad_question_is_refused_with_its_row(gpt: Gpt, question: Any, reason: str) -> None:
    rows = [{"image": png(), "question": "Is there a ship?"}, {"image": png(), "question": question}]
    with pytest.raises(ValueError, match=f"^row 1: .*{reason}"):
        answers(gpt, rows, Asking(hardware=QUICK), answering=Answering())


def test_images_and_texts_meet_in_one_space(clip: Model) -> None:
    rows = [
        {"image": png()},
        {"text": "two ships"},
        {"image": png(), "text": "two ships"},
        {"text": "a", "image": None},
    ]
    found = embeddings(clip, rows, Asking(hardware=QUICK))
    picture, text = (np.array(found[number]["embedding"]) for number in (0, 1))
    assert np.linalg.norm(picture) == pytest.approx(1, abs=1e-5)
    assert found[2] == {"similarity": pytest.approx(float(picture @ text), abs=1e-5)}
    assert list(found[3]) == ["embedding"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"question": "is there?"}, "or text"),
        ({"text": ""}, "text is empty"),
        ({"text": "ships " * 100}, "shorten it"),
        ({"text": "a ship", "image": "?"}, "not valid base64"),
        ({"image": png(), "path": "b.png"}, "either image"),
    ],
)
def test_a_bad_row_for_clip_is_refused(clip: Model, row: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=f"^row 1: .*{reason}"):
        embeddings(clip, [{"text": "a ship"}, row], Asking(hardware=QUICK))


def test_a_request_has_rows_but_not_too_many(coca: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="there are no rows"):
        said(coca)
    monkeypatch.setattr(served, "ROWS_LIMIT", 2)
    with pytest.raises(ValueError, match="3 rows are more than the 2"):
        said(coca, *[{"image": png()}] * 3)
