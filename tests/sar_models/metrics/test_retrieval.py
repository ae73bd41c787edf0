import re
import tracemalloc

import numpy as np
import pytest

from sar_models.metrics import retrieval
from sar_models.metrics.bootstrap import Statistic


def value(statistic: Statistic) -> float:
    return float(statistic.value(statistic.items.sum(axis=0)))


def values(images, texts, owner, captions, **options) -> dict[str, float]:
    found = retrieval.ranks(images, texts, image_of_text=owner, captions=captions, **options)
    return {name: value(statistic) for name, statistic in retrieval.statistics(found).items()}


def brute_force(images, texts, owner, captions):
    """Ranks one pair at a time, straight from the definition."""
    unit = [each / np.linalg.norm(each, axis=1, keepdims=True) for each in (images, texts)]
    scores = unit[0].astype(np.float64) @ unit[1].astype(np.float64).T
    keys = [" ".join(text.lower().split()) for text in captions]
    own = [{keys[t] for t in range(len(texts)) if owner[t] == i} for i in range(len(images))]
    result = {}
    for name, right in (
        ("", lambda i, t: keys[t] in own[i]),
        ("strict_", lambda i, t: owner[t] == i),
    ):
        table = np.array([[right(i, t) for t in range(len(texts))] for i in range(len(images))])
        for way, s, r in (("image_to_text", scores, table), ("text_to_image", scores.T, table.T)):
            best = np.where(r, s, -np.inf).max(axis=1)
            result[name + way] = 1 + ((s >= best[:, None] - retrieval.TIE) & ~r).sum(axis=1)
            if not name:
                result[f"{way}_ties"] = ((np.abs(s - best[:, None]) < retrieval.TIE) & ~r).any(axis=1)
                result[f"{way}_precision"] = [one_precision(*row) for row in zip(s, r, strict=True)]
    return result


def one_precision(scores, right):
    """Average precision of one query: walk down the ranking, wrong ones first where scores are equal."""
    place = sorted(range(len(scores)), key=lambda number: (-round(float(scores[number]), 9), right[number]))
    hits, found = 0, []
    for rank, number in enumerate(place, start=1):
        if right[number]:
            hits += 1
            found.append(hits / rank)
    return np.mean(found)


def world(seed: int, *, images: int, most: int, words: int, dimension: int = 6):
    """Random features; captions from a few words, so that many are equal up to case and spaces."""
    generator = np.random.default_rng(seed)
    owner = np.repeat(np.arange(images), generator.integers(1, most + 1, size=images))
    generator.shuffle(owner)
    names = generator.integers(words, size=len(owner))
    spellings = ("word {}", "Word  {}", " WORD {} ")
    captions = [spellings[generator.integers(3)].format(name) for name in names]
    of_name = generator.normal(size=(words, dimension)).astype(np.float32)
    return generator.normal(size=(images, dimension)).astype(np.float32), of_name[names], owner, captions


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize(("block", "threads"), [(3, 1), (7, 3), (1000, 2)])
def test_ranks_equal_brute_force(seed, block, threads):
    images, texts, owner, captions = world(seed, images=23, most=5, words=4 + 6 * seed)
    images[3:5] = images[2]  # two that tie with another, which carries other texts
    found = retrieval.ranks(
        images, texts, image_of_text=owner, captions=captions, precision=True, block=block, threads=threads
    )
    expected = brute_force(images, texts, owner, captions)
    for way, short in (("image_to_text", "image"), ("text_to_image", "text")):
        for name in (way, f"strict_{way}"):
            np.testing.assert_array_equal(getattr(found, name), expected[name], err_msg=name)
        np.testing.assert_array_equal(getattr(found, f"{short}_ties"), expected[f"{way}_ties"], err_msg=way)
        np.testing.assert_allclose(getattr(found, f"{short}_precision"), expected[f"{way}_precision"], rtol=1e-12)
    assert found.text_ties.any()


def test_remoteclip_recalls_by_hand():
    # Image 0 has texts 0 and 1, image 1 has text 2.
    cosines = np.array([[0.8, 0.1, 0.9], [0.7, 0.0, 0.3]])
    images = np.eye(2, 5, dtype=np.float32)
    texts = np.zeros((3, 5), dtype=np.float32)
    texts[:, :2] = cosines.T / 2
    texts[[0, 1, 2], [2, 3, 4]] = np.sqrt(1 - ((cosines / 2) ** 2).sum(axis=0))
    found = retrieval.ranks(images, texts, image_of_text=[0, 0, 1], captions=["a", "b", "c"])
    np.testing.assert_array_equal(found.image_to_text, [2, 2])  # .8 behind .9; .3 behind .7
    np.testing.assert_array_equal(found.text_to_image, [1, 1, 2])
    result = {name: value(statistic) for name, statistic in retrieval.statistics(found).items()}
    assert result["i2t_r1"] == 0
    assert result["i2t_r5"] == result["i2t_r10"] == 100
    assert result["t2i_r1"] == pytest.approx(200 / 3)
    assert result["mean_recall"] == pytest.approx((0 + 100 + 100 + 200 / 3 + 100 + 100) / 6)
    assert (result["i2t_median_rank"], result["t2i_median_rank"]) == (2, 1)
    assert {name.removeprefix("strict_") for name in result} == {
        "i2t_r1", "i2t_r5", "i2t_r10", "t2i_r1", "t2i_r5", "t2i_r10", "mean_recall", "i2t_median_rank",
        "t2i_median_rank", "i2t_ties", "t2i_ties",
    }  # fmt: skip


def test_perfect_and_reversed_models():
    eye = np.eye(12)
    captions = [str(number) for number in range(12)]
    assert values(eye, eye, range(12), captions)["mean_recall"] == 100
    assert values(eye, np.roll(eye, 1, axis=0), range(12), captions)["i2t_r1"] == 0


