"""LLaVA conversations: loose images, `<split>.json` of questions, `<split>_captions.json` of captions.

A record is `{id, image, conversations: [{from, value}]}`; `<image>` stands before the first question of each.
"""

import hashlib
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from tasks.export.bundle import Bundle, Row
from tasks.validate.write import SPLITS, filepath

_KIND = {"sar": "SAR image", "optical": "remote sensing image"}


def write(bundle: Bundle) -> None:
    """Write images, the conversations of the questions as validate wrote them, and one a caption as an answer."""
    images = bundle.images()
    bundle.bar.expect(len(images))
    bundle.loose_images(images)
    asked = yaml.safe_load((Path(__file__).parent / "instructions.yaml").read_text(encoding="utf-8"))
    for split in SPLITS:
        bundle.put(f"{split}.json", partial(shutil.copyfile, bundle.folder / f"{split}_llava.json"))
        captions = [_caption(row, asked, kind=_KIND[bundle.modality]) for row in bundle.captions(split)]
        bundle.put_json(f"{split}_captions.json", captions)


def _caption(row: Row, asked: dict[str, list[str]], *, kind: str) -> dict[str, Any]:
    requests = asked["detailed" if row["rule"].split("@")[0].endswith(".detailed") else "short"]
    dice = int.from_bytes(hashlib.sha256(row["caption_id"].encode()).digest()[:8], "big")
    request = requests[dice % len(requests)].format(kind=kind)
    said = [{"from": "human", "value": f"<image>\n{request}"}, {"from": "gpt", "value": row["text"]}]
    return {"id": row["caption_id"], "image": filepath(row), "conversations": said}
