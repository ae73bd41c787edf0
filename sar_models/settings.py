"""Settings of models, training and decoding: plain dataclasses, so that reading them imports no torch."""

import re
from dataclasses import dataclass
from math import inf
from typing import Literal

Frozen = Literal["none", "image", "text"]
Contrastive = Literal["softmax", "sigmoid"]


MOST_EPOCHS = 10_000  # more is a slip of the hand
RANDOM, TIMM = "random", "timm:"  # of start.weights: none; what stands before those of an image tower


def bounded(settings: object, *, least: float, most: float = inf, keys: tuple[str, ...]) -> None:
    """Raise `ValueError` for the first of `keys` whose number is not finite or not from `least` to `most`."""
    for key in keys:
        value = getattr(settings, key)
        if not (least <= value <= most and value < inf):
            allowed = f"at least {least:g}" if most == inf else f"from {least:g} to {most:g}"
            raise ValueError(f"{key} is {value}; it must be {allowed}")


@dataclass(frozen=True)
class Hardware:
    """What the arithmetic runs on; part of the settings because weights depend on it, never detected."""

    device: str = "cpu"  # cpu, cuda, cuda:1 …
    precision: Literal["fp32", "bf16"] = "fp32"
    threads: int = 2  # of torch on the CPU, in each process
    processes: int = 1  # of training; above 1 the training stages start themselves under torchrun
    compile: bool = False  # training steps through torch.compile
    pixel_cache: bool = True  # pictures decoded once into a file and shared; false reads them from the shards

    def __post_init__(self) -> None:
        if not re.fullmatch(r"cpu|cuda(:\d{1,3})?", self.device):
            raise ValueError(f"device is {self.device!r}, no device of ours: only cpu and cuda (cuda:1 …) are")
        if self.threads < 1 or self.processes < 1:
            raise ValueError(f"threads ({self.threads}) and processes ({self.processes}) must be at least 1")


@dataclass(frozen=True)
class Training:
    """One stage of training of one model."""

    epochs: int
    batch_size: int  # images a step over all processes
    learning_rate: float  # the peak, after warm-up
    weight_decay: float
    warmup_steps: int
    gradient_clip: float  # largest norm of the gradient
    patience: int  # validations without a better loss before stopping; 0 never stops early
    caption_weight: float = 1.0  # CoCa: weight of the caption loss
    contrastive_weight: float = 1.0  # CoCa: weight of the contrastive loss
    contrastive_loss: Contrastive = "softmax"  # CLIP and CoCa: sigmoid is SigLIP's
    micro_batch: int = 0  # images of a process that go through the network together; 0: its whole share of the batch
    frozen: Frozen = "none"  # CLIP and CoCa: the tower that keeps its weights
    ema_decay: float = 0.0  # above 0 a moving average of the weights is validated and kept
    stage_1_share: float = 0.0  # stage 2: share of the stage-1 weights in the final ones
    replay: float = 0.0  # stage 2 of CLIP and CoCa: share of the stage-1 training images that it goes on to see
    augment: Literal["none", "sar"] = "none"  # sar: speckle, gain, flips and turns with the caption. docs/input.md

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.batch_size < 2:
            raise ValueError(f"epochs ({self.epochs}) must be at least 1 and batch_size ({self.batch_size}) at least 2")
        if self.learning_rate <= 0 or self.gradient_clip <= 0:
            raise ValueError("learning_rate and gradient_clip must be above 0")
        at_least_0 = ("weight_decay", "warmup_steps", "patience", "caption_weight", "contrastive_weight")
        bounded(self, least=1, most=MOST_EPOCHS, keys=("epochs",))
        bounded(self, least=0, keys=("learning_rate", "gradient_clip", *at_least_0, "micro_batch"))
        bounded(self, least=0, most=0.99999, keys=("ema_decay",))
        bounded(self, least=0, most=1, keys=("stage_1_share", "replay"))


@dataclass(frozen=True)
class Start:
    """The weights that stage 1 begins from. docs/models.md"""

    weights: str = "random"  # a path, a tag of open_clip, hf:ORG/NAME; timm:PATH or timm:TAG, of the image tower alone
    sha256: str = ""  # of the file of weights, which is refused if it has another; empty: any
    resize_positions: bool = False  # interpolate the positions of weights for another image size or context length

    def __post_init__(self) -> None:
        if not self.weights:
            raise ValueError("weights is empty; give random, a path, a tag of open_clip, hf:ORG/NAME or timm:TAG")
        if self.weights == RANDOM and (self.sha256 or self.resize_positions):
            raise ValueError("random weights have no sha256 and nothing to resize; leave both out, or name weights")
        if self.weights.startswith(TIMM) and self.resize_positions:
            raise ValueError("resize_positions is for weights of a whole model; leave it out for an image tower's")
        if self.sha256 and not re.fullmatch("[0-9a-f]{64}", self.sha256):
            raise ValueError(f"sha256 is {self.sha256!r}; give the 64 digits that `sha256sum FILE` prints")


