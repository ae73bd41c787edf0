"""`params.yaml` as frozen dataclasses, read once by each stage."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sar_models.settings import Decoding, Hardware, ModelSettings
from tasks import paths, strict


@dataclass(frozen=True)
class Narrate:
    """How many captions, and which of the equally true ones."""

    captions_per_image: int
    seed: int


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
    split: Split


@dataclass(frozen=True)
class Evaluate:
    """What is measured, and how surely."""

    bootstrap_draws: int
    seed: int
    batch_size: int
    meteor: bool  # needs Java
    decoding: Decoding
    sample_images: int  # on the page of test images


@dataclass(frozen=True)
class Tracking:
    """Names in MLflow."""

    experiment: str
    registry_suffix: str  # behind the registered names sar-rs-clip and sar-rs-coca


@dataclass(frozen=True)
class Params:
    """All settings of a run."""

    seed: int
    sources: dict[str, Literal["optical", "sar"]]  # which take part, and in which text
    hardware: Hardware
    narrate: Narrate
    validate: Validate
    clip: ModelSettings
    coca: ModelSettings
    evaluate: Evaluate
    tracking: Tracking

    def of(self, modality: str) -> list[str]:
        """Names of the sources whose text belongs to `modality`, sorted."""
        return sorted(name for name, text in self.sources.items() if text == modality)

    def model(self, name: str) -> ModelSettings:
        """Settings of the model `clip` or `coca`."""
        return {"clip": self.clip, "coca": self.coca}[name]


def load(path: Path | None = None) -> Params:
    """Read `params.yaml`; an unknown, missing or mistyped key is a `ValueError` that names it."""
    return strict.load(Params, path or paths.params_file())
