"""The caption metrics beside pycocoevalcap's own pipeline: its Java tokeniser, its scorers, METEOR's jar.

    SAR_TEXT_MIRROR=FOLDER python -m benchmarks.caption_parity      prints the tables of docs/evaluation.md; needs Java

The captions are those of rs_captions_text: RSICD (X. Lu et al., TGRS 2017), RSITMD (Z. Yuan et al., TGRS 2021),
UCM-Captions and Sydney-Captions (B. Qu et al., CITS 2016). Each of an image's five captions is once held out and scored
against the other four. Line separators inside a text are spaces on both sides: in the original they shift every later
caption. Exits with 1 when a token differs, or a score by more than `TOLERANCE`.
"""

import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.odd_texts import generated, odd_captions
from sar_models.metrics import caption
from sar_models.metrics.ptb import tokenize_all

BELOW_MIRROR = "rs_captions_text/AMFMN/data"
SETS = {"RSICD": "rsicd", "RSITMD": "rsitmd", "UCM-Captions": "ucm", "Sydney-Captions": "sydney"}
CAPTIONS = 5  # of each image
GENERATED = 5000
TOLERANCE = 1e-9
METRICS = ("bleu_1", "bleu_2", "bleu_3", "bleu_4", "rouge_l", "cider", "meteor")
SEPARATORS = re.compile("[\n\r\v\f\x85\u2028\u2029]")


def captions(folder: str, part: str) -> list[str]:
    """All captions of one part of a set, in the order of the file. Raises `ValueError` where the mirror lacks it."""
    path = Path(os.environ.get("SAR_TEXT_MIRROR", "")) / BELOW_MIRROR / f"{folder}_precomp" / f"{part}_caps.txt"
    if not path.is_file():
        raise ValueError(f"{path} does not exist: set SAR_TEXT_MIRROR to the folder that holds rs_captions_text")
    return path.read_text(encoding="utf-8").rstrip("\n").split("\n")


def original_tokens(texts: Sequence[Sequence[str]]) -> dict[int, list[str]]:
    """The tokens of pycocoevalcap's Java tokeniser, for each row its texts."""
    from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

    rows = {row: [{"caption": SEPARATORS.sub(" ", text)} for text in own] for row, own in enumerate(texts)}
    found: dict[int, list[str]] = PTBTokenizer().tokenize(rows)
    return found


def original_scores(said: Sequence[str], references: Sequence[Sequence[str]]) -> dict[str, float]:
    """The scores of pycocoevalcap's pipeline."""
    from pycocoevalcap.bleu.bleu import Bleu
    from pycocoevalcap.cider.cider import Cider
    from pycocoevalcap.meteor.meteor import Meteor
    from pycocoevalcap.rouge.rouge import Rouge

    results, truths = original_tokens([[text] for text in said]), original_tokens(references)
    scores = [*Bleu(4).compute_score(truths, results, verbose=0)[0]]
    scores += [scorer.compute_score(truths, results)[0] for scorer in (Rouge(), Cider(), Meteor())]
    return dict(zip(METRICS, map(float, scores), strict=True))


def our_scores(said: Sequence[str], references: Sequence[Sequence[str]]) -> dict[str, float]:
    found = caption.statistics(said, references, meteor=True)
    return {name: float(found[name].value(found[name].items.sum(axis=0))) for name in METRICS}


def token_rows() -> Iterator[tuple[str, int, list[tuple[str, str, str]]]]:
    """Of each collection of texts: name, number, and what differs: text, tokens of the original, our tokens."""
    texts = {name: captions(folder, "train") + captions(folder, "test") for name, folder in SETS.items()}
    texts["generated"] = generated(0, GENERATED - 1)
    for name, own in texts.items():
        own = [*own, "the last"]  # the original leaves out empty texts at the end of its file
        pairs = zip(own, original_tokens([own])[0], tokenize_all(own), strict=True)
        yield name, len(own) - 1, [pair for pair in pairs if pair[1] != pair[2]]


def score_rows() -> Iterator[tuple[str, str, list[str], list[list[str]]]]:
    """Name, which caption was held out, the captions, the references."""
    for name, folder in SETS.items():
        lines = captions(folder, "test")
        images = [lines[start : start + CAPTIONS] for start in range(0, len(lines), CAPTIONS)]
        for held in range(CAPTIONS):
            yield name, str(held + 1), [own[held] for own in images], [own[:held] + own[held + 1 :] for own in images]
    yield "odd captions", "", *odd_captions()


def main() -> None:
    failed = False
    print("| texts | number | tokens differ in |\n|---|---|---|")
    differences = []
    for name, number, differ in token_rows():
        print(f"| {name} | {number:,} | {len(differ)} |", flush=True)
        differences += differ
    for text, original, ours in differences:
        print(f"\n{text!r}\n  original {original!r}\n  ours     {ours!r}")
    heads = ["set", "held out", "images", "BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4", "ROUGE-L", "CIDEr", "METEOR"]
    heads.append("largest difference")
    print(f"\n| {' | '.join(heads)} |\n{'|---' * len(heads)}|")
    for name, held, said, references in score_rows():
        original, found = original_scores(said, references), our_scores(said, references)
        largest = max(abs(original[metric] - found[metric]) for metric in METRICS)
        failed |= largest > TOLERANCE
        numbers = " | ".join(f"{found[metric]:.5f}" for metric in METRICS)
        print(f"| {name} | {held} | {len(said):,} | {numbers} | {largest:.1e} |", flush=True)
    sys.exit(failed or bool(differences))


if __name__ == "__main__":
    main()
