"""How often the tuples of `scene_graph` are those of SPICE's own parser.

    SAR_TEXT_MIRROR=FOLDER python -m benchmarks.scene_graphs             prints the table of docs/evaluation.md
    SAR_TEXT_MIRROR=FOLDER python -m benchmarks.scene_graphs --sample    prints texts on which the two differ

The folder holds `spice_reference/SPICE_parsing_outputs.txt`: 1,743 short captions with what SPICE's parser made of them
(github.com/zhuang-li/FactualSceneGraph, MIT). The rules were written by the odd rows of the file; of the even ones a
few dozen had been read before that, and none was read afterwards.
"""

import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from sar_models.metrics.scene_graph import Tuples, graph

BELOW_MIRROR = "spice_reference/SPICE_parsing_outputs.txt"
TUPLE = re.compile(r"\( (.*?) \)(?= , \(|$)")
KINDS = {"objects": 1, "attributes": 2, "relations": 3}


def parses() -> list[tuple[str, Tuples]]:
    """Text and tuples, row by row. Raises `ValueError` where the mirror lacks the file."""
    path = Path(os.environ.get("SAR_TEXT_MIRROR", "")) / BELOW_MIRROR
    if not path.is_file():
        raise ValueError(f"{path} does not exist: set SAR_TEXT_MIRROR to the folder that holds spice_reference")
    rows = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]
    return [(text, _tuples(written)) for text, written in rows]


def _tuples(written: str) -> Tuples:
    """As SPICE counts them: what a tuple speaks of is an object too."""
    found: set[tuple[str, ...]] = set()
    for inside in TUPLE.findall(written):
        parts = inside.split(" , ")
        if len(parts) == 3 and parts[1] == "is":
            found |= {(parts[0],), (parts[0], parts[2])}
        else:
            found |= {tuple(parts), (parts[0],), (parts[-1],)}
    return frozenset(found)


def agreement(pairs: Sequence[tuple[Tuples, Tuples]], *, lengths: Sequence[int]) -> tuple[int, float, float, float]:
    """Of (ours, SPICE's): SPICE's tuples of these lengths, and our precision, recall and F over all texts."""
    ours, theirs, both = (
        sum(len(each) in lengths for pair in pairs for each in chosen(*pair))
        for chosen in (lambda a, b: a, lambda a, b: b, frozenset.intersection)
    )
    return theirs, both / ours, both / theirs, 2 * both / (ours + theirs)


def main() -> None:
    rows = parses()
    pairs = [(graph(text), true) for text, true in rows]
    if "--sample" in sys.argv:
        for (text, true), (ours, _) in list(zip(rows, pairs, strict=True))[0::16]:
            if ours != true:
                print(f"{text}\n  only ours {sorted(ours - true)}\n  only SPICE {sorted(true - ours)}")
        return
    print("| rows | tuples | SPICE has | precision | recall | F |\n|---|---|---|---|---|---|")
    for name, chosen in (("odd", pairs[0::2]), ("even", pairs[1::2]), ("all", pairs)):
        for kind, lengths in (*((kind, (length,)) for kind, length in KINDS.items()), ("all", (1, 2, 3))):
            number, *shares = agreement(chosen, lengths=lengths)
            print(f"| {name} | {kind} | {number:,} | {' | '.join(f'{share:.3f}' for share in shares)} |")


if __name__ == "__main__":
    main()
