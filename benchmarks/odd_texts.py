"""Texts that are hard to tokenise and to score, seeded: for the parity with pycocoevalcap, here and in the tests."""

import random

WORDS = """
a an the ship ships is are 2 3 10 1.5 100 etc. mr. no. fig. u.s. it's don't dogs' y'all 'em well-known km/h x-ray T-72
A320 Image the. New York, (two) "big" 20% $5 #1 a/b 1/2 3-4 x y z cannot gonna and/or 640x480 0.5 m 5m co. St. ... -- -
& @ : ; ! ? The A. It B. In :) < > . <b 12 345 678 (12) R&D &amp; www.a.org C++ '90s ½ ² “x” … – naïve 图 Ω
"""
SIGNS = "aabbcdenstxyABXZ0123459..,,'' --/  ’`“”:;()[]<>=&#@$%!?*_\\~|^{}\xad\xa0éßÉ‘«½²´µ…—€中あ가Я"


def generated(seed: int, count: int) -> list[str]:
    """Texts of words, of single signs, and of any characters; some empty, some of 500 words."""
    generator = random.Random(seed)
    words = WORDS.split()

    def text() -> str:
        kind = generator.random()
        if kind < 0.02:
            return ""
        if kind < 0.55:
            gap = generator.choice([" ", " ", "  ", ""])
            return gap.join(generator.choice(words) for _ in range(generator.randrange(1, 12)))
        if kind < 0.95:
            return "".join(generator.choice(SIGNS) for _ in range(generator.randrange(1, 12)))
        if kind < 0.952:
            return " ".join(generator.choice(words) for _ in range(500))
        points = (generator.randrange(0x20, 0xD800) for _ in range(8))
        return "".join(chr(point) for point in points if point not in (0x85, 0x2028, 0x2029))

    return [text() for _ in range(count)] + ["the last one"]


def odd_captions() -> tuple[list[str], list[list[str]]]:
    """Captions and references of images, each kind of oddity once as caption and once as a reference."""
    words = [word for word in WORDS.split() if word.isalpha()]
    generator = random.Random(5)
    odd = [
        "", "ship", "...", "!? - ;", "图像 中 的 船 é ½ naïve Ω €",
        "a\u2028ship\x85near\rthe\x0cpier\x0band\u2029water\nhere",
        " ".join(generator.choice(words) for _ in range(500)), "12 345 678 ships", "SHIP ship Ship", "a a a a a a a a",
        "shown in fig.", "3 ships near pier a.", "The harbor.",
    ]  # fmt: skip
    plain = [
        f"{count} large ships are near the {place} pier" for count in (2, 3, 4) for place in ("left", "old", "long")
    ]
    said = [*odd, *(plain[row % len(plain)] for row in range(len(odd)))]
    references = [[plain[row % len(plain)], plain[(row + 4) % len(plain)]] for row in range(len(odd))]
    references += [[text, plain[(row + 1) % len(plain)]] for row, text in enumerate(odd)]
    return said, references