@pytest.mark.parametrize("noise", [0, 1e-8])
def test_a_collapsed_model_has_no_hits(noise):
    generator = np.random.default_rng(0)
    same = np.ones((40, 16)) + noise * generator.normal(size=(40, 16))
    result = values(same, same, range(40), [str(number) for number in range(40)], block=16)
    assert {value for name, value in result.items() if "_r" in name or "recall" in name} == {0.0, 40.0}
    assert {value for name, value in result.items() if "median_rank" in name} == {40.0}, "behind all others"
    assert result["i2t_ties"] == result["t2i_ties"] == 100
    assert result["mean_recall"] == 0


def test_shuffled_pairs_score_at_chance():
    generator = np.random.default_rng(4)
    count = 400
    images = generator.normal(size=(count, 16))
    captions = [str(number) for number in range(count)]
    shuffled = generator.permutation(count)
    result = values(images, images[shuffled], range(count), captions)
    assert values(images, images, range(count), captions)["mean_recall"] == 100
    chance = 100 * np.mean([1, 5, 10]) / count
    assert 0 <= result["mean_recall"] < 3 * chance
    assert abs(result["i2t_median_rank"] - count / 2) < 40
    assert result["i2t_ties"] <= 0.5, "one may by accident"


def test_a_partly_collapsed_model_is_told_by_the_share_of_ties():
    images = np.eye(10)
    images[:4] = images[0]
    result = values(images, np.eye(10), range(10), [str(number) for number in range(10)])
    assert result["t2i_ties"] == 40, "the texts of images 1, 2, 3 score 0 with all; the text of 0 with four images"


def test_images_with_identical_captions_are_right_for_each_other():
    images = np.eye(4)
    images[[0, 1]] = images[[1, 0]]  # the model takes image 0 for image 1, which carries the same caption
    texts = np.eye(4)
    texts[1] = texts[0]
    captions = ["One ship.", "one  ship. ", "two ships.", "a bridge."]
    found = retrieval.ranks(images, texts, image_of_text=range(4), captions=captions)
    np.testing.assert_array_equal(found.text_to_image, [1, 1, 1, 1])
    np.testing.assert_array_equal(found.strict_text_to_image, [4, 1, 1, 1])
    result = {name: value(statistic) for name, statistic in retrieval.statistics(found).items()}
    assert result["t2i_r1"] == 100
    assert result["strict_t2i_r1"] == 75
    # Strictly, the twin's copy of the caption ties with the own one, and ties count against the model.
    assert found.strict_image_to_text[1] == 2


def test_all_identical_captions_are_all_right_but_strictly_all_wrong():
    generator = np.random.default_rng(1)
    images = generator.normal(size=(30, 8))
    texts = np.repeat(generator.normal(size=(1, 8)), 30, axis=0)
    result = values(images, texts, range(30), ["the same"] * 30, block=7)
    assert result["mean_recall"] == 100
    assert result["strict_i2t_r10"] == 0
    assert result["strict_t2i_r1"] == pytest.approx(100 / 30)


def test_statistics_keep_captions_with_their_image():
    images, texts, owner, captions = world(3, images=9, most=4, words=30)
    found = retrieval.ranks(images, texts, image_of_text=owner, captions=captions)
    items = retrieval.statistics(found)["t2i_r5"].items
    for image in range(9):
        own = owner == image
        assert items[image].tolist() == [(found.text_to_image[own] <= 5).sum(), own.sum()]


def test_average_precision_by_hand():
    # Image 0 carries texts a and b; the order of its texts is a, c, b: (1/1 + 2/3) / 2.
    texts = np.array([[0.9, np.sqrt(1 - 0.81)], [0.1, np.sqrt(1 - 0.01)], [0.5, -np.sqrt(0.75)]])
    result = values(np.array([[1.0, 0.0], [0.0, -1.0]]), texts, [0, 0, 1], ["a", "b", "c"], precision=True)
    assert result["i2t_map"] == pytest.approx(100 * ((1 + 2 / 3) / 2 + 1) / 2)
    assert result["t2i_map"] == 100
    perfect = values(np.eye(5), np.eye(5), range(5), list("abcde"), precision=True)
    assert perfect["i2t_map"] == perfect["t2i_map"] == 100


def test_memory_is_bounded_by_the_block():
    count = 3000
    images, texts, owner, captions = world(0, images=count, most=1, words=100_000, dimension=8)
    tracemalloc.start()
    retrieval.ranks(images, texts, image_of_text=owner, captions=captions, block=128)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < count * count * 4 / 4, "a quarter of the full score matrix"


def test_bad_input_is_named():
    good, captions = np.eye(3), ["a", "b", "c"]

    def fails(message, images=good, texts=good, owner=(0, 1, 2), captions=captions):
        with pytest.raises(ValueError, match=re.escape(message)):
            retrieval.ranks(images, texts, image_of_text=owner, captions=captions)

    broken = good.copy()
    broken[1, 2] = np.nan
    fails("images row 1: the embedding holds NaN", images=broken)
    fails("texts row 1: the embedding holds NaN", texts=broken)
    fails("texts row 2", texts=np.diag([1.0, 1.0, 0.0]))
    fails("image embeddings have dimension 3, text embeddings 4", texts=np.eye(3, 4))
    fails("at least one row", images=np.empty((0, 3)))
    fails("3 text embeddings, 2 image rows", owner=(0, 1))
    fails("images row 2 has no text", owner=(0, 1, 1))
    fails("text row 2 belongs to image row 3", owner=(0, 1, 3))
    fails("texts row 1 ('A') equals an earlier text", captions=["a", "A", "c"])
