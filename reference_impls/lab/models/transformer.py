"""A small vision transformer: an encoder without a convolution beyond its patches.

Shape letters: B batch, H and W pixels, T tokens, C channels of a token, D embedding width.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reference_impls.lab.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class SmallTransformerConfig:
    """Architecture of a lab transformer (Dosovitskiy et al., ICLR 2021); 0.36 million parameters."""

    image: int = 32
    """Height and width of its images, in pixels."""
    patch: int = 8
    """Edge of the squares it cuts an image into, in pixels."""
    width: int = 96
    """Channels of a token."""
    depth: int = 3
    """Blocks."""
    heads: int = 4
    """Of attention."""
    embedding: int | None = None
    """Width of a final linear layer; none, and the pooled tokens are the embedding."""

    def __post_init__(self) -> None:
        """Refuse what cannot be cut into squares or heads."""
        if self.patch < 1 or self.image % self.patch or self.width % self.heads:
            raise ConfigError(
                f"images of {self.image} pixels must divide into patches of {self.patch}, "
                f"and {self.width} channels into {self.heads} heads"
            )


class SmallTransformer(nn.Module):
    """Patches, positions, pre-norm blocks, mean over tokens."""

    def __init__(self, config: SmallTransformerConfig) -> None:
        """Build with PyTorch's default initialisation; positions start small."""
        super().__init__()
        self.config = config
        tokens = (config.image // config.patch) ** 2
        self.patches = nn.Conv2d(3, config.width, config.patch, stride=config.patch)
        self.positions = nn.Parameter(0.02 * torch.randn(1, tokens, config.width))
        self.blocks = nn.Sequential(
            *(Block(config.width, config.heads) for _ in range(config.depth))
        )
        self.norm = nn.LayerNorm(config.width)
        self.head = (
            nn.Identity()
            if config.embedding is None
            else nn.Linear(config.width, config.embedding)
        )

    def forward(self, images_B3HW: Tensor) -> Tensor:
        """Embeddings (B, D)."""
        tokens_BTC = self.patches(images_B3HW).flatten(2).transpose(1, 2)
        tokens_BTC = self.norm(self.blocks(tokens_BTC + self.positions))
        embeddings_BD: Tensor = self.head(tokens_BTC.mean(dim=1))
        return embeddings_BD


class Block(nn.Module):
    """Attention, then an MLP, each on normalised tokens and added to them."""

    def __init__(self, width: int, heads: int) -> None:
        """`width` channels, divided among `heads`."""
        super().__init__()
        self.heads = heads
        self.before_attention = nn.LayerNorm(width)
        self.mix = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.before_mlp = nn.LayerNorm(width)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(self, tokens_BTC: Tensor, seen: Tensor | None = None) -> Tensor:
        """Tokens (B, T, C); `seen` (B, 1, 1, T) tells which of them are attended to, all unless told."""
        mixed_BTC: Tensor = self._attend(self.before_attention(tokens_BTC), seen)
        tokens_BTC = tokens_BTC + mixed_BTC
        added_BTC: Tensor = self.mlp(self.before_mlp(tokens_BTC))
        return tokens_BTC + added_BTC

    def _attend(self, tokens_BTC: Tensor, seen: Tensor | None) -> Tensor:
        split = self.mix(tokens_BTC).unflatten(-1, (3, self.heads, -1))
        query, key, value = split.permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(query, key, value, attn_mask=seen)
        mixed_BTC: Tensor = self.out(attended.transpose(1, 2).flatten(2))
        return mixed_BTC
