"""The two tables that the expectations look at: a row an image, a row a caption, with all that is to be judged of it.

Joins captions, records and features of the sources of one modality; reads every image's bytes again for the digest;
reads the claims again from the text. Judges nothing: that is for the suites.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sar_models.shards import ShardReader
from tasks import paths, records
from tasks.download import catalog
from tasks.download.catalog import Source
from tasks.narrate import claims
from tasks.params import Params
from tasks.validate import leakage, licences, overlaps, pair_text, reviews, split

PLACE = [name for name, _ in records.PLACE]


@dataclass(frozen=True)
class Tables:
    """Rows as the suites see them, in the order in which they are written; each caption names its image's row."""

    modality: str
    digest: str  # of what the tables were made from, and of the settings they are judged by
    sources: dict[str, Source]
    images: list[dict[str, Any]]
    captions: list[dict[str, Any]]
    other_modality: dict[str, int]  # source → captions of images of the other modality, which do not enter this text


def assemble(modality: str, *, params: Params) -> Tables:
    """The tables of all sources of `modality`, sorted by source, record and caption number.

    Raises `ValueError` when no source takes part, an input is missing, or no caption is there at all.
    """
    own = _sources(modality, params=params)
    verdicts = reviews.load(paths.reviews())
    groups = split.assign(split.votes_of(sorted(params.sources)), settings=params.validate.split)
    images: list[dict[str, Any]] = []
    captions: list[dict[str, Any]] = []
    other_modality: dict[str, int] = {}
    with ShardReader(paths.sources_data(modality)) as shards:
        for source in own.values():
            by_models = pair_text.captions(source.name, params=params)
            new_images, new_captions, others = _of_source(
                source, by_models=by_models, modality=modality, groups=groups, shards=shards
            )
            images.extend(new_images)
            captions.extend(new_captions)
            other_modality[source.name] = others
    if not captions:
        raise ValueError(f"no caption of a {modality} image in {', '.join(own)}: see what narrate wrote")
    licences.mark(images, own, use=params.validate.licence_use)
    reviews.mark(captions, verdicts, kind="caption")
    with ShardReader(paths.sources_data(modality)) as shards:
        _mark_copies(images, shards=shards)
    return Tables(modality, digest(modality, params=params), own, images, captions, other_modality)


def digest(modality: str, *, params: Params) -> str:
    """sha256 of the input tables, descriptions and settings (the images' digests stand in the records)."""
    own = _sources(modality, params=params)
    inputs = [paths.source_groups(name) for name in sorted(params.sources)]
    inputs += [_description(name) for name in own]
    inputs += [paths.source_data(name) / "records.parquet" for name in own]
    inputs += [paths.source_data(name) / "features.parquet" for name in own]
    inputs += [paths.source_text(name) / "captions.parquet" for name in own]
    inputs += [paths.source_text(name) / "questions.parquet" for name in own]
    inputs += pair_text.files(own, params=params)
    inputs += reviews.files(paths.reviews())
    total = hashlib.sha256(repr((params.validate, params.pairs.min_claim_precision)).encode())
    for path in inputs:
        if not path.is_file():
            raise ValueError(f"{path} does not exist: run `dvc repro validate@{modality}`, or `dvc checkout`")
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def _sources(modality: str, *, params: Params) -> dict[str, Source]:
    """The sources of the modality, as they were built.

    Raises `ValueError` when none takes part, one is not downloaded, or a folder of one that takes no part lies there:
    it would be a dependency of the stage all the same.
    """
    own = params.of(modality)
    if not own:
        raise ValueError(f"no source of modality {modality} takes part: name one under `sources` in params.yaml")
    missing = [name for name in own if not _description(name).is_file()]
    missing += [name for name in sorted(params.sources) if not paths.source_groups(name).is_file()]
    if missing:
        raise ValueError(
            f"{', '.join(sorted(set(missing)))}: not downloaded; run `dvc repro validate@{modality}`, or `dvc checkout`"
        )
    for folder in (paths.sources_data(modality), paths.sources_text(modality), paths.groups()):
        known = {*params.sources} if folder == paths.groups() else {*own}
        known |= {f"{name}{paths.PAIRS}" for name in {*own} & {*params.pairs.sources}}
        strangers = sorted(path for path in folder.iterdir() if path.name.removesuffix(".parquet") not in known)
        if strangers:
            raise ValueError(
                f"{', '.join(map(str, strangers))}: of no source of this text in params.yaml, left by an earlier run; "
                "delete it, or add the source"
            )
    return {name: catalog.load(name, path=_description(name)) for name in own}


