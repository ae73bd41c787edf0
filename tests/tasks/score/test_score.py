"""`sar-text score`: the numbers of the metrics themselves from files, and one clear line for everything doubtful."""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flows import cli
from sar_models.metrics import caption, retrieval

Score = Callable[..., str]

CAPTIONS = {"a.png": "two ships near a pier", "b.png": "an airport, with a runway", "c.png": "dense forest"}
REFERENCES = {
    "c.png": ["a dense forest", "trees"],
    "a.png": ["two ships near the pier", "ships at a pier"],
    "b.png": ["an airport with one runway"],
}


@pytest.fixture
def score(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Score:
    """Runs the command in `tmp_path`; returns what it printed, or the line that it ended with."""
    monkeypatch.chdir(tmp_path)

    def command(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["sar-text", "score", *arguments])
        try:
            cli.main()
        except SystemExit as ended:
            return str(ended.code)
        return capsys.readouterr().out

    return command


def of_captions(score: Score, *options: str, csv: str | bytes | None = None, references: Any = None) -> str:
    text = csv if csv is not None else "image,caption\n" + "".join(f'{k},"{v}"\n' for k, v in CAPTIONS.items())
    Path("c.csv").write_bytes(text.encode() if isinstance(text, str) else text)
    if not isinstance(references, str | bytes):
        references = json.dumps(references if references is not None else REFERENCES)
    Path("r.json").write_bytes(references.encode() if isinstance(references, str) else references)
    return score("--captions", "c.csv", "--references", "r.json", *options)


def world() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Images, texts near them, and the image of each text."""
    random = np.random.default_rng(3)
    images = random.normal(size=(30, 8)).astype(np.float32)
    owner = random.permutation(np.repeat(np.arange(30), 2))
    return images, images[owner] + random.normal(size=(60, 8)).astype(np.float32), owner


def of_embeddings(score: Score, *options: str, **changed: Any) -> str:
    images, texts, owner = world()
    for name, table in (("i.npy", changed.get("images", images)), ("t.npy", changed.get("texts", texts))):
        if isinstance(table, bytes):
            Path(name).write_bytes(table)
        else:
            np.save(name, table, allow_pickle=True)
    lines = [f"{image},{row}" for row, image in enumerate(owner)]
    Path("p.csv").write_text(changed.get("pairs", "image_row,text_row\n" + "\n".join(lines)), encoding="utf-8")
    return score("--image-embeddings", "i.npy", "--text-embeddings", "t.npy", "--pairs", "p.csv", *options)


def values(found: dict[str, Any]) -> dict[str, float]:
    return {name: float(each.value(each.items.sum(axis=0))) for name, each in found.items()}


def test_captions_score_what_the_metrics_give(score: Score) -> None:
    said = json.loads(of_captions(score, "--json"))
    expected = values(caption.statistics(list(CAPTIONS.values()), [REFERENCES[image] for image in CAPTIONS]))
    assert {"bleu_4", "rouge_l", "cider"} <= set(said)
    assert said == pytest.approx(expected, abs=1e-12)


def test_a_byte_order_mark_and_windows_line_ends_change_nothing(score: Score) -> None:
    plain = of_captions(score, "--json")
    text = Path("c.csv").read_text().replace("\n", "\r\n")
    assert of_captions(score, "--json", csv=b"\xef\xbb\xbf" + text.encode()) == plain


def test_embeddings_score_what_the_metrics_give(score: Score) -> None:
    said = json.loads(of_embeddings(score, "--json", "--map"))
    images, texts, owner = world()
    names = [str(row) for row in range(60)]
    found = retrieval.ranks(images, texts, image_of_text=owner, captions=names, precision=True)
    assert said == values(retrieval.statistics(found))
    assert 20 < said["mean_recall"] < 95
    assert {"i2t_map", "t2i_map", "i2t_median_rank", "t2i_ties"} <= set(said)


def test_texts_that_are_the_same_are_right_for_each_other(score: Score) -> None:
    images, texts, owner = np.eye(4), np.eye(4)[[0, 0, 2, 3]], range(4)
    lines = [f"{image},{row},{text}" for row, (image, text) in enumerate(zip(owner, "AaBC", strict=True))]
    for column in (True, False):
        pairs = "image_row,text_row" + ",text" * column + "\n"
        pairs += "\n".join(line if column else line[:3] for line in lines)
        said = json.loads(of_embeddings(score, "--json", images=images, texts=texts, pairs=pairs))
        assert said["t2i_r1"] == (100 if column else 75)
        assert said["strict_t2i_r1"] == 75


def test_half_precision_is_scored_like_single(score: Score) -> None:
    images, texts, _ = world()
    single = json.loads(of_embeddings(score, "--json"))
    half = json.loads(of_embeddings(score, "--json", images=images.astype(np.float16), texts=texts.astype(np.float16)))
    assert half["mean_recall"] == pytest.approx(single["mean_recall"], abs=2)
    assert half["i2t_ties"] == 0


def test_a_table_shows_intervals(score: Score) -> None:
    lines = of_embeddings(score).splitlines()
    assert "95 % interval over 30 images" in lines[0]
    value, low, _, high = next(line for line in lines if line.startswith("mean_recall")).split()[1:]
    assert float(low) <= float(value) <= float(high)
    assert float(low) < float(high)
    assert "cider" in of_captions(score)


def test_a_collapsed_model_and_shuffled_pairs_score_nothing(score: Score) -> None:
    collapsed = json.loads(of_embeddings(score, "--json", images=np.ones((30, 8)), texts=np.ones((60, 8))))
    assert (collapsed["mean_recall"], collapsed["i2t_ties"], collapsed["t2i_ties"]) == (0, 100, 100)
    rows = np.random.default_rng(0).permutation(60)
    pairs = "image_row,text_row\n" + "\n".join(f"{image},{row}" for image, row in zip(world()[2], rows, strict=True))
    shuffled = json.loads(of_embeddings(score, "--json", pairs=pairs))
    chance = np.mean([100 * k / 30 for k in (1, 5, 10)])
    assert abs(shuffled["mean_recall"] - chance) < chance / 2


@pytest.mark.parametrize(
    ("csv", "message"),
    [
        ("image,caption\n", "c.csv has no rows"),
        ("", "c.csv, line 1: the columns must be image,caption, not none"),
        ("image,text\na.png,ships\n", "c.csv, line 1: the columns must be image,caption, not image,text"),
        ("image,caption\na.png,ships\nb.png,ships, two piers\n", "c.csv, line 3: 3 cells for 2 columns"),
        ("image,caption\na.png,ships\nb.png,  \n", "c.csv, line 3: the caption is blank"),
        ("image,caption\n,ships\n", "c.csv, line 2: the image is blank"),
        ('image,caption\na.png,"ships"s\n', "c.csv, line 2: "),
        ("image,caption\na.png,ships\nb.png,x\na.png,y\n", "c.csv, line 4: 'a.png' already has a caption in line 2"),
        ("image,caption\na.png,ships\nz.png,x\n", "c.csv, line 3: 'z.png' has no references in r.json"),
        ("image,caption\na.png,ships\n", "c.csv: no caption for 'c.png' of r.json (2 such images)"),
        ("image,caption\na.png,ships\nb.png,caf\u00e9\n".encode("latin-1"), "c.csv, line 3: not UTF-8"),
        ("image,caption\na.png,ships\n".encode("utf-16"), "c.csv, line 1: not UTF-8"),
    ],
)
def test_doubtful_captions_are_refused(score: Score, csv: str | bytes, message: str) -> None:
    assert message in of_captions(score, csv=csv)


@pytest.mark.parametrize(
    ("references", "message"),
    [
        ({}, "r.json: must be an object"),
        ([["ships"]], "r.json: must be an object"),
        (REFERENCES | {"c.png": []}, "r.json: 'c.png' must have a list of at least one reference"),
        (REFERENCES | {"c.png": "trees"}, "r.json: 'c.png' must have a list"),
        (REFERENCES | {"c.png": ["trees", " "]}, "r.json: reference 2 of 'c.png' is blank"),
        (REFERENCES | {"c.png": [3]}, "r.json: reference 1 of 'c.png' is blank or no text"),
        ('{"a.png": ["x"],\n "a.png": ["y"]}', "r.json: 'a.png' stands twice"),
        ('{"a.png": ["x"],\n oops}', "r.json, line 2: not JSON"),
        ('{"a.png": ["caf\u00e9"]}'.encode("latin-1"), "r.json, line 1: not UTF-8"),
    ],
)
def test_doubtful_references_are_refused(score: Score, references: Any, message: str) -> None:
    assert message in of_captions(score, references=references)


def test_one_image_alone_is_refused(score: Score) -> None:
    one = of_captions(score, csv="image,caption\na.png,ships\n", references={"a.png": ["ships"]})
    assert "c.csv: one image alone" in one
    assert "i.npy: one image alone" in of_embeddings(score, images=np.ones((1, 8)))


def broken(table: np.ndarray, row: int, value: float) -> np.ndarray:
    return np.where(np.arange(len(table))[:, np.newaxis] == row, table.dtype.type(value), table)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"images": broken(world()[0], 7, np.nan)}, "i.npy row 7: the embedding holds NaN or infinity"),
        ({"texts": broken(world()[1], 9, np.inf)}, "t.npy row 9: the embedding holds NaN or infinity"),
        (
            {"texts": broken(world()[1].astype(np.float16), 9, np.inf)},
            "t.npy row 9: the embedding holds NaN or infinity",
        ),
        ({"images": broken(world()[0], 7, 0)}, "i.npy row 7: the embedding holds NaN or infinity, or is all zero"),
        ({"texts": np.ones((60, 9))}, "i.npy has dimension 8, t.npy 9"),
        ({"images": np.array([["x"]], dtype=object)}, "i.npy: cannot be read as a table of numbers"),
        ({"images": np.ones((30, 8), dtype=np.int8)}, "i.npy: holds int8; give float16, float32 or float64"),
        ({"images": np.ones(30)}, "i.npy: must be a table (rows, dimension)"),
        ({"images": np.ones((0, 8))}, "i.npy: must be a table (rows, dimension) with at least one row"),
        ({"images": b"PK\x03\x04"}, "i.npy: not a .npy file"),
        ({"images": b""}, "i.npy: not a .npy file"),
        ({"images": b"\x93NUMPY\x01\x00"}, "i.npy: cannot be read as a table of numbers"),
    ],
)
def test_doubtful_embeddings_are_refused(score: Score, changed: dict[str, Any], message: str) -> None:
    assert message in of_embeddings(score, **changed)


def test_a_file_that_was_cut_off_is_refused(score: Score) -> None:
    np.save("whole.npy", world()[0])
    assert "i.npy: cannot be read" in of_embeddings(score, images=Path("whole.npy").read_bytes()[:-100])


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ("image_row,text_row\n", "p.csv has no rows"),
        ("image_row,text_row\n0,0\n1,0\n", "p.csv, line 3: text row 0 already stands in line 2"),
        ("image_row,text_row\n0,0\n30,1\n", "p.csv, line 3: row 30 is past the end of i.npy, which has 30 rows"),
        ("image_row,text_row\n0,60\n", "p.csv, line 2: row 60 is past the end of t.npy"),
        ("image_row,text_row\n-1,0\n", "p.csv, line 2: '-1' is no row number"),
        ("image_row,text_row\na.png,0\n", "p.csv, line 2: 'a.png' is no row number"),
        ("image_row,text_row\n0,0\n", "p.csv: text row 1 of t.npy has no image (59 such rows)"),
        ("image_row,text_row\n" + "\n".join(f"{n % 29},{n}" for n in range(60)), "i.npy row 29 has no text"),
        ("image_row,text_row,text\n" + "\n".join(f"{n % 30},{n},sea" for n in range(60)), "p.csv: all 60 texts are"),
        ("image_row,text_row,text\n0,0,\n", "p.csv, line 2: the text is blank"),
        ("image_row,text_row,text\n" + "\n".join(f"{n % 30},{n},{n % 59}" for n in range(60)),
         "t.npy row 59 ('0') equals an earlier text but has another embedding"),
    ],
)  # fmt: skip
def test_doubtful_pairs_are_refused(score: Score, pairs: str, message: str) -> None:
    assert message in of_embeddings(score, pairs=pairs)


def test_a_missing_file_and_half_of_the_options_are_refused(score: Score) -> None:
    assert "none.csv" in score("--captions", "none.csv", "--references", "none.json")
    assert "give either" in score("--captions", "none.csv")
    assert "give either" in score("--captions", "c", "--references", "r", "--pairs", "p")
    assert "--map is for embeddings" in score("--captions", "c", "--references", "r", "--map")


def test_large_tables_are_mapped_and_not_read(tmp_path: Path) -> None:
    from tasks.score import files

    table = np.lib.format.open_memmap(tmp_path / "big.npy", mode="w+", dtype=np.float32, shape=(4_000_000, 512))
    del table  # 8 GB, a sparse file
    found = files.embeddings(tmp_path / "big.npy")
    assert isinstance(found.base, np.memmap)
    assert re.fullmatch(r"\(4000000, 512\)", str(found.shape))