@dataclass(frozen=True)
class ModelSettings:
    """A model and its two stages."""

    architecture: str  # a name in sar_models/configs or one of open_clip's own, such as ViT-L-14
    pretrain: Training  # stage 1, optical
    finetune: Training  # stage 2, SAR
    start: Start = Start()
    context_length: int = 0  # tokens of a caption, start and end included; 0: as many as the architecture says

    def __post_init__(self) -> None:
        bounded(self, least=0, keys=("context_length",))
        _no_stage_before(self.pretrain, name="pretrain")
        if self.pretrain.augment == "sar":
            raise ValueError("pretrain.augment is sar, but stage 1 learns from optical images: leave it out there")


@dataclass(frozen=True)
class Lora:
    """Low-rank adapters beside the linear layers of a language model (Hu et al. 2021)."""

    rank: int = 0  # 0: no adapters, the language model itself is trained, as one without pretrained weights must be
    alpha: int = 16
    dropout: float = 0.0

    def __post_init__(self) -> None:
        bounded(self, least=0, keys=("rank",))
        bounded(self, least=1, keys=("alpha",))
        bounded(self, least=0, most=0.99, keys=("dropout",))


@dataclass(frozen=True)
class GptShape:
    """What a SAR-GPT is built from beside the image tower."""

    language_model: str
    revision: str
    lora: Lora
    tower_layer: int


@dataclass(frozen=True)
class GptSettings:
    """SAR-GPT: a language model that sees through the image tower of SAR-RS-CLIP, and its stages. docs/sar-gpt.md"""

    language_model: str  # a name in sar_models/configs, a hub id such as microsoft/phi-2, or a local folder
    lora: Lora
    align: Training  # stage 0: captions, for the projector; and for a language model that begins with random weights
    pretrain: Training  # stage 1: optical questions
    finetune: Training  # stage 2: SAR questions
    revision: str = ""  # a commit of the hub, so that the same weights come again; empty: the newest
    tower_layer: int = -2  # of the image tower, whose tokens the language model sees; -1 is the last

    def __post_init__(self) -> None:
        if not self.language_model:
            raise ValueError("language_model is empty; give sar_gpt_tiny, a hub id or a local folder")
        _no_stage_before(self.align, name="align")
        _no_stage_before(self.pretrain, name="pretrain")
        for name in ("align", "pretrain", "finetune"):
            if getattr(self, name).augment == "sar":
                raise ValueError(
                    f"{name}.augment is sar, but SAR-GPT looks at each picture once, through a frozen tower: leave it "
                    "out there"
                )
        if self.finetune.replay:
            raise ValueError(f"finetune.replay is {self.finetune.replay}, but SAR-GPT replays nothing: leave it out")

    @property
    def shape(self) -> GptShape:
        """What these settings ask for."""
        return GptShape(self.language_model, self.revision, self.lora, self.tower_layer)


@dataclass(frozen=True)
class Answering:
    """How questions are answered: greedily."""

    max_tokens: int = 8
    batch_size: int = 64

    def __post_init__(self) -> None:
        bounded(self, least=1, keys=("max_tokens", "batch_size"))


@dataclass(frozen=True)
class Decoding:
    """How captions are decoded."""

    method: Literal["greedy", "beam"] = "greedy"
    beams: int = 4  # for beam
    max_tokens: int = 48
    batch_size: int = 64

    def __post_init__(self) -> None:
        bounded(self, least=1, keys=("beams", "max_tokens", "batch_size"))


@dataclass(frozen=True)
class Sampling:
    """How captions are drawn at random, each by a seed of its own."""

    temperature: float = 0.7  # below 1 sharper than the model's own probabilities
    max_tokens: int = 48
    batch_size: int = 64

    def __post_init__(self) -> None:
        bounded(self, least=1, keys=("max_tokens", "batch_size"))
        if not 0 < self.temperature < inf:
            raise ValueError(f"temperature is {self.temperature}; it must be above 0 (for none, decode greedily)")


def _no_stage_before(settings: Training, *, name: str) -> None:
    for key in ("stage_1_share", "replay"):
        if value := getattr(settings, key):
            raise ValueError(f"{name}.{key} is {value}, but only finetune has a stage before it")
