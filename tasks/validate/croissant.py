"""The data set described in JSON-LD, as Croissant 1.1 and GeoCroissant 1.0 (MLCommons) ask for it.

Its version names the content: a digest over the digests of all files, so equal data have equal versions anywhere. The
day of publication is a setting, for a clock would give every build another digest.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tasks.download import digests
from tasks.download.catalog import Source
from tasks.validate.write import SPLITS

NAME = "croissant.json"
LAYOUT = "1.0.0"  # of the tables; the digest of their content stands behind it
_CONFORMS = ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/geo/1.0"]
_MIME = {".parquet": "application/x-parquet", ".csv": "text/csv", ".json": "application/json",
         ".tar": "application/x-tar", ".md": "text/markdown", ".jsonl": "application/jsonlines"}  # fmt: skip
_CITE = (
    "@article{he2025sartext, title={SAR-TEXT: A Large-Scale SAR Image-Text Dataset Built with SAR-Narrator and A "
    "Progressive Learning Strategy for Downstream Tasks}, author={He and others}, journal={arXiv:2507.18743}, "
    "year={2025}}"
)
_PLACE = {
    "record_id": ("Text", "source and path of the image, with #x,y,w,h where cut from a larger one"),
    "source": ("Text", "name of the source"),
    "sha256": ("Text", "digest of the image's bytes"),
    "width_px": ("Integer", "width of the image"),
    "height_px": ("Integer", "height of the image"),
    "group": ("Text", "scene, pair or acquisition; never divided between splits"),
    "crs": ("Text", "coordinate reference system of a georeferenced image"),
}
CAPTION = _PLACE | {
    "caption_id": ("Text", "record and number of the caption"),
    "text": ("Text", "the caption"),
    "route": ("Text", "a2c, sa2c, chip, given; pair and model: written by a model"),
    "rule": ("Text", "the rule that wrote it, with its version"),
}
QUESTION = _PLACE | {
    "question_id": ("Text", "record and number of the question"),
    "question": ("Text", "the question"),
    "answer": ("Text", "the normalised answer"),
    "family": ("Text", "what kind of question"),
}


def describe(
    folder: Path,
    *,
    modality: str,
    title: str,
    description: str,
    sources: Sequence[Source],
    images: Iterable[Mapping[str, Any]],
    released: str,
) -> dict[str, Any]:
    """The description of the validated data set in `folder`: its files, their fields, its sources.

    `images` are rows with `crs` and `bounds`; `released` is a day as YYYY-MM-DD.
    """
    files = file_objects(folder, sorted(path.name for path in folder.iterdir() if path.suffix in (".parquet", ".csv",
                                                                                              ".json")))  # fmt: skip
    sets = [sources_set(sources)]
    for split in SPLITS:
        for name, fields in ((split, CAPTION), (f"{split}_questions", QUESTION)):
            if (folder / f"{name}.parquet").is_file():
                sets.append(record_set(name, fields, file=f"{name}.parquet"))
    return {
        "@context": json.loads((Path(__file__).parent / "croissant_context.json").read_text(encoding="utf-8")),
        "@type": "sc:Dataset",
        "conformsTo": _CONFORMS,
        "name": title,
        "description": description,
        "version": f"{LAYOUT}+{_content(files)}",
        "datePublished": released,
        "inLanguage": "en",
        "isLiveDataset": False,
        "keywords": ["remote sensing", modality, "image-text", "captioning", "visual question answering"],
        "license": sorted({source.licence.strip() or "none stated" for source in sources}),
        "creator": {"@type": "sc:Organization", "name": "SAR-TEXT", "url": "https://arxiv.org/abs/2507.18743"},
        "url": "https://arxiv.org/abs/2507.18743",
        "citeAs": _CITE,
        "citation": sorted({" ".join(source.citation.split()) for source in sources}),
        **_geo(sources, images),
        "distribution": files,
        "recordSet": sets,
    }


def write(document: Mapping[str, Any], path: Path) -> None:
    """JSON in the document's own order, as people read it."""
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def file_objects(folder: Path, names: Iterable[str]) -> list[dict[str, Any]]:
    """One `FileObject` a file below `folder`, with digest and size."""
    found = []
    for name in names:
        digest = digests.of_file(folder / name)
        found.append(
            {
                "@type": "cr:FileObject",
                "@id": name,
                "name": name,
                "contentUrl": name,
                "contentSize": f"{digest.size} B",
                "encodingFormat": _MIME.get(Path(name).suffix, "application/octet-stream"),
                "sha256": digest.sha256,
            }
        )
    return found


