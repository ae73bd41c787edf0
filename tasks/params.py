"""`params.yaml` as frozen dataclasses, read once by each stage."""

import re
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Literal

from sar_models.settings import (
    RANDOM,
    Answering,
    Decoding,
    GptSettings,
    Hardware,
    ModelSettings,
    Sampling,
    Start,
    bounded,
)
from tasks import architectures, paths, strict

OUR_CAPTIONER = "models/optical/coca"  # need not be there when the settings are read
VARIANTS = ("initial", "optical", "sar", "two_stage")  # of every model: untrained, and after each way of training
MOST_SEED = 10**9  # of what numpy and torch draw: neither takes a negative one, torch none beyond 64 bits


@dataclass(frozen=True)
class Narrate:
    """How many captions, and which of the equally true ones."""

    captions_per_image: int
    questions_per_image: int  # at most; 0: none
    seed: int

    def __post_init__(self) -> None:
        bounded(self, least=1, most=20, keys=("captions_per_image",))
        bounded(self, least=0, keys=("questions_per_image",))


@dataclass(frozen=True)
class Split:
    """Shares of the groups of a source that has no split of its own; the split is a hash of seed and group."""

    val: float
    test: float
    seed: int

    def __post_init__(self) -> None:
        if not (0 < self.val < 1 and 0 < self.test < 1 and self.val + self.test < 1):
            raise ValueError(f"val ({self.val}) and test ({self.test}) must each lie between 0 and 1, and so their sum")


@dataclass(frozen=True)
class Validate:
    """The gate in front of training."""

    min_side_px: int
    max_side_px: int
    min_words: int
    max_words: int
    max_quarantine_share: float  # of a source's captions; above it the stage fails
    licence_use: Literal["any", "research", "commercial", "redistribution"]  # builds only from sources that allow it
    released: str  # the day in the Croissant description, YYYY-MM-DD: a setting, for outputs hold no clock
    split: Split

    def __post_init__(self) -> None:
        bounded(self, least=1, keys=("min_side_px", "min_words"))
        bounded(self, least=self.min_side_px, keys=("max_side_px",))
        bounded(self, least=self.min_words, keys=("max_words",))
        bounded(self, least=0, most=1, keys=("max_quarantine_share",))
        if not re.fullmatch(r"\d{4}-[01]\d-[0-3]\d", self.released):
            raise ValueError(f'released is {self.released!r}; write a day as "2026-01-31", in quotes')


@dataclass(frozen=True)
class LanguageModel:
    """The rewriter `language_model` of the pairs route."""

    name: str = ""  # a hub id such as Qwen/Qwen3-4B-Instruct-2507, or a local folder
    revision: str = ""  # a commit of the hub, so that the same weights come again; empty: the newest
    max_new_tokens: int = 96
    batch_size: int = 16

    def __post_init__(self) -> None:
        bounded(self, least=1, keys=("max_new_tokens", "batch_size"))


@dataclass(frozen=True)
class Pairs:
    """SAR captions from the optical image of a pair. docs/pairs.md"""

    sources: tuple[str, ...]  # of those that take part
    captioner: str  # models/optical/coca, or ARCHITECTURE:CHECKPOINT or ARCHITECTURE:TAG of open_clip
    decoding: Decoding
    rewriter: Literal["rules", "language_model"]
    language_model: LanguageModel
    held_out_images: int  # annotated images on which captioner and rewriter are measured
    min_claim_precision: float  # of them together; below it all of the pair text goes to quarantine
    seed: int

    def __post_init__(self) -> None:
        _each_once(self.sources)
        bounded(self, least=0, keys=("held_out_images",))
        bounded(self, least=0, most=1, keys=("min_claim_precision",))
        if self.rewriter == "language_model" and not self.language_model.name:
            raise ValueError("rewriter is language_model, so language_model.name must be a hub id or a local folder")


@dataclass(frozen=True)
class ModelText:
    """Captions of images without annotation, by SAR-RS-CoCa. docs/model-text.md"""

    sources: tuple[str, ...]  # of those that take part
    decoding: Decoding  # of the caption that is kept
    sampling: Sampling
    samples: int  # random captions beside the greedy and the kept one, for agreement
    validation_images: int  # of the SAR text's validation split, on which the thresholds are set
    min_claim_precision: float  # that captions above the thresholds must reach there
    seed: int

    def __post_init__(self) -> None:
        _each_once(self.sources)
        bounded(self, least=1, keys=("samples",))
        bounded(self, least=0, keys=("validation_images",))
        bounded(self, least=0, most=1, keys=("min_claim_precision",))


@dataclass(frozen=True)
class External:
    """A checkpoint of other people, evaluated as a further variant. docs/evaluation.md"""

    name: str  # of the variant
    kind: Literal["clip", "coca"]
    architecture: str  # one of ours or of open_clip, such as ViT-B-32
    weights: str  # as in clip.start
    sha256: str = ""
    resize_positions: bool = False

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z]\w*", self.name):
            raise ValueError(f"name is {self.name!r}; use letters, digits and '_', a letter first")
        if self.name in VARIANTS:
            raise ValueError(f"name is '{self.name}', which is a variant of ours ({', '.join(VARIANTS)}): take another")
        if self.weights == RANDOM:
            raise ValueError("weights is random; name a file, a tag of open_clip or hf:ORG/NAME")
        assert self.start, "its own checks have passed"

    @property
    def start(self) -> Start:
        """The weights, as a training would begin with them."""
        return Start(self.weights, self.sha256, self.resize_positions)


