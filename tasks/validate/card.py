"""The data card: what a user of the data set must know before using it, licences and limits above all."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import yaml

from tasks.download.catalog import Source
from tasks.params import Validate
from tasks.validate.features import Tables
from tasks.validate.gate import Verdict
from tasks.validate.write import SPLITS

_ROUTES = ("a2c", "sa2c", "chip", "pair", "model", "given")
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def render(tables: Tables, verdict: Verdict, measured: Mapping[str, Any], *, settings: Validate) -> str:
    """The data card (Markdown with a YAML head, as Hugging Face reads it)."""
    title = {"sar": "SAR-TEXT", "optical": "Optical text, stage 1 of SAR-TEXT"}[tables.modality]
    sort = {"sar": "SAR", "optical": "optical"}[tables.modality]
    simulated = [name for name, source in tables.sources.items() if source.simulate is not None]
    splits = measured["total"]["splits"]
    parts = [
        _head(title, tables, measured),
        f"# {title}\n",
    ]
    if simulated:
        parts.append(
            f"**SIMULATED**: the images and captions of {', '.join(simulated)} come from a simulation, not from a "
            "sensor. Results on them say nothing about real imagery.\n"
        )
    parts += [
        f"Image–text pairs of {sort} remote sensing images: "
        + ", ".join(
            f"{splits[split]['captions']} captions of {splits[split]['images']} images in {split}" for split in SPLITS
        )
        + f". {measured['total']['captions_refused']} captions and {measured['total']['images_refused']} images are in "
        "`quarantine.parquet`, each with its reason.\n",
        "## Splits by source\n",
        _table(
            ["source", "images", *SPLITS, "refused"],
            [
                [name, _passed_images(of), *(of["splits"][split]["images"] for split in SPLITS), of["images_refused"]]
                for name, of in measured["sources"].items()
            ],
        ),
        "Numbers are images. Where a source gives no split of its own, the split is a hash of the seed "
        f"({settings.split.seed}) and the group (scene, pair or acquisition); no group stands in two splits.\n",
        "## Captions by route\n",
        _table(
            ["source", *_ROUTES, "distinct"],
            [
                [name, *(of["routes"].get(route, 0) for route in _ROUTES), f"{of['distinct_captions_share']:.0%}"]
                for name, of in measured["sources"].items()
            ],
        ),
        "a2c: from boxes. sa2c: from class areas of a mask. chip: from the class of a target chip. pair: from a "
        "SAR–optical pair. model: written by a model, never in test. given: by the source.\n",
        "## Images by class\n",
        _classes(tables, verdict),
        "## Sources, licences, citations\n",
        *(_source(source) for source in tables.sources.values()),
        "## Known limits\n",
        _limits(tables, measured, settings=settings),
    ]
    return "\n".join(parts)


def _head(title: str, tables: Tables, measured: Mapping[str, Any]) -> str:
    captions = measured["total"]["captions_passed"]
    size = next((name for limit, name in _SIZES if captions < limit), "n>1M")
    head = {
        "pretty_name": title,
        "license": "other",
        "license_name": "by-source",
        "language": ["en"],
        "task_categories": ["image-to-text", "text-to-image"],
        "tags": ["remote-sensing", tables.modality, "image-text"],
        "size_categories": [size],
        "configs": [
            {
                "config_name": "default",
                "data_files": [{"split": split, "path": f"{split}.parquet"} for split in SPLITS],
            }
        ],
    }
    return f"---\n{yaml.safe_dump(head, sort_keys=False, allow_unicode=True)}---\n"


def _passed_images(of: Mapping[str, Any]) -> int:
    return sum(of["splits"][split]["images"] for split in SPLITS)


def _classes(tables: Tables, verdict: Verdict) -> str:
    passed = {row["record_id"] for row in verdict.passed}
    counts = {split: Counter[str]() for split in SPLITS}
    for image in tables.images:
        if image["record_id"] in passed:
            counts[image["split"]].update(image["classes"])
    names = sorted(set().union(*counts.values()))
    if not names:
        return "No source of this text is annotated with classes.\n"
    return _table(["class", *SPLITS], [[name, *(counts[split][name] for split in SPLITS)] for name in names])


def _source(source: Source) -> str:
    facts = {
        "address": source.address,
        "licence": source.licence.strip() or "missing",
        "citation": source.citation,
        "sensor": ", ".join(filter(None, (source.sensor, source.band, source.polarization))),
        "resolution": "" if source.resolution_m is None else f"{source.resolution_m:g} m",
        "role": source.role,
        "annotated exhaustively": ", ".join(source.exhaustive),
        "radiometry": source.radiometry.note,
        "note": ("SIMULATED. " if source.simulate is not None else "") + source.note,
    }
    lines = [f"- {name}: {' '.join(str(value).split())}" for name, value in facts.items() if value]
    return f"### {source.name}: {source.title}\n\n" + "\n".join(lines) + "\n"


def _limits(tables: Tables, measured: Mapping[str, Any], *, settings: Validate) -> str:
    limits = [
        "Licences differ by source, and the strictest of those you use binds you; nobody here gave legal advice.",
        "Generated captions say only what an annotation holds. An object that a source does not annotate may be there, "
        "and no caption claims its absence unless the source annotates its class exhaustively.",
        "Captions that a source gives are kept as given; with nothing to check their claims against.",
        "Near duplicates are found by difference hash and thumbnail: crops and rotated copies are not found.",
        f"Only images of {settings.min_side_px} to {settings.max_side_px} px a side and captions of "
        f"{settings.min_words} to {settings.max_words} words are in.",
    ]
    share = measured["total"]["distinct_captions_share"]
    limits.append(f"{share:.0%} of the captions are distinct: rules that speak of like scenes say like things.")
    composite = [name for name, source in tables.sources.items() if "COMPOSITE" in source.note]
    if composite:
        limits.append(f"COMPOSITE: in {', '.join(composite)} real targets are pasted into real scenes.")
    return "\n".join(f"- {limit}" for limit in limits) + "\n"


def _table(head: list[str], rows: list[list[Any]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"
