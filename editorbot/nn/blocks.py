"""Small pieces that several networks are made of."""

import math

import torch
from torch import Tensor, nn


def split_heads(x: Tensor, heads: int) -> Tensor:
    """(..., width) -> (..., heads, width / heads)."""
    return x.unflatten(-1, (heads, -1))


def feed_forward(width: int, hidden: int, *, dropout: float) -> nn.Sequential:
    """The position-wise network of a transformer layer."""
    return nn.Sequential(
        nn.Linear(width, hidden), nn.GELU(), nn.Dropout(dropout), nn.Linear(hidden, width)
    )


def sinusoids(positions: Tensor, width: int) -> Tensor:
    """Sinusoidal embedding of positions; source: Vaswani et al. 2017, section 3.5.

    Args:
        positions: Any shape, counted in steps.
        width: Even; half of it holds sines, half cosines, of wavelengths 2 pi to 20,000 pi steps.

    Returns:
        float32, the shape of `positions` and `width`.
    """
    half = torch.arange(width // 2, device=positions.device, dtype=torch.float32)
    angle = positions[..., None].float() * torch.exp(half * (-math.log(10_000) * 2 / width))
    return torch.cat([angle.sin(), angle.cos()], dim=-1)


def length_mask(lengths: Tensor, longest: int) -> Tensor:
    """(B,) lengths -> (B, longest) bool, True at real positions."""
    return torch.arange(longest, device=lengths.device)[None] < lengths[:, None]
