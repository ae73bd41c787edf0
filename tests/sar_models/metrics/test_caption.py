import random
import shutil

import numpy as np
import pytest

from benchmarks.caption_parity import original_tokens
from benchmarks.odd_texts import odd_captions
from sar_models.metrics import caption, meteor, spice
from sar_models.metrics.bootstrap import intervals

needs_java = pytest.mark.skipif(shutil.which("java") is None, reason="compares with the original, which needs Java")

WORDS = "a the ship ships near harbor harbour and it's 2 3.5 m wide, large; small (grey) no. 5 co. The etc. water"


def value(statistic) -> float:
    return float(statistic.value(statistic.items.sum(axis=0)))


def values(generated, references, **options) -> dict[str, float]:
    return {name: value(found) for name, found in caption.statistics(generated, references, **options).items()}


def world(seed: int, images: int) -> tuple[list[str], list[list[str]]]:
    """Captions of few words, so that n-grams repeat; some adversarial."""
    generator = random.Random(seed)
    words = WORDS.split()

    def sentence() -> str:
        return " ".join(generator.choice(words) for _ in range(generator.randrange(1, 14))) + "."

    generated = [sentence() for _ in range(images)]
    generated[:5] = ["", "ship", "...", "图像 é ½", " ".join(generator.choice(words) for _ in range(500))]
    references = [[sentence() for _ in range(generator.randrange(1, 6))] for _ in range(images)]
    references[5] = ["", "!?", "ship"]
    return generated, references


@needs_java
@pytest.mark.parametrize("texts", [world(0, 60), world(1, 60), world(2, 60), odd_captions()])
def test_equal_to_the_reference_pipeline(texts):
    from pycocoevalcap.bleu.bleu import Bleu
    from pycocoevalcap.cider.cider import Cider
    from pycocoevalcap.rouge.rouge import Rouge

    generated, references = texts
    results, truths = original_tokens([[text] for text in generated]), original_tokens(references)
    expected = {f"bleu_{n + 1}": score for n, score in enumerate(Bleu(4).compute_score(truths, results, verbose=0)[0])}
    expected["rouge_l"] = Rouge().compute_score(truths, results)[0]
    expected["cider"] = Cider().compute_score(truths, results)[0]
    found = values(generated, references)
    assert set(found) == set(expected)
    for name, score in expected.items():
        assert found[name] == pytest.approx(score, abs=1e-9), name


@pytest.mark.parametrize("images", [1, 2, 40])
def test_the_scores_of_every_image_equal_the_original_scorers(images):
    from pycocoevalcap.bleu.bleu import Bleu
    from pycocoevalcap.cider.cider import Cider
    from pycocoevalcap.rouge.rouge import Rouge

    from sar_models.metrics.ptb import tokenize_all

    generated, references = world(3, 40)
    generated[-2:] = ["12 345 678 ships", "ship " * 9]  # the first holds a token with spaces inside
    references[-2:] = [["12 345 ships near", "ships"], ["ship ship", "ship ship ship"]]
    generated, references = generated[-images:], references[-images:]
    results = {row: [tokens] for row, tokens in enumerate(tokenize_all(generated))}
    flat = iter(tokenize_all([text for texts in references for text in texts]))
    truths = {row: [next(flat) for _ in texts] for row, texts in enumerate(references)}
    found = caption.statistics(generated, references)
    for scorer, names in ((Rouge(), ["rouge_l"]), (Cider(), ["cider"])):
        expected = scorer.compute_score(truths, results)[1]
        np.testing.assert_allclose(found[names[0]].items[:, 0], expected, rtol=0, atol=1e-12)
    for n, (whole, each) in enumerate(zip(*Bleu(4).compute_score(truths, results, verbose=0), strict=True), start=1):
        assert value(found[f"bleu_{n}"]) == pytest.approx(whole, abs=1e-12)
        np.testing.assert_allclose(caption.bleu(found["bleu_1"].items, n), each, rtol=0, atol=1e-12)


def test_identical_captions_everywhere_earn_no_cider():
    references = [["a ship near the harbor"], ["two large ships at sea"], ["an empty road by the river"]]
    collapsed = values(["a ship at sea"] * 3, references)
    best = values([texts[0] for texts in references], references)
    assert all(collapsed[name] < 0.5 * best[name] for name in ("bleu_2", "rouge_l", "cider"))
    # Where the references are all alike too, no word tells images apart, and CIDEr, which weighs by that, is zero.
    assert values(["a ship at sea"] * 3, [["a ship at sea"]] * 3)["cider"] == 0


def test_an_empty_caption_scores_zero_for_its_image():
    references = [["a ship near the harbor"], ["two large ships at sea"], ["an empty road by the river"]]
    found = caption.statistics(["", "two large ships at sea", "..."], references)
    np.testing.assert_array_equal(found["rouge_l"].items[:, 0], [0, 1, 0])
    np.testing.assert_allclose(found["cider"].items[:, 0], [0, 10, 0])
    assert list(found["bleu_1"].items[0]) == [0] * 9 + [5]  # of BLEU it is a caption that is too short


