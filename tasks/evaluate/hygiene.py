"""Whether the test sets are clean: what the leak guard took out of their sources, and that nothing is left of it.

The gate in front of training has looked already. What evaluate is given is looked at again, for tables may have been
edited since, or come from elsewhere: a test image that a model was trained on is worth an error, not a number.
"""

from collections.abc import Sequence
from typing import Any

from sar_models.metrics.retrieval import text_key
from tasks import paths, records
from tasks.evaluate.test_sets import TestPool, TestSet
from tasks.validate.leakage import near_copies

SPLITS = ("train", "val", "test")
COPY, NEAR_COPY, OVERLAP = "image_copy", "image_near_copy", "image_overlap"  # reasons of the gate
UNREADABLE = frozenset({"image_readable", "image_digest"})


def refuse_leaks(modalities: Sequence[str] = ("optical", "sar")) -> dict[str, int]:
    """Compare the test images of each text with what models see in training and validation; text → images compared.

    Raises `ValueError` naming table and record for a test image that is also there: the same bytes, in either text, or
    nearly the same picture or the same group, in its own.
    """
    images = {modality: _images(modality) for modality in modalities}
    seen = {
        image["sha256"]: image
        for of_text in images.values()
        for image in of_text
        if image["split"] != "test" and image["sha256"]
    }
    compared = {}
    for modality, of_text in images.items():
        trained = {image["record_id"]: image for image in of_text if image["split"] != "test"}
        tested = {image["record_id"]: image for image in of_text if image["split"] == "test"}
        groups = {image["group"]: image for image in trained.values()}
        for image in tested.values():
            if image["sha256"] in seen:
                raise _leak(modality, image, seen[image["sha256"]], "has the same bytes as")
            if image["group"] in groups:
                raise _leak(modality, image, groups[image["group"]], f"is of the same group ({image['group']}) as")
        for copy, other in near_copies(_described(modality, of_text)).items():
            if other in tested:
                raise _leak(modality, tested[other], trained[copy], "looks nearly the same as")
        compared[modality] = len(trained)
    return compared


def measure(pool: TestPool, *, compared: dict[str, int]) -> dict[str, dict[str, int]]:
    """Test set → counts. `compared` is what `refuse_leaks` gave.

    images, captions, distinct_captions   of the test set; captions that differ in more than case and spaces
    captions_in_train                     of these captions, those that stand in the text's train split too
    images_compared                       of train and val, in which no copy of a test image is left
    exact_copies_removed                  images of the set's sources that the gate refused: the bytes of another image,
    near_copies_removed                   a picture nearly like one in a split nearer to test,
    overlaps_removed                      a part of such a picture
    leaks_removed                         near copies and overlaps together: they would have stood in two splits
    unreadable                            images that could not be decoded; they are in no split
    """
    trained = {modality: _train_texts(modality) for modality in compared}
    refused = {modality: _refused(modality) for modality in compared}
    found = {}
    for test_set in pool.sets:
        modality = test_set.name.partition("/")[0]
        sources = _sources(test_set, pool)
        reasons = [reason for source, reason in refused[modality] if source in sources]
        captions = [text_key(text) for image in test_set.images for text in pool.captions[image]]
        near, overlaps = reasons.count(NEAR_COPY), reasons.count(OVERLAP)
        found[test_set.name] = {
            "images": len(test_set.images),
            "captions": len(captions),
            "distinct_captions": len(set(captions)),
            "captions_in_train": sum(text in trained[modality] for text in captions),
            "images_compared": compared[modality],
            "exact_copies_removed": reasons.count(COPY),
            "near_copies_removed": near,
            "overlaps_removed": overlaps,
            "leaks_removed": near + overlaps,
            "unreadable": sum(reason in UNREADABLE for reason in reasons),
        }
    return found


def _images(modality: str) -> list[dict[str, Any]]:
    """Each image of a text once, with its split."""
    images: dict[str, dict[str, Any]] = {}
    for split in SPLITS:
        path = paths.text(modality) / f"{split}.parquet"
        for row in records.read(path, columns=["record_id", "source", "sha256", "group"]):
            image = images.setdefault(row["record_id"], row | {"split": split})
            if image["split"] != split:
                raise _leak(modality, image, row | {"split": split}, "is the same record as")
    return list(images.values())


def _described(modality: str, images: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """`images` with the descriptors by which near copies are found."""
    described = {
        row["record_id"]: row
        for source in sorted({image["source"] for image in images})
        for row in records.read(
            paths.sources_data(modality) / source / "features.parquet", columns=["record_id", "dhash", "thumbnail"]
        )
        if row["dhash"] is not None
    }
    for image in images:
        if image["record_id"] not in described:
            raise ValueError(
                f"features.parquet of {image['source']} does not describe {image['record_id']}, which stands in its "
                f"{image['split']} split: run `dvc repro download@{image['source']}`, then validate again"
            )
    return [image | described[image["record_id"]] for image in images]


def _leak(modality: str, first: dict[str, Any], second: dict[str, Any], how: str) -> ValueError:
    where = paths.text(modality) / f"{first['split']}.parquet"
    return ValueError(
        f"{where}: {first['record_id']} {how} {second['record_id']} of {second['split']}, so that the test is not "
        "one of unseen images: run `dvc repro` for validate, whose leak guard keeps them apart"
    )


def _train_texts(modality: str) -> set[str]:
    return {text_key(row["text"]) for row in records.read(paths.text(modality) / "train.parquet", columns=["text"])}


def _refused(modality: str) -> list[tuple[str, str]]:
    """(source, reason) of each image that the gate refused as a whole."""
    rows = records.read(paths.text(modality) / "quarantine.parquet", columns=["source", "caption_id", "reason"])
    return [(row["source"], row["reason"]) for row in rows if row["caption_id"] is None]


def _sources(test_set: TestSet, pool: TestPool) -> set[str]:
    return {pool.images[image]["source"] for image in test_set.images}
