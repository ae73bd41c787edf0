"""What a source is: `sources/<name>.yaml` as a frozen dataclass."""

import re
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Any, Literal

from sar_models.settings import bounded
from tasks import paths, strict

Use = Literal["research", "commercial", "redistribution"]


@dataclass(frozen=True)
class Radiometry:
    """How stored values become a picture: linear from `low` (black) to `high` (white). Declared, not guessed."""

    unit: Literal["amplitude", "intensity", "db", "optical"]
    low: tuple[float, ...] = (0.0,)  # one a used band, or one for all
    high: tuple[float, ...] = (255.0,)
    bands: tuple[int, ...] = ()  # which stored bands are used, from 0; empty: all
    note: str = ""  # such as a stretch that the publisher applied

    def __post_init__(self) -> None:
        if len(self.low) != len(self.high) or not all(
            -inf < low < high < inf for low, high in zip(self.low, self.high, strict=True)
        ):
            raise ValueError("low and high need the same number of values, each low below its high, none infinite")


@dataclass(frozen=True)
class Patches:
    """Cut larger images into squares; a patch with too little valid (non-zero) area is left out."""

    size_px: int
    stride_px: int
    min_valid: float = 0.9  # share of the patch that is not exactly zero in all bands
    min_box_area: float = 0.5  # share of a box that must lie inside the patch for it to be kept, clipped

    def __post_init__(self) -> None:
        if self.size_px < 8 or not 0 < self.stride_px <= self.size_px:
            raise ValueError("size_px must be at least 8, and stride_px above 0 and not above size_px")
        bounded(self, least=0, most=1, keys=("min_valid", "min_box_area"))


@dataclass(frozen=True)
class Grouping:
    """What belongs together: images whose path matches `pattern` with the same named group `group` share a group."""

    space: str = ""  # sources with the same space share groups; empty: the source's own name
    pattern: str = ""  # regular expression with (?P<group>…) on the image path; empty: each image (or pair) alone

    def __post_init__(self) -> None:
        try:
            groups = re.compile(self.pattern).groupindex
        except re.error as error:
            raise ValueError(f"pattern is not a regular expression: {error}") from error
        if self.pattern and "group" not in groups:
            raise ValueError("pattern needs a named group (?P<group>…)")


@dataclass(frozen=True)
class Simulation:
    """What the simulated world draws for this source."""

    world: Literal["optical", "ships", "aircraft", "landcover", "pairs", "bare"]
    scenes: int
    first_scene: int  # scenes are numbered; equal numbers are the same place in every source
    seed: int = 1
    size_px: int = 256
    looks: int = 4
    bit_depth: Literal[8, 16] = 8

    def __post_init__(self) -> None:
        bounded(self, least=0, keys=("seed",))


@dataclass(frozen=True)
class Part:
    """Files from a second place, such as captions that are published apart from the images they describe."""

    folder: str  # where they are put below the source's own files
    address: str
    files: dict[str, str]  # path → sha256: always the exact subset
    mirror: str | None = None

    def __post_init__(self) -> None:
        if not self.files or not re.fullmatch(r"[\w.-]+", self.folder) or self.folder in (".", ".."):
            raise ValueError("a part needs a plain folder name and its files with their sha256")


