"""Text statistics: against numbers counted by hand, and against a slow self-BLEU of the plain definition."""

import json
import os
import random
import subprocess
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tasks.validate import reference, statistics
from tasks.validate.statistics import measure, self_bleu, words

WORDS = [f"w{n}" for n in range(30)]


def captions(count: int, *, seed: int = 1) -> list[str]:
    dice = random.Random(seed)
    return [" ".join(dice.choices(WORDS, k=dice.randint(1, 14))) for _ in range(count)]


def test_words_are_lower_case_with_what_joins_them() -> None:
    assert words("A T-72 tank, 0.5 m; it's (seen).") == ["a", "t-72", "tank", "0.5", "m", "it's", "seen"]
    assert words(" – , . ") == []


def test_shares_of_identical_captions() -> None:
    texts = ["A ship.", "a ship", "Two ships.", "Two ships.", "One tank."]
    found = measure(texts, images=["i", "i", "i", "j", "j"], detailed=[False, False, True, True, True])
    assert found["identical_share"] == 0.8  # the first two are the same words
    assert found["identical_between_images_share"] == 0.4
    assert found["identical_between_images_share_detailed"] == round(2 / 3, 4)
    assert measure(texts, images=list("abcde"), detailed=[False] * 5)["identical_between_images_share_detailed"] is None


def test_lengths_and_vocabulary() -> None:
    found = measure(["one two three", "two", "three four five six"], images=list("abc"), detailed=[False] * 3)
    assert (found["captions"], found["words"], found["words_mean"], found["vocabulary"]) == (3, 8, 2.67, 6)
    assert (found["words_p5"], found["words_p95"]) == (1.2, 3.9)
    assert set(found["vocabulary_at"].values()) == {None}
    assert found["self_bleu_4"] is None


def test_growth_is_measured_on_equal_amounts(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["12 tanks 13", "tanks 12 tanks", "7 tanks"]
    orders = [np.random.default_rng(statistics.SEED + number).permutation(3) for number in range(statistics.ORDERS)]
    told = [["12", "tanks", "13"], ["tanks", "12", "tanks"], ["7", "tanks"]]
    for amount in (4, 6):
        monkeypatch.setattr(statistics, "AMOUNTS", (amount,))
        found = measure(texts, images=list("abc"), detailed=[False] * 3)
        vocabularies, shares = [], []
        for order in orders:
            left, pieces = amount, []
            for number in order:
                pieces.append(told[number][:left])
                left -= len(pieces[-1])
            pairs = [pair for piece in pieces for pair in pairwise(piece)]
            vocabularies.append(len({word for piece in pieces for word in piece}))
            shares.append(len(set(pairs)) / len(pairs))
        assert found["vocabulary_at"][str(amount)] == round(np.mean(vocabularies))
        assert found["distinct_2_at"][str(amount)] == pytest.approx(np.mean(shares), abs=1e-4)
    assert found["vocabulary_at_no_numbers"]["6"] == 2


def _plain_self_bleu(captions: list[list[str]]) -> float:
    scores = []
    for number, own in enumerate(captions):
        others = captions[:number] + captions[number + 1 :]
        logs = 0.0
        for n in range(1, 5):
            grams = Counter(zip(*(own[k:] for k in range(n)), strict=False))
            best = Counter[tuple[str, ...]]()
            for other in others:
                best |= Counter(zip(*(other[k:] for k in range(n)), strict=False))
            matches = sum((grams & best).values())
            logs += 0.25 * np.log((matches + 1e-15) / (grams.total() + 1e-9))
        closest = min((abs(len(other) - len(own)), len(other)) for other in others)[1]
        scores.append(np.exp(min(0.0, 1 - closest / len(own)) + logs))
    return float(np.mean(scores))


def test_self_bleu_is_the_plain_definition() -> None:
    split = [text.split() for text in captions(120)]
    assert self_bleu(split) == pytest.approx(_plain_self_bleu(split), abs=1e-4)
    assert self_bleu([["a", "b", "c", "d", "e"]] * 3) == pytest.approx(1, abs=1e-6)


def test_a_repeated_caption_is_less_varied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "SAMPLE", 200)
    varied, same = captions(300), captions(3) * 100
    found = [measure(texts, images=[str(n) for n in range(300)], detailed=[True] * 300) for texts in (varied, same)]
    assert found[0]["self_bleu_4"] < found[1]["self_bleu_4"]
    assert found[0]["identical_between_images_share"] < 0.1 < found[1]["identical_between_images_share"] == 1


def test_no_word_is_a_clear_error() -> None:
    with pytest.raises(ValueError, match="no caption holds a word"):
        measure(["–", ""], images=["a", "b"], detailed=[False, False])


def test_reference_reads_both_layouts(tmp_path: Path) -> None:
    (tmp_path / "train_caps.txt").write_text("".join(f"a ship {n} .\n" for n in range(10)))
    (tmp_path / "train_filename.txt").write_text("a.jpg\nb.jpg\n")
    (tmp_path / "test_caps.txt").write_text("a ship 0 .\n \n" + "one tank .\n" * 3)
    (tmp_path / "test_filename.txt").write_text("c.jpg\n" * 5)
    found = reference.of_set(tmp_path)
    assert (found["captions"], found["identical_between_images_share"]) == (14, round(2 / 14, 4))
    (tmp_path / "test_filename.txt").write_text("c.jpg\n" * 4)
    with pytest.raises(ValueError, match="5 test captions do not fit 4 file names"):
        reference.of_set(tmp_path)
    (tmp_path / "test_filename.txt").unlink()
    with pytest.raises(ValueError, match="point SAR_TEXT_MIRROR"):
        reference.of_set(tmp_path)


def test_the_stored_reference_is_human_text_and_names_its_source() -> None:
    stored = json.loads((Path(statistics.__file__).parent / statistics.REFERENCE).read_text(encoding="utf-8"))
    assert {name: of["captions"] for name, of in stored["sets"].items()} == {"rsicd": 54605, "rsitmd": 23695}
    assert "5a2f013dfd2542b6bfded5290ea58b30672c75aa" in stored["source"]
    assert all(0 < of["distinct_2_at"]["100000"] < 1 for of in statistics.reference().values())


MIRROR = os.environ.get("SAR_TEXT_MIRROR")


@pytest.mark.skipif(not (MIRROR and (Path(MIRROR) / "rs_captions_text").is_dir()), reason="needs the shared captions")
def test_the_stored_reference_is_what_the_captions_say(tmp_path: Path) -> None:
    assert MIRROR is not None
    reference.write(Path(MIRROR), tmp_path / "made.json")
    stored = Path(statistics.__file__).parent / statistics.REFERENCE
    assert (tmp_path / "made.json").read_bytes() == stored.read_bytes()


def test_torch_is_not_loaded() -> None:
    code = "import sys, tasks.validate.statistics; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
