"""Image towers of timm: one whose batch norms were folded away, and any with tokens for CoCa."""

from typing import Any

import torch
from open_clip.timm_model import TimmModel
from timm.layers.norm_act import BatchNormAct2d
from timm.models import register_model
from timm.models.efficientnet import mobilenetv2_100
from torch import nn


class FoldedNorm(BatchNormAct2d):
    """A batch norm that was folded into the convolution before it. What is left scales and shifts, and is trained; the
    statistics of a batch would undo the folding, so that nothing would be left of what the tower had learned."""

    def train(self, mode: bool = True) -> "FoldedNorm":
        super().train(False)
        return self


@register_model
def mobilenetv2_100_folded(pretrained: bool = False, **settings: Any) -> nn.Module:
    """MobileNetV2 (Sandler et al. 2018) as TensorFlow Lite keeps it: folded norms, TensorFlow's `SAME` padding."""

    def norm(channels: int, **options: Any) -> FoldedNorm:  # a function, for timm replaces a class by one of its own
        return FoldedNorm(channels, act_layer=nn.ReLU6, **options)

    tower: nn.Module = mobilenetv2_100(pretrained=pretrained, pad_type="same", norm_layer=norm, **settings)
    return tower


class CellTower(nn.Module):
    """A convolutional tower of timm for CoCa, whose decoder needs tokens to attend to: the projected cells of the last
    feature map, each with its place, which convolutions hardly tell. The pooled vector is open_clip's own."""

    def __init__(self, tower: TimmModel, *, image_size_px: int) -> None:
        """`tower` gives trunk and head. Raises `ValueError` when its features are no map to average over."""
        super().__init__()
        self.trunk, self.head, self.image_size = tower.trunk, tower.head, tower.image_size
        was = self.trunk.training
        with torch.inference_mode():  # in training the zeros would count among the statistics
            features = self.trunk.eval().forward_features(torch.zeros(1, 3, image_size_px, image_size_px))
        self.trunk.train(was)
        if features.ndim != 4 or not isinstance(getattr(self.head, "proj", None), nn.Linear):
            raise ValueError(
                "of timm's towers CoCa takes convolutional ones with timm_pool 'avg' and timm_proj 'linear'"
            )
        cells = features.shape[2] * features.shape[3]
        self.place = nn.Parameter(torch.randn(cells, self.head.proj.out_features) * 0.02)

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Images (N, 3, S, S) → pooled (N, D), tokens (N, cells, D)."""
        features = self.trunk.forward_features(images)
        tokens = self.head(features.flatten(2).transpose(1, 2)) + self.place
        return self.head(self.trunk.forward_head(features)), tokens
