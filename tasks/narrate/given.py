"""Captions that the source gives: kept word for word, with nothing claimed on their behalf."""

from collections.abc import Mapping
from typing import Any


def captions(record: Mapping[str, Any]) -> list[str]:
    """The source's own captions in their order. Repeated and empty ones stay: to refuse them is validate's part."""
    return list(record["captions"] or ())