def _description(name: str) -> Path:
    return paths.source_data(name) / "source.yaml"


def _of_source(
    source: Source,
    *,
    by_models: Iterable[Mapping[str, Any]],
    modality: str,
    groups: Mapping[str, str],
    shards: ShardReader,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], int]:
    folder = paths.source_data(source.name)
    by_id = {row["record_id"]: row for row in records.read(folder / "records.parquet")}
    features = {row["record_id"]: row for row in records.read(folder / "features.parquet")}
    written = [*records.read(paths.source_text(source.name) / "captions.parquet"), *by_models]
    entering = [row for row in written if by_id.get(row["record_id"], {"modality": modality})["modality"] == modality]
    entering.sort(key=lambda row: (row["record_id"], len(row["caption_id"]), row["caption_id"]))

    asked = records.read_table(paths.source_text(source.name) / "questions.parquet", columns=["record_id"])
    ids = {*(row["record_id"] for row in entering), *asked["record_id"].unique().to_pylist()}
    told = sorted(key for key in ids & by_id.keys() if by_id[key]["modality"] == modality)
    images = [
        _image(by_id[record_id], features=features.get(record_id), source=source, groups=groups) for record_id in told
    ]
    for image in sorted(images, key=lambda image: (image["shard"], image["offset"])):
        image["sha256_read"] = hashlib.sha256(shards.read(image)).hexdigest()
    splits = {image["record_id"]: image["split"] for image in images}
    seen: dict[tuple[str, str], str] = {}
    captions = [
        _caption(row, record=by_id.get(row["record_id"]), source=source, modality=modality)
        | {
            "split": splits.get(row["record_id"]),
            "repeats": None
            if (first := seen.setdefault((row["record_id"], row["text"]), row["caption_id"])) == row["caption_id"]
            else first,
        }
        for row in entering
    ]
    return images, captions, len(written) - len(entering)


def _image(
    record: Mapping[str, Any], *, features: Mapping[str, Any] | None, source: Source, groups: Mapping[str, str]
) -> dict[str, Any]:
    stands_in = groups[record["group"]]
    named = [box["class"] for box in record["boxes"] or []] + [region["class"] for region in record["regions"] or []]
    return {name: record[name] for name in PLACE} | {
        "split": stands_in,
        "licence": source.licence.strip(),
        "excluded": split.excluded(source, split=stands_in),
        "error": "features.parquet has no row for it" if features is None else features["error"],
        "std": features and features["std"],
        "dhash": features and features["dhash"],
        "thumbnail": features and features["thumbnail"],
        "classes": sorted({*named, *([record["label"]] if record["label"] else [])}),
        "copy_of": None,
        "landmarks": features and features["landmarks"],
        "near_copy_of": None,
        "overlaps": None,
        "same_place_as": None,
    }


def _caption(
    row: Mapping[str, Any], *, record: Mapping[str, Any] | None, source: Source, modality: str
) -> dict[str, Any]:
    text = row["text"] or ""
    check = pair_text.contradictions if row["route"] in pair_text.ROUTES else claims.check
    untrue = check(text, record, exhaustive=source.exhaustive) if record is not None else []
    return {"unproven": None, **row} | {
        "source": source.name,
        "has_record": record is not None,
        "words": len(text.split()),
        "untrue": "; ".join(untrue) or None,
        "colours": ", ".join(claims.colour_words(text)) or None if modality == "sar" else None,
    }


def _mark_copies(images: Iterable[dict[str, Any]], *, shards: ShardReader) -> None:
    """Among images that can be used at all: a broken test image must not cost its whole training copy."""
    usable = [
        image
        for image in images
        if image["error"] is None and image["forbidden_use"] is None and image["sha256"] == image["sha256_read"]
    ]
    copies = leakage.exact_copies(usable)
    near = leakage.near_copies([image for image in usable if image["record_id"] not in copies])
    single = [image for image in usable if image["record_id"] not in copies.keys() | near.keys()]
    shared = overlaps.find(single, picture=shards.picture)
    for image in usable:
        image["overlaps"] = shared.overlaps.get(image["record_id"])
        image["same_place_as"] = shared.same_place.get(image["record_id"])
        image["copy_of"] = copies.get(image["record_id"])
        image["near_copy_of"] = near.get(image["record_id"])
