"""Data card and Croissant description of an export: those of the data set, with the export's own files."""

import json
from functools import partial
from typing import Any

import yaml

from tasks.export.bundle import Bundle
from tasks.validate import croissant
from tasks.validate.card import HUB_NAME
from tasks.validate.write import SPLITS

CARD = "README.md"


def write(bundle: Bundle, *, layout: str) -> None:
    """Write `README.md` and `croissant.json` of what lies in the folder."""
    files = sorted(
        path.relative_to(bundle.out).as_posix()
        for path in bundle.out.rglob("*")
        if path.is_file() and not path.name.startswith(".") and path.name not in (CARD, croissant.NAME)
    )
    described = json.loads((bundle.folder / croissant.NAME).read_text(encoding="utf-8"))
    listed = croissant.file_objects(bundle.out, [name for name in files if not name.startswith("Image/")])
    loose = sorted({name.split("/")[1] for name in files if name.startswith("Image/")})
    described["distribution"] = listed + [_images(source) for source in loose]
    own = [known for known in described["recordSet"] if known["@id"] == "sources"]
    described["recordSet"] = own + _record_sets(layout)
    bundle.put(croissant.NAME, partial(croissant.write, described))
    card = _card((bundle.folder / CARD).read_text(encoding="utf-8"), files, layout=layout)
    bundle.put_bytes(CARD, card.encode())


def _images(source: str) -> dict[str, Any]:
    return {
        "@type": "cr:FileSet",
        "@id": f"images-{source}",
        "name": f"images-{source}",
        "description": f"Images of {source}.",
        "encodingFormat": ["image/png", "image/jpeg", "image/bmp"],
        "includes": f"Image/{source}/**",
    }


def _record_sets(layout: str) -> list[dict[str, Any]]:
    if layout != "openclip":
        return []  # read by their own loaders
    fields = {"filepath": ("Text", "path of the image"), "caption": ("Text", "the caption")}
    return [croissant.record_set(split, fields, file=f"{split}.csv") for split in SPLITS]


def _card(card: str, files: list[str], *, layout: str) -> str:
    """The card with a head that names this export's files; only the Hub's own layout lets the Hub load it."""
    _, head, body = card.split("---\n", 2)
    facts = yaml.safe_load(head)
    facts.pop("configs", None)
    if layout == "huggingface":
        found = {name: [file for file in files if file.startswith(f"data/{name}-")] for name in HUB_NAME.values()}
        facts["configs"] = [
            {
                "config_name": "default",
                "data_files": [{"split": name, "path": f"data/{name}-*"} for name, own in found.items() if own],
            }
        ]
    return f"---\n{yaml.safe_dump(facts, sort_keys=False, allow_unicode=True)}---\n{body}"
