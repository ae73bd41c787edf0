"""Pictures and tokens out of files: the same as without, whatever was damaged or changed, in little memory."""

import hashlib
import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from sar_models import data, pixel_cache, token_cache
from sar_models.shards import ShardReader
from sar_models.tokenizer import Tokenizer

TOKENIZER = Tokenizer(vocab_size=600, context_length=16)


def stored(folder: Path, count: int, *, seed: int = 0, side_px: int = 24) -> list[dict[str, Any]]:
    """Grey and coloured PNGs in one shard, as rows of a caption table."""
    random = np.random.default_rng(seed)
    shard = folder / "made" / "shards" / "0.tar"
    shard.parent.mkdir(parents=True, exist_ok=True)
    rows, data = [], b""
    for number in range(count):
        shape = (side_px, side_px, 3) if number % 3 == 2 else (side_px, side_px)
        buffer = io.BytesIO()
        Image.fromarray(random.integers(0, 256, shape, dtype=np.uint8)).save(buffer, "PNG")
        png = buffer.getvalue()
        place = {"record_id": f"made/{number:04}", "source": "made", "shard": shard.name, "offset": len(data),
                 "length": len(png), "sha256": hashlib.sha256(png).hexdigest(), "low": [0.0], "high": [255.0],
                 "channels": None}  # fmt: skip
        rows += [
            {**place, "caption_id": f"{number}#{caption}", "text": f"{caption} ships, {number}"} for caption in (0, 1)
        ]
        data += png
    shard.write_bytes(data)
    return rows


def examples(rows: list[dict[str, Any]], folder: Path, *, cache: Path | None, size_px: int = 16) -> data.Examples:
    with ShardReader(folder) as reader:
        return data.examples(
            rows, open_picture=reader.picture, tokenizer=TOKENIZER, image_size_px=size_px, threads=2, cache=cache
        )


def unexpected(place: Mapping[str, Any]) -> np.ndarray:
    raise AssertionError("it was decoded already")


def caches(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_dir())


def test_batches_are_those_without_a_cache(tmp_path: Path) -> None:
    rows = stored(tmp_path, 20)
    plain, cached = (examples(rows, tmp_path, cache=cache) for cache in (None, tmp_path / "cache"))
    assert {picture.shape[0] for picture in cached.pictures} == {1, 3}
    for epoch in range(2):
        for ours, theirs in zip(
            *(data.batches(each, batch_size=4, seed=1, epoch=epoch) for each in (cached, plain)), strict=True
        ):
            assert ours.record_ids == theirs.record_ids
            assert torch.equal(ours.images, theirs.images)
            assert torch.equal(ours.text["tokens"], theirs.text["tokens"])


def test_what_was_decoded_once_is_not_decoded_again(tmp_path: Path) -> None:
    rows = stored(tmp_path, 5)
    first = examples(rows, tmp_path, cache=tmp_path / "cache")
    again = data.examples(
        rows, open_picture=unexpected, tokenizer=TOKENIZER, image_size_px=16, threads=1, cache=tmp_path / "cache"
    )
    assert all(np.array_equal(a, b) for a, b in zip(first.pictures, again.pictures, strict=True))
    assert np.array_equal(first.tokens, again.tokens)


def test_what_gives_other_pixels_or_tokens_is_another_cache(tmp_path: Path) -> None:
    rows = stored(tmp_path, 5)
    cache = tmp_path / "cache"
    examples(rows, tmp_path, cache=cache)
    assert len(caches(cache)) == 2, "pictures, tokens"
    examples(rows, tmp_path, cache=cache, size_px=8)
    assert len(caches(cache)) == 3
    examples([{**row, "high": [128.0]} for row in rows], tmp_path, cache=cache)
    assert len(caches(cache)) == 4
    examples([{**row, "text": row["text"] + "!"} for row in rows], tmp_path, cache=cache)
    assert len(caches(cache)) == 5
    examples(stored(tmp_path, 5, seed=1), tmp_path, cache=cache)
    assert len(caches(cache)) == 6, "other bytes at the same places"


def test_bytes_that_are_not_the_records_are_refused(tmp_path: Path) -> None:
    """Else their pictures would be kept under the digest of others."""
    rows = stored(tmp_path, 5)
    stored(tmp_path, 5, seed=1)
    with pytest.raises(ValueError, match=r"made/0000: the bytes in 0\.tar are not .*dvc repro download@made"):
        examples(rows, tmp_path, cache=tmp_path / "cache")
    assert len(caches(tmp_path / "cache")) <= 2, "the tokens, and what is not finished"


def test_a_place_without_digest_is_named(tmp_path: Path) -> None:
    rows = [{**row, "sha256": None} for row in stored(tmp_path, 2)]
    with pytest.raises(ValueError, match=r"made/0000 does not tell the sha256 .*pixel_cache to false"):
        examples(rows, tmp_path, cache=tmp_path / "cache")


def test_damage_is_noticed_and_mended(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows, cache = stored(tmp_path, 12), tmp_path / "cache"
    whole = [picture.copy() for picture in examples(rows, tmp_path, cache=cache).pictures]
    (planes,) = cache.glob(f"*/{pixel_cache.PLANES}")
    (tokens,) = cache.glob(f"*/{token_cache.TOKENS}")
    for path in (planes, tokens):
        path.write_bytes(path.read_bytes()[:-1] + b"\x55")
    again = examples(rows, tmp_path, cache=cache)
    assert capsys.readouterr().err.count("is damaged: it is built again") == 2
    assert all(np.array_equal(a, b) for a, b in zip(again.pictures, whole, strict=True))


def test_cut_captions_are_counted_from_the_cache_too(tmp_path: Path) -> None:
    texts = ["a ship", " ".join("abcdefghijklmnopqrst"), "a ship"]
    for _ in range(2):
        assert token_cache.tokenised(texts, tokenizer=TOKENIZER, folder=tmp_path).cut.tolist() == [False, True, False]


def own_memory_bytes() -> int:
    """Of this process, without the pages of files, which the system drops when it needs them."""
    status = Path("/proc/self/status").read_text()
    (kib,) = re.findall(r"RssAnon:\s+(\d+) kB", status)
    return int(kib) * 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's count of a process's own memory")
def test_neither_building_nor_reading_holds_the_pictures_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """96 MiB of pictures, with 24 MiB to spare."""
    monkeypatch.setattr(pixel_cache, "TOGETHER", 8)
    side_px, count = 1024, 96
    places = [{"record_id": str(number), "sha256": str(number)} for number in range(count)]

    class Drawn(list):  # type: ignore[type-arg]
        def __getitem__(self, number):
            return np.full((1, side_px, side_px), number, np.uint8)

    before = own_memory_bytes()
    kept = pixel_cache.cached(places, Drawn(places), size_px=side_px, threads=1, folder=tmp_path)
    assert sum(int(kept[number][0, 0, 0]) for number in range(count)) == sum(range(count))
    assert sum(int(picture.max()) for picture in kept) == sum(range(count)), "every page"
    assert own_memory_bytes() - before < 24 * 2**20
