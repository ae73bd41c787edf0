"""How far the reader gets with captions that people wrote: RSICD and RSITMD.

    SAR_TEXT_MIRROR=FOLDER python -m benchmarks.human_claims            writes benchmarks/human_claims.json
    SAR_TEXT_MIRROR=FOLDER python -m benchmarks.human_claims --sample   prints 100 captions with what was read of them

The captions are those of rs_captions_text (X. Lu et al., TGRS 2017; Z. Yuan et al., TGRS 2021), train and test. No
image is looked at: this says how much of a text becomes claims, and a person says by the sample whether they are what
the text says. A content word is one that is not among scikit-learn's English stop words.
"""

import json
import os
import sys
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

from tasks.narrate.claims import read_claims
from tasks.narrate.reading import items, tokens

OUT = Path(__file__).with_name("human_claims.json")
BELOW_MIRROR = "rs_captions_text/AMFMN/data"
SETS = {"RSICD": "rsicd_precomp", "RSITMD": "rsitmd_precomp"}
SAMPLE, SEED = 50, 3  # of each set
UNREAD = 40  # words listed


def captions(name: str) -> list[str]:
    """All captions of a set, blank lines left out. Raises `ValueError` where the mirror lacks it."""
    folder = Path(os.environ.get("SAR_TEXT_MIRROR", "")) / BELOW_MIRROR / SETS[name]
    if not folder.is_dir():
        raise ValueError(f"{folder} does not exist: set SAR_TEXT_MIRROR to the folder that holds rs_captions_text")
    lines = [line.strip() for part in ("train", "test")
             for line in (folder / f"{part}_caps.txt").read_text(encoding="utf-8").splitlines()]  # fmt: skip
    return [line for line in lines if line]


def is_content(word: str) -> bool:
    return word[0].isalnum() and word not in ENGLISH_STOP_WORDS


def coverage(texts: list[str]) -> dict[str, Any]:
    """Share of captions and of content words that were read, claims by kind, and the commonest words that were not."""
    kinds: Counter[str] = Counter()
    with_kind: Counter[str] = Counter()
    unread: Counter[str] = Counter()
    content, some = 0, 0
    for text in texts:
        claims = read_claims(text)
        some += bool(claims)
        kinds.update(claim.kind for claim in claims)
        with_kind.update({claim.kind for claim in claims})
        content += sum(map(is_content, tokens(text)))
        unread.update(item.value for item in items(text) if item.kind == "word" and is_content(item.value))
    return {
        "captions": len(texts),
        "different": len(set(texts)),
        "with_a_claim": round(some / len(texts), 4),
        "claims_per_caption": round(kinds.total() / len(texts), 3),
        "content_words_read": round(1 - unread.total() / content, 4),
        "claims_by_kind": dict(kinds.most_common()),
        "captions_with_kind": {kind: round(count / len(texts), 4) for kind, count in with_kind.most_common()},
        "unread_words": dict(unread.most_common(UNREAD)),
    }


def sample(name: str) -> list[str]:
    """The captions that were judged by eye."""
    return Random(SEED).sample(sorted(set(captions(name))), SAMPLE)


def main() -> None:
    if "--sample" in sys.argv:
        for name in SETS:
            for text in sample(name):
                print(name, text, *(f"    {' '.join(claim)}" for claim in read_claims(text)), sep="\n")
        return
    found = {name: coverage(captions(name)) for name in SETS}
    OUT.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
