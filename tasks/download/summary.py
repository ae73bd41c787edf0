"""What a download stage reports: numbers for MLflow, one row a class for people."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ClassCount:
    """How often a class occurs in a source."""

    name: str
    images: int  # that hold it, as a box, a region or a label
    boxes: int
    area_share: float | None  # of an image's labelled pixels, mean over the images with a mask


@dataclass(frozen=True)
class DownloadSummary:
    """What a source holds after its download stage."""

    images: int  # of the source
    records: int  # images as stored: whole ones and patches
    patches: int  # records that were cut from a larger image
    left_out: tuple[tuple[str, int], ...]  # patches that were left out: (reason, number), sorted
    unreadable: int
    boxes: int
    masks: int
    labels: int
    captions: int
    questions: int
    bytes: int  # of the stored images
    classes: tuple[ClassCount, ...]  # sorted by name

    def metrics(self) -> dict[str, float]:
        """The numbers, by name."""
        names = ("images", "records", "patches", "unreadable", "boxes", "masks", "labels", "captions", "questions",
                 "bytes")  # fmt: skip
        return {name: float(getattr(self, name)) for name in names} | {
            f"left_out_{reason}": float(number) for reason, number in self.left_out
        }

    def rows(self) -> list[dict[str, Any]]:
        """One row for the whole source, then one a class."""
        left_out = ", ".join(f"{number} {reason}" for reason, number in self.left_out)
        whole = {"class": "(all)", "images": self.records, "boxes": self.boxes, "labelled area": None}
        whole["note"] = "; ".join(
            part
            for part in (
                f"{self.bytes / 1e6:.1f} MB",
                self.patches and f"{self.patches} patches",
                left_out and f"patches left out: {left_out}",
                self.unreadable and f"{self.unreadable} unreadable",
                self.captions and f"{self.captions} captions",
                self.questions and f"{self.questions} questions",
            )
            if part
        )
        return [whole] + [
            {
                "class": count.name,
                "images": count.images,
                "boxes": count.boxes,
                "labelled area": None if count.area_share is None else f"{100 * count.area_share:.1f} %",
                "note": "",
            }
            for count in self.classes
        ]


def summarise(
    rows: Sequence[Mapping[str, Any]], *, images: int, patches: int, questions: int, left_out: Mapping[str, int]
) -> DownloadSummary:
    """The summary of records as written, and of their number of given questions."""
    holding: defaultdict[str, set[str]] = defaultdict(set)
    boxes: defaultdict[str, int] = defaultdict(int)
    areas: defaultdict[str, float] = defaultdict(float)
    masks = [row for row in rows if row["regions"] is not None]
    for row in rows:
        for box in row["boxes"] or ():
            boxes[box["class"]] += 1
            holding[box["class"]].add(row["record_id"])
        for region in row["regions"] or ():
            areas[region["class"]] += region["fraction"]
            holding[region["class"]].add(row["record_id"])
        if row["label"] is not None:
            holding[row["label"]].add(row["record_id"])
    return DownloadSummary(
        images=images,
        records=len(rows),
        patches=patches,
        left_out=tuple(sorted(left_out.items())),
        unreadable=sum(row["width_px"] == 0 for row in rows),
        boxes=sum(boxes.values()),
        masks=len(masks),
        labels=sum(row["label"] is not None for row in rows),
        captions=sum(len(row["captions"] or ()) for row in rows),
        questions=questions,
        bytes=sum(row["length"] for row in rows),
        classes=tuple(
            ClassCount(name, len(holding[name]), boxes[name], areas[name] / len(masks) if name in areas else None)
            for name in sorted(holding)
        ),
    )
