"""A source description for tests, with the facts that the test does not care about filled in."""

from typing import Any

from tasks import strict
from tasks.download.catalog import Source


def source(format: str, *, name: str = "fake", **facts: Any) -> Source:
    """The `Source` that a file `sources/<name>.yaml` with these facts gives."""
    mapping = {
        "title": "a fake",
        "address": "file:///nowhere/",
        "format": format,
        "modality": "sar",
        "role": "both",
        "licence": "none",
        "citation": "none",
        "radiometry": {"unit": "amplitude"},
    }
    described = strict.parse(Source, mapping | facts, where=f"sources/{name}.yaml")
    object.__setattr__(described, "name", name)
    return described
