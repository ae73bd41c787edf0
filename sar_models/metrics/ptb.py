r"""Penn Treebank tokens as pycocoevalcap makes them, without Java.

Its pipeline is Stanford's PTBTokenizer (CoreNLP 3.4.1, `-preserveLines -lowerCase`) with a list of punctuation tokens
removed. The rules in `ptb_rules` were written from what that program does with probes and random strings. One
difference is meant: line separators inside a text (LF, CR, VT, FF, U+0085, U+2028, U+2029) become spaces. In the
original all but LF end the caption and shift every later one.

The original reads its captions as one file, and looks into the next one: `fig.` at the end of a caption keeps its full
stop when the next begins with a number, and `a.` loses its when the next begins with a word like `The`. `tokenize_all`
does the same; `tokenize` takes a text by itself.

At each place the longest match wins, counted with the context that a rule asks for behind its token; among equals the
first rule.
"""

import functools
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from sar_models.metrics.ptb_rules import grammar

# The original's list holds the names of brackets in capitals, which never occur in lower-case tokens: brackets stay.
PUNCTUATION = frozenset(["''", "'", "``", "`", ".", "?", "!", ",", ":", "-", "--", "...", ";"])

_ALONE = "\nz"  # a context that changes nothing
_CONTEXT = 20  # characters of the next text: more than the longest word that matters there
_SEPARATORS = str.maketrans(dict.fromkeys("\n\r\v\f\x85\u2028\u2029", " "))


def tokenize(text: str) -> str:
    """Tokens of `text`, lower-case and without punctuation, joined by single spaces; empty when none is left."""
    return tokenize_all([text])[0]


def tokenize_all(texts: Sequence[str]) -> list[str]:
    """Tokens of each of `texts`, as the original gives them for a file with one of them a line."""
    lines = [text.translate(_SEPARATORS) for text in texts]
    across_spaces = grammar().across_spaces.search
    result = []
    context = ""  # the line end and the beginning of the text behind it
    for line in reversed(lines):
        if not context or across_spaces(line + context):
            kept: Iterable[str] = _kept_in_context(line, context)
        else:
            kept = map(_kept_alone, line.split(" "))
        result.append(" ".join(filter(None, kept)))
        context = f"\n{line[:_CONTEXT]}\n" if line.strip() else "\n" + context
    return result[::-1]


def _kept_in_context(line: str, context: str) -> Iterator[str]:
    """Tokens where some chunks of `line`, or its last and the next line, depend on each other."""
    across_spaces = grammar().across_spaces.search
    chunks = line.split(" ")
    if "<" in line or "" in chunks:  # a tag, and spaces after a full stop, reach over any number of chunks
        yield _kept(line, context)
        return
    together = chunks[0]
    for before, chunk in pairwise(chunks):
        if across_spaces(f"{before} {chunk}\n"):
            together += f" {chunk}"
        else:
            yield _kept_alone(together)
            together = chunk
    yield _kept(together, context)


@functools.lru_cache(maxsize=1 << 16)  # the same chunks come again and again
def _kept_alone(chunk: str) -> str:
    return _kept(chunk, _ALONE)


def _kept(text: str, context: str) -> str:
    return " ".join(token for token in _tokens(text, context) if token not in PUNCTUATION)


def _tokens(text: str, context: str) -> list[str]:
    found = grammar()
    padded = text + context
    tokens = []
    position = 0
    while position < len(text):
        best = None
        write = None
        for pattern, rewrite in found.rules:
            match = pattern.match(padded, position)
            if match and (best is None or match.end() > best.end()):
                best, write = match, rewrite
        if best is not None:
            token, position = best[1], best.end(1)
            token = write(token) if write else token
        else:
            token, position = text[position], position + 1
            token = found.rewritten.get(token, token) if found.symbol.match(token) else ""
        if token:
            tokens.append(token.replace(" ", "\xa0").lower())
    return tokens
