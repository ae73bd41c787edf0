import pytest
import torch
from open_clip.tokenizer import SimpleTokenizer

from sar_models.tokenizer import FULL_VOCABULARY, PAD, Tokenizer

SENTENCES = [
    "two ships are moored near the south-west pier, about 120 m long.",
    "a 3.5 m resolution image; the ship's wake (left) points north.",
    "12 aircraft stand in a row, and 1 bridge crosses the river.",
    "a t-62 tank: 25 % of the scene is water.",
    "größe, 船 and naïve façades",
]


@pytest.mark.parametrize("vocab_size", [514, 1024, 4096, FULL_VOCABULARY])
def test_text_comes_back_at_any_vocabulary(vocab_size: int) -> None:
    tokenizer = Tokenizer(vocab_size=vocab_size, context_length=200)
    tokens = tokenizer(SENTENCES)
    assert int(tokens.max()) == tokenizer.end == vocab_size - 1
    expected = [sentence.replace("25 %", "25%") for sentence in SENTENCES]
    assert [tokenizer.decode(row.tolist()) for row in tokens] == expected


def test_a_smaller_vocabulary_is_the_same_tokenizer_with_longer_sequences() -> None:
    lengths = [
        int((Tokenizer(vocab_size=size, context_length=400)(SENTENCES) != PAD).sum()) for size in (514, 1024, 4096)
    ]
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[0] > lengths[-1]


def test_the_full_vocabulary_is_clips() -> None:
    ours = Tokenizer(vocab_size=FULL_VOCABULARY, context_length=77)(SENTENCES)
    assert torch.equal(ours, SimpleTokenizer()(SENTENCES, context_length=77))


def test_cut_captions_are_counted_and_still_end() -> None:
    tokenizer = Tokenizer(vocab_size=1024, context_length=8)
    texts = ["a ship", "a b c d e f", "a b c d e f g"]  # 6 words, the start and the end just fit
    assert tokenizer.too_long(texts) == 1
    tokens = tokenizer(texts)
    assert tokens.shape == (3, 8)
    assert tokens[2, -1] == tokenizer.end
    assert tokenizer.decode(tokens[2].tolist()) == "a b c d e f"


def test_a_small_vocabulary_tells_a_type_from_a_number() -> None:
    texts = ["an a220 aircraft and a 220 m ship", "rows of 2 3 and 4", "zsu-23-4, 1.5 m, 1,024 px"]
    small = Tokenizer(vocab_size=4096, context_length=40)
    assert [small.decode(row) for row in small(texts).tolist()] == texts
    whole = Tokenizer(vocab_size=FULL_VOCABULARY, context_length=40)
    assert torch.equal(*whole(["an a220 aircraft", "an a 220 aircraft"])), "the reason why the small one differs"


def test_a_long_caption_loses_whole_sentences() -> None:
    tokenizer = Tokenizer(vocab_size=4096, context_length=14)
    texts = ["One ship is here. It is long. It lies near the pier, far from the other shore.", "One ship."]
    assert tokenizer.too_long(texts) == 1
    assert [tokenizer.decode(row) for row in tokenizer(texts).tolist()] == [
        "one ship is here. it is long.",
        "one ship.",
    ]


def test_decoding_stops_at_the_end() -> None:
    tokenizer = Tokenizer(vocab_size=1024, context_length=16)
    row = tokenizer(["a ship"])[0].tolist()
    end = row.index(tokenizer.end)
    assert tokenizer.decode(row[: end + 1] + row[1:end]) == "a ship"


@pytest.mark.parametrize(
    ("vocab_size", "context_length", "named"), [(513, 77, "513"), (60000, 77, "60000"), (514, 2, "context")]
)
def test_impossible_sizes_are_refused(vocab_size: int, context_length: int, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        Tokenizer(vocab_size=vocab_size, context_length=context_length)
