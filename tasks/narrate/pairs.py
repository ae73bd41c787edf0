"""SAR–optical pairs.

A SAR image whose scene is annotated is narrated through the grammar of boxes and regions. The optical image of a pair
gets no text here, and neither does a pair without annotation.
"""

from collections.abc import Mapping
from typing import Any


def is_pair(record: Mapping[str, Any]) -> bool:
    return record["pair_id"] is not None


def can_be_narrated(record: Mapping[str, Any]) -> bool:
    """Whether it is the SAR image of a pair, with the boxes or regions of its scene."""
    return record["modality"] == "sar" and (record["boxes"] is not None or record["regions"] is not None)
