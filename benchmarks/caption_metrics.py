"""Caption metrics against pycocoevalcap's pipeline, both from plain captions to scores, with equal results.

`caption_tokens` is the tokenisation alone: ours in Python, the peer's in Java. `caption_scores` is tokenisation, BLEU,
ROUGE-L and CIDEr of 50,000 captions against 5 references each, where ours also keeps what the bootstrap needs of each
image; `bootstrap_s` is the time of 1,000 draws over all of them. Times are wall clock, for Java uses more than one
core. The captions are made up from the words of a harbour, seeded.
"""

import statistics
import time
from random import Random
from typing import Any

from sar_models.metrics import caption, ptb
from sar_models.metrics.bootstrap import intervals

IMAGES, REFERENCES, PASSES, DRAWS = 50_000, 5, 3, 1000
WORDS = """
the a two three several many large small bright ships ship piers pier harbor water near beside north-west, centre. it's
aircraft runway trees (grey) about 20% of 1.3 m wide, and is are can be seen in SAR image. This
"""


def run() -> list[dict[str, Any]]:
    """Two rows; `ratio` is the median over passes of ours / peer, in captions a second."""
    from pycocoevalcap.bleu.bleu import Bleu
    from pycocoevalcap.cider.cider import Cider
    from pycocoevalcap.rouge.rouge import Rouge
    from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

    generator, words = Random(7), WORDS.split()

    def sentence() -> str:
        return " ".join(generator.choice(words) for _ in range(generator.randrange(6, 22)))

    generated = [sentence() for _ in range(IMAGES)]
    references = [[sentence() for _ in range(REFERENCES)] for _ in range(IMAGES)]
    flat = [text for texts in references for text in texts]
    results = {row: [{"caption": text}] for row, text in enumerate(generated)}
    truths = {row: [{"caption": text} for text in texts] for row, texts in enumerate(references)}
    count = IMAGES * (1 + REFERENCES)

    tokens_s: list[tuple[float, float]] = []
    scores_s: list[tuple[float, float]] = []
    bootstrap_s: list[float] = []
    for _ in range(PASSES):
        ptb._kept_alone.cache_clear()
        start = time.perf_counter()
        ptb.tokenize_all(generated)
        ptb.tokenize_all(flat)
        ours_tokens = time.perf_counter() - start
        ptb._kept_alone.cache_clear()
        start = time.perf_counter()
        found = caption.statistics(generated, references)
        ours_scores = time.perf_counter() - start
        start = time.perf_counter()
        intervals(found, draws=DRAWS, seed=0)
        bootstrap_s.append(time.perf_counter() - start)

        start = time.perf_counter()
        said, true = PTBTokenizer().tokenize(results), PTBTokenizer().tokenize(truths)
        peer_tokens = time.perf_counter() - start
        expected = {f"bleu_{n}": score for n, score in enumerate(Bleu(4).compute_score(true, said, verbose=0)[0], 1)}
        expected |= {"rouge_l": Rouge().compute_score(true, said)[0], "cider": Cider().compute_score(true, said)[0]}
        peer_scores = time.perf_counter() - start
        tokens_s.append((ours_tokens, peer_tokens))
        scores_s.append((ours_scores, peer_scores))
        measured = {name: float(each.value(each.items.sum(axis=0))) for name, each in found.items()}
        if max(abs(measured[name] - expected[name]) for name in expected) > 1e-9:
            raise AssertionError(f"results differ: {measured} against {expected}")
    scores = _row("caption_scores", scores_s, count) | {"bootstrap_s": round(statistics.median(bootstrap_s), 2)}
    return [_row("caption_tokens", tokens_s, count), scores]


def _row(name: str, seconds: list[tuple[float, float]], count: int) -> dict[str, Any]:
    ratios = sorted(peer / ours for ours, peer in seconds)
    return {
        "name": name,
        "ours": round(count / statistics.median(ours for ours, _ in seconds)),
        "peer": round(count / statistics.median(peer for _, peer in seconds)),
        "ratio": round(statistics.median(ratios), 3),
        "unit": "captions/s",
        "n": count,
        "spread": [round(ratios[0], 3), round(ratios[-1], 3)],
    }
