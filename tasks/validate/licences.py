"""What a source's licence allows. The judgement stands in `sources/<name>.yaml` as `allows`; unknown is not allowed."""

from collections.abc import Iterable, Mapping
from typing import Any, get_args

from tasks.download.catalog import Source, Use

USES: tuple[str, ...] = get_args(Use)


def forbidden(source: Source, *, use: str) -> str | None:
    """Why `source` may not be built for `use` (one of `USES`, or `any`, which asks nothing), else null."""
    if use == "any" or use in source.allows:
        return None
    stated = " ".join(source.licence.split()) or "none stated"
    return f"the licence of {source.name} is not known to allow {use} use: {stated}"


def mark(images: Iterable[dict[str, Any]], sources: Mapping[str, Source], *, use: str) -> None:
    """Give each image of `images` its `forbidden_use`."""
    why = {name: forbidden(source, use=use) for name, source in sources.items()}
    for image in images:
        image["forbidden_use"] = why[image["source"]]
