"""A page to look at: thumbnails with captions and scores, all in one file that opens anywhere."""

import base64
import html
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE_PX = 240  # the longer side of a thumbnail
A_PAGE = 1000  # images; more go to further pages
TEMPLATE = "contact_sheet.html"


def thumbnail(picture: NDArray[np.uint8]) -> str:
    """A small JPEG of `picture` (H, W, 1 or 3), as base64."""
    image = Image.fromarray(picture[:, :, 0] if picture.shape[2] == 1 else picture)
    image.thumbnail((SIDE_PX, SIDE_PX), Image.Resampling.BICUBIC)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=82)
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def pages(
    entries: Sequence[Mapping[str, Any]],
    *,
    version: Mapping[str, str],
    thumbnails: Callable[[Sequence[Mapping[str, Any]]], Mapping[str, str]],
) -> Iterator[tuple[str, str]]:
    """File name and content of each page; the first is `index.html` and lists what could not be read.

    `thumbnails` gives those of some entries by `filepath`: of one page at a time, as all may not fit in memory.
    """
    good = [entry for entry in entries if "error" not in entry]
    failed = [entry for entry in entries if "error" in entry]
    count = max(-(-len(good) // A_PAGE), 1)
    template = (Path(__file__).parent / TEMPLATE).read_text(encoding="utf-8")
    scores = [entry["clip_score"] for entry in good]
    span = (min(scores), max(scores)) if scores else (0.0, 0.0)
    for number in range(count):
        shown = good[number * A_PAGE : (number + 1) * A_PAGE]
        small = thumbnails(shown)
        values = {
            "images": f"{len(good)} image{'' if len(good) == 1 else 's'}",
            "version": " · ".join(f"{kind} {html.escape(digest)}" for kind, digest in version.items()),
            "navigation": _navigation(number, count),
            "failed": _failed(failed) if number == 0 else "",
            "cards": "\n".join(_card(entry, small[entry["filepath"]], span) for entry in shown),
        }
        yield _name(number), _filled(template, values)


def _filled(template: str, values: Mapping[str, str]) -> str:
    """In one pass, so that what a caption holds is never taken for a place to fill."""
    return re.sub(r"\{\{(\w+)\}\}", lambda match: values[match.group(1)], template)


def _name(number: int) -> str:
    return "index.html" if number == 0 else f"index_{number + 1}.html"


def _navigation(number: int, count: int) -> str:
    if count == 1:
        return ""
    links = (
        f"<b>{page + 1}</b>" if page == number else f'<a href="{_name(page)}">{page + 1}</a>' for page in range(count)
    )
    return f"<nav>Page {' '.join(links)}</nav>"


def _card(entry: Mapping[str, Any], small: str, span: tuple[float, float]) -> str:
    first, *others = (html.escape(text) for text in entry["captions"])
    path = html.escape(entry["filepath"])
    width, height = entry["size_px"]
    more = f"<ul>{''.join(f'<li>{text}</li>' for text in others)}</ul>" if others else ""
    return (
        f'<article data-clip="{entry["clip_score"]}" data-agreement="{entry["agreement"]}">'
        f'<div class="image"><img src="data:image/jpeg;base64,{small}" alt="{path}"></div>'
        f"<p>{first or '<i>(nothing)</i>'}</p>{more}"
        f'<footer><span class="path" title="{path}">{path}</span><span class="size">{width}×{height} px</span>'
        f"{_bar('CLIP score', entry['clip_score'], low=span[0], high=span[1])}"
        f"{_bar('Agreement', entry['agreement'], low=0.0, high=1.0)}</footer></article>"
    )


def _bar(label: str, value: float, *, low: float, high: float) -> str:
    share = (value - low) / (high - low) if high > low else 1.0
    return (
        f'<span class="score"><span>{label}</span>'
        f'<span class="bar"><span style="width:{100 * share:.0f}%"></span></span>'
        f"<b>{value:.2f}</b></span>"
    )


def _failed(failed: Sequence[Mapping[str, Any]]) -> str:
    if not failed:
        return ""
    rows = "".join(
        f"<li><b>{html.escape(entry['filepath'])}</b> {html.escape(entry['error'])}</li>" for entry in failed
    )
    what = "1 file was not read" if len(failed) == 1 else f"{len(failed)} files were not read"
    return f'<section class="failed"><h2>{what}</h2><ul>{rows}</ul></section>'