@dataclass(frozen=True)
class Evaluate:
    """What is measured, and how surely."""

    bootstrap_draws: int
    seed: int
    batch_size: int
    meteor: bool  # needs Java
    decoding: Decoding
    answering: Answering  # of SAR-GPT
    sample_images: int  # on the page of test images
    spice: bool = False  # needs Java and CoreNLP
    slice_images: int = 0  # SAR test images that are also shown with speckle, noise, another gain, fewer pixels
    external: tuple[External, ...] = ()

    def __post_init__(self) -> None:
        bounded(self, least=1, keys=("bootstrap_draws", "batch_size"))
        bounded(self, least=0, keys=("sample_images", "slice_images"))
        names = [external.name for external in self.external]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(
                f"external names {', '.join(twice)} more than once; give each checkpoint a name of its own"
            )
        bounded(self, least=0, most=MOST_SEED, keys=("seed",))


@dataclass(frozen=True)
class Guard:
    """What a new champion of one kind may lose: metric → margin, in the metric's own unit. docs/promotion.md"""

    sar: dict[str, float]  # of the SAR test set: no worse than the margin in each, surely better in one
    optical: dict[str, float]  # of the optical test set: what may be forgotten

    def __post_init__(self) -> None:
        if not self.sar:
            raise ValueError("sar names no metric; a new champion must be better in something")
        for name, margin in (self.sar | self.optical).items():
            if name.startswith("vqa_count_error"):
                raise ValueError(f"{name} is an error, the lower the better; guard metrics of which more is better")
            if not 0 <= margin < inf:
                raise ValueError(f"the margin of {name} is {margin}; it must be at least 0")


@dataclass(frozen=True)
class Gate:
    """What a challenger must show before it becomes the champion. docs/promotion.md"""

    least_images: int  # that are left of a test set without what either model learned from
    clip: Guard
    coca: Guard
    gpt: Guard

    def __post_init__(self) -> None:
        bounded(self, least=2, keys=("least_images",))

    def of(self, kind: Literal["clip", "coca", "gpt"]) -> Guard:
        return {"clip": self.clip, "coca": self.coca, "gpt": self.gpt}[kind]


@dataclass(frozen=True)
class Tracking:
    """Names in MLflow."""

    experiment: str
    registry_suffix: str  # behind the registered names sar-rs-clip, sar-rs-coca and sar-gpt

    def __post_init__(self) -> None:
        if not re.fullmatch(r"\w[\w. -]*", self.experiment):  # also the name of a folder, of its artifacts
            raise ValueError(f"experiment is {self.experiment!r}; use letters, digits, blanks and '_', '.', '-'")
        if not re.fullmatch(r"[\w.-]*", self.registry_suffix):
            raise ValueError(f"registry_suffix is {self.registry_suffix!r}; use letters, digits and '_', '.', '-'")


@dataclass(frozen=True)
class Params:
    """All settings of a run."""

    seed: int
    sources: dict[str, Literal["optical", "sar"]]  # which take part, and in which text
    hardware: Hardware
    narrate: Narrate
    validate: Validate
    pairs: Pairs
    model_text: ModelText
    clip: ModelSettings
    coca: ModelSettings
    gpt: GptSettings
    evaluate: Evaluate
    gate: Gate
    tracking: Tracking

    def __post_init__(self) -> None:
        bounded(self, least=0, most=MOST_SEED, keys=("seed",))

    def of(self, modality: str) -> list[str]:
        """Names of the sources whose text belongs to `modality`, sorted."""
        return sorted(name for name, text in self.sources.items() if text == modality)

    def model(self, name: str) -> ModelSettings:
        """Settings of the model `clip` or `coca`. Raises `ValueError` for another name."""
        models = {"clip": self.clip, "coca": self.coca}
        if name not in models:
            raise ValueError(f"no model '{name}'; there are {', '.join(models)}")
        return models[name]


def _each_once(sources: tuple[str, ...]) -> None:
    if twice := sorted({name for name in sources if sources.count(name) > 1}):
        raise ValueError(f"sources names {', '.join(twice)} more than once; name each source once")


def load(path: Path | None = None) -> Params:
    """Read `params.yaml`; an unknown, missing or mistyped key is a `ValueError` that names it."""
    path = path or paths.params_file()
    params = strict.load(Params, path)
    for key, names in (("pairs", params.pairs.sources), ("model_text", params.model_text.sources)):
        if strangers := sorted(name for name in names if params.sources.get(name) != "sar"):
            raise ValueError(f"{path}: {key}.sources names {', '.join(strangers)}, not listed as sar under `sources`")
    for kind in ("clip", "coca"):
        architectures.check(params.model(kind).architecture, key=f"{path}: {kind}.architecture")
    captioner, separator, _ = params.pairs.captioner.partition(":")
    if separator:
        architectures.check(captioner, key=f"{path}: pairs.captioner")
    elif captioner != OUR_CAPTIONER and not any((root / captioner).is_dir() for root in paths.weights()):
        raise ValueError(
            f"{path}: pairs.captioner is '{captioner}', no folder of a model; give {OUR_CAPTIONER}, or an architecture "
            "of open_clip and its weights, ARCHITECTURE:CHECKPOINT or ARCHITECTURE:TAG"
        )
    return params