@needs_java
@pytest.mark.e2e
def test_meteor_equals_its_jar():
    from pycocoevalcap.meteor.meteor import Meteor

    from sar_models.metrics.ptb import tokenize_all

    generated, references = world(0, 12)
    generated[6:8] = [references[6][0], references[7][-1]]  # perfect matches are summed in another way
    generated[4] = "a ship"  # the jar takes half a minute for 500 words
    results = {row: [tokens] for row, tokens in enumerate(tokenize_all(generated))}
    truths = {row: tokenize_all(texts) for row, texts in enumerate(references)}
    original = Meteor()
    expected = original.compute_score(truths, results)
    original.meteor_p.stdout.close()
    original.meteor_p.stderr.close()
    found = meteor.statistic(truths, results)
    assert value(found) == pytest.approx(expected[0], abs=1e-9)
    np.testing.assert_allclose(meteor.score(found.items), expected[1], atol=1e-9)


def test_perfect_captions():
    references = [["a ship near the harbor"], ["two large ships at sea"], ["an empty road by the river"]]
    found = values([texts[0] for texts in references], references)
    assert found["bleu_4"] == pytest.approx(1, abs=1e-8)
    assert found["rouge_l"] == pytest.approx(1)
    assert found["cider"] == pytest.approx(10)


def test_bleu_by_hand():
    # 3 of 4 words and 1 of 3 pairs match; the caption is one word shorter than its only reference.
    found = values(["the ship is big", "x"], [["the big ship is there"], ["x"]])
    matches, totals, length, reference = (4, 1), (5, 3), 5, 6
    assert matches[0] != totals[0]
    penalty = np.exp(1 - reference / length)
    assert found["bleu_1"] == pytest.approx(5 / 5 * penalty, abs=1e-6)
    assert found["bleu_2"] == pytest.approx(np.sqrt(5 / 5 * 1 / 3) * penalty, abs=1e-6)


def test_bleu_is_resampled_as_a_corpus_metric():
    generated, references = world(1, 40)
    statistics = caption.statistics(generated, references)
    rows = np.random.default_rng(0).integers(40, size=40)
    again = values([generated[row] for row in rows], [references[row] for row in rows])
    items = statistics["bleu_4"].items[rows].sum(axis=0)
    assert float(statistics["bleu_4"].value(items)) == pytest.approx(again["bleu_4"], abs=1e-12)


def test_cider_keeps_the_document_frequencies_of_the_whole_set():
    generated, references = world(2, 30)
    whole = caption.statistics(generated, references)["cider"].items[:, 0]
    part = caption.statistics(generated[:10], references[:10])["cider"].items[:, 0]
    assert not np.allclose(whole[:10], part)  # so that resampling must not recompute them
    found = intervals(caption.statistics(generated, references), draws=50, seed=0)["cider"]
    assert found.value == pytest.approx(whole.mean())
    assert found.low <= found.value <= found.high


def test_meteor_without_java_says_what_to_install(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(ValueError, match="install a Java runtime"):
        caption.statistics(["a"], [["a"]], meteor=True)


def corenlp() -> bool:
    try:
        spice.require()
    except ValueError:
        return False
    return True


@pytest.mark.e2e
@pytest.mark.skipif(not corenlp(), reason="SPICE's jar needs Java and CoreNLP")
def test_spice_equals_its_jar():
    from pycocoevalcap.spice.spice import Spice

    truths = {0: ["two large ships near a pier", "ships at a pier"], 1: ["a road through a forest"]}
    results = {0: ["two ships near a pier"], 1: ["a river"]}
    assert value(spice.statistic(truths, results)) == pytest.approx(Spice().compute_score(truths, results)[0])


def test_spice_says_what_it_lacks(monkeypatch, tmp_path):
    monkeypatch.setattr(shutil, "which", lambda name: "/usr/bin/java")
    monkeypatch.setattr(spice, "_folder", lambda: tmp_path)
    with pytest.raises(ValueError, match=r"lib lacks stanford-corenlp-3\.6\.0\.jar and .* copy them there"):
        caption.statistics(["a"], [["a"]], spice=True)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(ValueError, match="SPICE is not computed: it needs Java"):
        spice.require()


def test_meteor_of_a_perfect_and_an_empty_caption():
    # Words, function words, four kinds of matches, chunks and matched words, as the jar gives them for "the cat sat".
    perfect = np.array([3, 3, 1, 1, 2, 2, 1, 1, *[0] * 12, 0, 3, 3], dtype=float)
    nothing = np.array([0, 2, 0, 1, *[0] * 19], dtype=float)
    np.testing.assert_allclose(meteor.score(np.stack([perfect, nothing])), [1, 0])


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="the test set is empty"):
        caption.statistics([], [])
    with pytest.raises(ValueError, match="row 1 has no list of references"):
        caption.statistics(["a", "b"], [["a"], []])
    with pytest.raises(ValueError, match="row 0 has no list of references"):
        caption.statistics(["a"], ["a"])  # a bare string instead of a list
    with pytest.raises(ValueError, match="2 captions for 1 lists of references"):
        caption.statistics(["a", "b"], [["a"]])
