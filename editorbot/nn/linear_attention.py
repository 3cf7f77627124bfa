"""Linear attention: softmax's kernel replaced by a product of feature maps.

With phi(x) = elu(x) + 1 the output at position i is
`phi(q_i) (sum_j phi(k_j) v_j^T) / (phi(q_i) . sum_j phi(k_j))`, whose sums do not depend on i, so
that time and memory are O(F) instead of O(F^2).
Source: Katharopoulos et al. 2020, "Transformers are RNNs", equations 5 and 7 (not causal).
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from editorbot.nn.blocks import split_heads

SMALLEST_NORM = 1e-6
"""phi is positive, so that the norm only vanishes where every key is masked."""


def feature_map(x: Tensor) -> Tensor:
    """phi(x) = elu(x) + 1, positive everywhere."""
    return functional.elu(x) + 1


def linear_attention(
    query: Tensor, key: Tensor, value: Tensor, *, mask: Tensor | None = None
) -> Tensor:
    """Attend from every position to every position that `mask` leaves, in O(F).

    Args:
        query: (B, F, heads, d).
        key: (B, F', heads, d).
        value: (B, F', heads, e).
        mask: (B, F') bool, True where a key counts; None: all do.

    Returns:
        (B, F, heads, e) in the dtype of `query`.
    """
    # Sums over 50,000 frames lose small terms in bfloat16.
    with torch.autocast(query.device.type, enabled=False):
        q, k, v = feature_map(query.float()), feature_map(key.float()), value.float()
        if mask is not None:
            k = k * mask[:, :, None, None]
        state = torch.einsum("bfhd,bfhe->bhde", k, v)
        norm = torch.einsum("bfhd,bhd->bfh", q, k.sum(dim=1)).clamp_min(SMALLEST_NORM)
        attended = torch.einsum("bfhd,bhde->bfhe", q, state) / norm[..., None]
    return attended.to(query.dtype)


class LinearAttention(nn.Module):
    """Multi-head self-attention by `linear_attention`."""

    def __init__(self, width: int, *, heads: int):
        super().__init__()
        self.heads = heads
        self.query_key_value = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Map x (B, F, width) to (B, F, width); `mask` (B, F) is True at real frames."""
        q, k, v = (split_heads(part, self.heads) for part in self.query_key_value(x).chunk(3, -1))
        return self.output(linear_attention(q, k, v, mask=mask).flatten(-2))