def record_set(name: str, fields: Mapping[str, tuple[str, str]], *, file: str) -> dict[str, Any]:
    """A `RecordSet` of columns of a table: field → (type, description)."""
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": f"One row a {'question' if 'question' in fields else 'caption'}.",
        "field": [
            {
                "@type": "cr:Field",
                "@id": f"{name}/{field}",
                "name": field,
                "description": text,
                "dataType": f"sc:{kind}",
                "source": {"fileObject": {"@id": file}, "extract": {"column": field}},
            }
            for field, (kind, text) in fields.items()
        ],
    }


def sources_set(sources: Sequence[Source]) -> dict[str, Any]:
    """The sources as a `RecordSet` that holds its own data; an empty text where a source does not say."""
    fields = {
        "name": "as in record_id",
        "title": "what it is",
        "licence": "as the publisher states it",
        "allows": "uses that the licence clearly allows",
        "citation": "how to cite it",
        "sensor": "instrument",
        "band": "radar band, IEEE 521 letter",
        "polarization": "of transmitted and received waves",
        "spatialResolution": "nominal, in metres",
    }
    rows = [
        {
            "name": source.name,
            "title": source.title,
            "licence": source.licence.strip(),
            "allows": ", ".join(source.allows),
            "citation": " ".join(source.citation.split()),
            "sensor": source.sensor or "",
            "band": source.band or "",
            "polarization": source.polarization or "",
            "spatialResolution": "" if source.resolution_m is None else f"{source.resolution_m:g} m",
        }
        for source in sources
    ]
    return {
        "@type": "cr:RecordSet",
        "@id": "sources",
        "name": "sources",
        "description": "One row a source of images.",
        "key": {"@id": "sources/name"},
        "field": [
            {"@type": "cr:Field", "@id": f"sources/{name}", "name": name, "description": text, "dataType": "sc:Text"}
            for name, text in fields.items()
        ],
        "data": [{f"sources/{name}": value for name, value in row.items()} for row in rows],
    }


def _geo(sources: Sequence[Source], images: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """What GeoCroissant says of the set as a whole: only what holds of all of it. The rest stands with each source."""
    found: dict[str, Any] = {}
    places = [(image["crs"], tuple(image["bounds"] or ())) for image in images]
    systems = {crs for crs, _ in places}
    if len(systems) == 1 and None not in systems:
        found["geocr:coordinateReferenceSystem"] = systems.pop()
        boxes = [bounds for _, bounds in places if bounds]
        if found["geocr:coordinateReferenceSystem"] == "EPSG:4326" and len(boxes) == len(places):
            west, south, east, north = (
                choose(box[side] for box in boxes) for side, choose in enumerate((min, min, max, max))
            )
            found["spatialCoverage"] = {
                "@type": "sc:Place",
                "geo": {"@type": "sc:GeoShape", "box": f"{south} {west} {north} {east}"},
            }
    resolutions = {source.resolution_m for source in sources}
    if len(resolutions) == 1 and None not in resolutions:
        found["geocr:spatialResolution"] = {
            "@type": "sc:QuantitativeValue", "value": resolutions.pop(), "unitText": "m",
        }  # fmt: skip
    bands = {(source.band, source.polarization) for source in sources}
    if len(bands) == 1 and None not in (only := bands.pop()):
        names = [f"{only[0]}-band {polarization}" for polarization in str(only[1]).split("+")]
        found["geocr:bandConfiguration"] = {
            "@type": "geocr:BandConfiguration", "geocr:totalBands": len(names), "geocr:bandNameList": names,
        }  # fmt: skip
    found["geocr:samplingStrategy"] = (
        "All images of the sources that pass the checks; whole, or windows of larger ones, whose record_id then ends "
        "in #x,y,w,h. Splits are by group (scene, pair or acquisition)."
    )
    found["geocr:spatialBias"] = "Places are those of the sources; no attempt is made at an even cover of the Earth."
    return found


def _content(files: Sequence[Mapping[str, Any]]) -> str:
    lines = "".join(f"{file['sha256']}  {file['@id']}\n" for file in files)
    return hashlib.sha256(lines.encode()).hexdigest()[:16]
