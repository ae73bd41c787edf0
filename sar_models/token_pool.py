"""A convolutional image tower for CoCa: open_clip's ResNet, whose attention pool gives its tokens too.

On few images from random weights convolutions learn far faster than a vision transformer. open_clip builds CoCa around
a ResNet if told to, but the ResNet then returns the pooled vector alone, and CoCa's decoder needs tokens to attend to.
"""

import torch
from open_clip.modified_resnet import AttentionPool2d, ModifiedResNet
from torch.nn.functional import scaled_dot_product_attention


class TokenPool(AttentionPool2d):  # type: ignore[misc]  # open_clip ships no types
    """CLIP's attention pool, with the answer to every query kept: the mean's is the pooled vector, those of the grid's
    cells are the tokens. Weights and pooled vector are the same as in `AttentionPool2d`."""

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Features (N, C, H, W) → pooled (N, D), tokens (N, H·W, D)."""
        cells = x.flatten(2).transpose(1, 2)
        states = torch.cat([cells.mean(dim=1, keepdim=True), cells], dim=1) + self.positional_embedding.to(x.dtype)
        queries, keys, values = (
            project(states).unflatten(-1, (self.num_heads, -1)).transpose(1, 2)
            for project in (self.q_proj, self.k_proj, self.v_proj)
        )
        mixed = scaled_dot_product_attention(queries, keys, values)
        answers = self.c_proj(mixed.transpose(1, 2).flatten(2))
        return answers[:, 0], answers[:, 1:]


def with_tokens(tower: ModifiedResNet) -> ModifiedResNet:
    """The same tower with a `TokenPool` of its pool's weights."""
    pool = tower.attnpool
    replacement = TokenPool(
        spacial_dim=tower.image_size // 32,  # the tower's stride
        embed_dim=pool.c_proj.in_features,
        num_heads=pool.num_heads,
        output_dim=pool.c_proj.out_features,
    )
    replacement.load_state_dict(pool.state_dict())
    tower.attnpool = replacement
    return tower