@dataclass(frozen=True)
class Source:
    """One source of images. Field order is the order in which a person reads a source file."""

    title: str
    address: str  # s3:// https:// git+https://…@<commit>#<subdir> file:// `manual` (placed by hand) or `simulated`
    format: Literal[
        "coco", "voc", "yolo", "dota", "opensarship", "index_masks", "binary_masks", "colour_masks", "pairs", "chips",
        "images", "caption_text", "karpathy", "nwpu_captions", "csv_captions", "rsvqa",
    ]  # fmt: skip
    modality: Literal["sar", "optical"]  # of the images; the second image of a pair is optical
    role: Literal["train", "test", "both"]
    licence: str  # as the publisher states it; "none stated" is an answer
    citation: str
    radiometry: Radiometry
    allows: tuple[Use, ...] = ()  # what the licence clearly allows; none named: unknown, and so nothing
    classes: dict[str, str] = field(default_factory=dict)  # the source's class (or mask value) → our class name
    exhaustive: tuple[
        str, ...
    ] = ()  # our classes of which every instance is annotated: only of these may text say "no"
    sensor: str | None = None
    band: str | None = None
    polarization: str | None = None
    resolution_m: float | None = None  # for text only
    pixel_spacing_x_m: float | None = None
    pixel_spacing_y_m: float | None = None
    sha256: str | None = None  # of the one file or archive at `address`
    files: dict[str, str] = field(default_factory=dict)  # path → sha256: the exact subset to fetch
    files_list: str | None = None  # the same as a file beside this one: `<sha256>  <path>` a line, as sha256sum writes
    files_list_sha256: str | None = None  # of that file, so that this description alone says what the source is
    withdrawn_sha256: str | None = None  # of withdrawn/<name>.yaml: what may no longer be used (`sar-text withdraw`)
    mirror: str | None = None  # path below SAR_TEXT_MIRROR that holds the same files
    unwrap: bool = False  # where an archive wraps everything in one folder, leave that folder out of the paths
    place: str | None = None  # which archive from which page, and its layout below the mirror; goes with `manual`
    also: tuple[Part, ...] = ()  # files of other places that belong to this source
    reader: dict[str, Any] = field(default_factory=dict)  # options of the format's reader, checked by the reader
    partner: Radiometry | None = None  # of the second image of a pair; none: 8 bits, shown as they are
    patches: Patches | None = None
    grouping: Grouping = field(default_factory=Grouping)
    simulate: Simulation | None = None  # with address `simulated`
    note: str = ""  # what a user of the data must know, such as COMPOSITE
    name: str = field(default="", init=False)  # the file's name

    def __post_init__(self) -> None:
        if (self.address == "simulated") != (self.simulate is not None):
            raise ValueError("`simulate` goes with `address: simulated`, and only with it")
        if self.address == "manual" and not (self.place and self.mirror):
            raise ValueError("`address: manual` needs `place` (what to get from where) and `mirror` (where to put it)")
        if self.unwrap and (self.sha256 is None or self.files or self.files_list):
            raise ValueError("`unwrap` is for one archive with a `sha256`; `files` and `files_list` tell the paths")
        if (self.files_list is None) != (self.files_list_sha256 is None):
            raise ValueError("files_list and files_list_sha256 go together; `sha256sum FILES_LIST` prints the latter")
        if self.files_list is not None and not re.fullmatch(r"[\w-][\w.-]*", self.files_list):
            raise ValueError(f"files_list is {self.files_list!r}; name a file beside this one, such as x.sha256")
        if any(part.address == "manual" for part in self.also):
            raise ValueError("a part of `also` has an address to fetch from: only the source itself may be `manual`")
        for key in ("resolution_m", "pixel_spacing_x_m", "pixel_spacing_y_m"):
            value = getattr(self, key)
            if value is not None and not 0 < value < inf:
                raise ValueError(f"{key} is {value}; metres above 0, or leave it out")
        unknown = sorted(set(self.exhaustive) - set(self.classes.values()))
        if unknown:
            raise ValueError(f"exhaustive names {', '.join(unknown)}, which no entry of classes maps to")


def is_pinned(source: Source) -> bool:
    """Whether the description alone says what every byte must be: by digests, by a commit, or because it is drawn."""
    return bool(source.sha256 or source.files or source.files_list) or source.address.startswith(("git+", "simulated"))


def load(name: str, *, path: Path | None = None) -> Source:
    """Read `sources/<name>.yaml`. Raises `ValueError` naming the key, or the nearest known source."""
    path = path or paths.source_file(name)
    if not path.is_file():
        raise ValueError(f"no source '{name}': {path} does not exist; `sar-text sources` lists the known ones")
    source = strict.load(Source, path)
    object.__setattr__(source, "name", name)
    return source
