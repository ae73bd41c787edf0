import shutil

import pytest

from benchmarks.odd_texts import generated
from sar_models.metrics.ptb import tokenize, tokenize_all

needs_java = pytest.mark.skipif(shutil.which("java") is None, reason="compares with the original, which needs Java")


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Two ships, near the Harbor.", "two ships near the harbor"),
        ("it's a well-known x-ray; don't", "it 's a well-known x-ray do n't"),
        ("I cannot see what's there -- gonna look", "i can not see what 's there gon na look"),
        ("10,000.5 m² at 50% (1/2) [a]", "10,000.5 m ² at 50 % -lrb- 1/2 -rrb- -lsb- a -rsb-"),
        ("Mr. X, etc. and fig. 3 of the U.S. fleet.", "mr. x etc. and fig. 3 of the u.s. fleet"),
        ("farm a. The farm", "farm a the farm"),
        ("12 345 678 pixels", "12\xa0345\xa0678 pixels"),
        ("“quoted” ‘text’ … é", "quoted text é"),
        ("see http://a.org/b?c=1 or a@b.com :-) now", "see http://a.org/b?c=1 or a@b.com :--rrb- now"),
        ("a\u2028b\x85c\rd\x0ce\nf", "a b c d e f"),
        ("", ""),
        (" \t ", ""),
        ("... !? - ' \"", "!?"),
        ("😀 ship😀s", "ship s"),
    ],
)
def test_tokens_by_hand(text, tokens):
    assert tokenize(text) == tokens


def test_the_next_text_is_seen_as_in_the_original():
    assert tokenize_all(["shown in fig.", "3 ships"]) == ["shown in fig.", "3 ships"]
    assert tokenize_all(["shown in fig.", "three ships"]) == ["shown in fig", "three ships"]
    assert tokenize_all(["farm a.", "", "The farm"]) == ["farm a", "", "the farm"]
    assert tokenize("farm a.") == "farm a."


@needs_java
@pytest.mark.parametrize("seed", range(3))
def test_tokens_equal_the_original_on_generated_texts(seed):
    from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

    texts = generated(seed, 4000)
    original = PTBTokenizer().tokenize({0: [{"caption": text} for text in texts]})[0]
    assert len(original) == len(texts)
    differ = [pair for pair in zip(texts, original, tokenize_all(texts), strict=True) if pair[1] != pair[2]]
    assert not differ, f"{len(differ)} of {len(texts)} differ, such as {differ[:5]}"
