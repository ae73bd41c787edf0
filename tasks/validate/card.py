"""The data card: what a user of the data set must know before using it, licences and limits above all."""

from collections import Counter
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

import yaml

from tasks.download.catalog import Source
from tasks.params import Validate
from tasks.validate import card_text
from tasks.validate.card_text import table
from tasks.validate.features import Tables
from tasks.validate.gate import Verdict
from tasks.validate.licences import USES, forbidden
from tasks.validate.write import SPLITS

TITLES = {"sar": "SAR-TEXT", "optical": "Optical text, stage 1 of SAR-TEXT"}
HUB_NAME = {"train": "train", "val": "validation", "test": "test"}  # of our splits, on the Hugging Face Hub
_ROUTES = ("a2c", "sa2c", "chip", "pair", "model", "given")
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def render(tables: Tables, verdict: Verdict, measured: Mapping[str, Any], *, settings: Validate) -> str:
    """The data card (Markdown with a YAML head, as Hugging Face reads it)."""
    title = TITLES[tables.modality]
    simulated = [name for name, source in tables.sources.items() if source.simulate is not None]
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
        summary(tables, measured)
        + f" {measured['total']['captions_refused']} captions and {measured['total']['images_refused']} images are in "
        "`quarantine.parquet`, each with its reason.\n",
        "## Splits by source\n",
        table(
            ["source", "images", *SPLITS, "refused"],
            [
                [name, _passed_images(of), *(of["splits"][split]["images"] for split in SPLITS), of["images_refused"]]
                for name, of in measured["sources"].items()
            ],
        ),
        "Numbers are images. Where a source gives no split of its own, the split is a hash of the seed "
        f"({settings.split.seed}) and the group (scene, pair or acquisition); no group stands in two splits.\n",
        "## Captions by route\n",
        table(
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
        "## Text beside human text\n",
        card_text.statistics_section(measured["text"], modality=tables.modality),
        *card_text.questions_section(measured),
        *card_text.leaks_section(measured),
        "## Reviewed by people\n",
        card_text.review_section(measured["review"]),
        "## Licences and what they allow\n",
        _licences(tables, settings=settings),
        "## Sources, licences, citations\n",
        *(_source(source) for source in tables.sources.values()),
        "## Known limits\n",
        _limits(tables, measured, settings=settings),
    ]
    return "\n".join(parts)


def summary(tables: Tables, measured: Mapping[str, Any]) -> str:
    """What the set is and how much of it, in one sentence."""
    sort = {"sar": "SAR", "optical": "optical"}[tables.modality]
    splits = measured["total"]["splits"]
    counts = (
        f"{splits[split]['captions']} captions of {splits[split]['images']} images in {split}" for split in SPLITS
    )
    return f"Image–text pairs of {sort} remote sensing images: {', '.join(counts)}."


def _head(title: str, tables: Tables, measured: Mapping[str, Any]) -> str:
    captions = measured["total"]["captions_passed"]
    size = next((name for limit, name in _SIZES if captions < limit), "n>1M")
    head = {
        "pretty_name": title,
        "license": "other",
        "license_name": "by-source",
        "language": ["en"],
        "task_categories": ["image-to-text", "text-to-image"]
        + (["visual-question-answering"] if measured["questions"]["passed"] else []),
        "tags": ["remote-sensing", tables.modality, "image-text"],
        "size_categories": [size],
        "configs": [
            {
                "config_name": "default",
                "data_files": [{"split": HUB_NAME[split], "path": f"{split}.parquet"} for split in SPLITS],
            }
        ],
    }
    return f"---\n{yaml.safe_dump(head, sort_keys=False, allow_unicode=True)}---\n"


def _licences(tables: Tables, *, settings: Validate) -> str:
    """What each licence allows, by the judgement in the source files, and what each use would cost."""
    rows = [
        [name, " ".join(source.licence.split()) or "none stated"]
        + ["yes" if use in source.allows else "not known" for use in USES]
        for name, source in tables.sources.items()
    ]
    lines = [table(["source", "licence, as its publisher states it", *USES], rows)]
    if settings.licence_use == "any":
        lines.append("Built from all sources, whatever their licences allow. Of a build for one use would drop out:\n")
    else:
        lines.append(f"Built for {settings.licence_use} use only. What drops out for each use:\n")
    for use in USES:
        out = [name for name, source in tables.sources.items() if forbidden(source, use=use)]
        lines.append(f"- {use}: {', '.join(out) or 'nothing'}")
    lines.append("\n“yes” is our reading of the licence, and no legal advice; “not known” counts as not allowed.\n")
    return "\n".join(lines)


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
    return table(["class", *SPLITS], [[name, *(counts[split][name] for split in SPLITS)] for name in names])


def _source(source: Source) -> str:
    facts = {
        "address": _address(source.address),
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


def _address(address: str) -> str:
    """As it is written, but of a file on somebody's disk only the scheme and the last part."""
    scheme, separator, path = address.partition("://")
    if scheme.removeprefix("git+") != "file":
        return address
    repository, marker, rest = path.partition("@")
    return f"{scheme}{separator}…/{PurePosixPath(repository).name}{marker}{rest}"


def _limits(tables: Tables, measured: Mapping[str, Any], *, settings: Validate) -> str:
    limits = [
        "Licences differ by source, and the strictest of those you use binds you; nobody here gave legal advice.",
        "Generated captions say only what an annotation holds. An object that a source does not annotate may be there, "
        "and no caption claims its absence unless the source annotates its class exhaustively.",
        "Captions that a source gives are kept as given, and nothing is held against them.",
        "Copies between splits are searched for by pixels, also as crops, resized, turned or stored again; small "
        "overlaps and images without structure can escape.",
        f"Only images of {settings.min_side_px} to {settings.max_side_px} px a side and captions of "
        f"{settings.min_words} to {settings.max_words} words are in.",
    ]
    share = measured["total"]["distinct_captions_share"]
    limits.append(f"{share:.0%} of the captions are distinct: rules that speak of like scenes say like things.")
    composite = [name for name, source in tables.sources.items() if "COMPOSITE" in source.note]
    if composite:
        limits.append(f"COMPOSITE: in {', '.join(composite)} real targets are pasted into real scenes.")
    return "\n".join(f"- {limit}" for limit in limits) + "\n"
