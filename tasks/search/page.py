"""What was found, to look at: thumbnails in the order of their scores, all in one file that opens anywhere."""

import html
import re
from collections.abc import Sequence
from pathlib import Path

from sar_models.reading import Reading, read
from tasks.narrate.contact_sheet import thumbnail

TEMPLATE = "results.html"


def page(query: str, found: Sequence[tuple[str, float]], *, folder: Path, version: str, reading: Reading) -> str:
    """`found` are paths below `folder` with the cosine of image and `query`, best first."""
    values = {
        "query": html.escape(query),
        "version": html.escape(version),
        "cards": "\n".join(_card(path, score, folder, reading) for path, score in found),
    }
    template = (Path(__file__).parent / TEMPLATE).read_text(encoding="utf-8")
    return re.sub(r"\{\{(\w+)\}\}", lambda match: values[match.group(1)], template)


def _card(path: str, score: float, folder: Path, reading: Reading) -> str:
    shown = html.escape(path)
    image = thumbnail(read(folder / path, reading))
    return (
        f'<figure><img src="data:image/jpeg;base64,{image}" alt="{shown}">'
        f'<figcaption><span title="{shown}">{shown}</span><b>{score:.3f}</b></figcaption></figure>'
    )
