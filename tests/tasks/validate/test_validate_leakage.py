"""Copies and near copies, as sizes and encodings change."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image
from validate_world import scene

from tasks.download.features import features
from tasks.validate import leakage


def image(record_id: str, split: str, pixels: Any, **more: Any) -> dict[str, Any]:
    found = features(pixels[..., np.newaxis])
    return {"record_id": record_id, "split": split, "dhash": found["dhash"], "thumbnail": found["thumbnail"], **more}


def jpeg(pixels: Any, *, quality: int) -> Any:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


def resized(pixels: Any, size: int) -> Any:
    return np.asarray(Image.fromarray(pixels).resize((size, size), Image.Resampling.BILINEAR))


@pytest.mark.parametrize("seed", range(5))
def test_reencoded_and_resized_copies_are_found(seed: int) -> None:
    original = scene(seed, size=256)
    images = [
        image("hrsid/a.png", "test", original),
        image("mix/1.jpg", "train", jpeg(original, quality=70)),
        image("mix/2.png", "val", resized(original, 160)),
        image("mix/3.png", "train", np.clip(original * 0.7 + 20, 0, 255).astype(np.uint8)),
        *(image(f"mix/other{n}.png", "train", scene(1000 + 10 * seed + n, size=256)) for n in range(5)),
    ]
    assert leakage.near_copies(images) == dict.fromkeys(("mix/1.jpg", "mix/2.png", "mix/3.png"), "hrsid/a.png")


def test_likeness_within_a_split_is_no_leak() -> None:
    images = [image(f"a/{n}.png", "train", jpeg(scene(3), quality=60 + n)) for n in range(4)]
    assert leakage.near_copies(images) == {}


def test_flat_images_resemble_nothing() -> None:
    flat = np.full((64, 64), 90, dtype=np.uint8)
    assert leakage.near_copies([image("a", "train", flat), image("b", "test", flat)]) == {}
    assert leakage.near_copies([]) == {}


def test_val_that_yields_to_test_refuses_no_train_image() -> None:
    """a (train) is near v (val) only, v is near t (test): v goes, a may stay."""
    base = np.random.default_rng(0).integers(40, 215, 256)
    step = np.random.default_rng(1).normal(0, 1, 256)

    def shifted(amount: float) -> bytes:
        return np.clip(base + amount * step, 0, 255).astype(np.uint8).tobytes()

    images = [
        {"record_id": name, "split": split, "dhash": "00ff00ff00ff00ff", "thumbnail": shifted(amount)}
        for name, split, amount in (("t", "test", -9.0), ("v", "val", 0.0), ("a", "train", 9.0))
    ]
    assert leakage.near_copies(images) == {"v": "t"}
    assert leakage.near_copies(images[1:]) == {"a": "v"}


def test_hash_must_agree_too() -> None:
    thumbnail = scene(1, size=16).tobytes()
    images = [
        {"record_id": "a", "split": "train", "dhash": "0123456789abcdef", "thumbnail": thumbnail},
        {"record_id": "b", "split": "test", "dhash": "fedcba9876543210", "thumbnail": thumbnail},
    ]
    assert leakage.near_copies(images) == {}
    images[1]["dhash"] = "0123456789abcdee"
    assert leakage.near_copies(images) == {"a": "b"}


def test_exact_copies_keep_test_then_the_smaller_id() -> None:
    images = [
        {"record_id": name, "split": split, "sha256": digest}
        for name, split, digest in (
            ("b", "train", "x"), ("a", "train", "x"), ("z", "test", "x"), ("d", "train", "y"), ("c", "train", "y"),
        )
    ]  # fmt: skip
    assert leakage.exact_copies(images) == {"a": "z", "b": "z", "d": "c"}


def test_blocks_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    images = [
        image(f"i/{n:03}", str(rng.choice(["train", "val", "test"])), jpeg(scene(n % 12), quality=50 + n % 40))
        for n in range(80)
    ]
    whole = leakage.near_copies(images)
    assert whole
    monkeypatch.setattr(leakage, "_PRODUCTS", 7)
    assert leakage.near_copies(images) == whole
