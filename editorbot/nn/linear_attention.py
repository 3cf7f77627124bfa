"""Linear attention: softmax's kernel replaced by a product of feature maps.

With phi(x) = elu(x) + 1 the output at position i is
`phi(q_i) (sum_j phi(k_j) v_j^T) / (phi(q_i) . sum_j phi(k_j))`, whose sums do not depend on i, so
that time and memory are O(F) instead of O(F^2).
Source: Katharopoulos et al. 2020, "Transformers are RNNs", equations 5 and 7 (not causal).
"""

from collections.abc import Sequence
from typing import NamedTuple

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
    return read_state(query, sum_state(key, value, mask=mask))


class State(NamedTuple):
    """What queries need to know of keys and values; states of parts of a sequence add up."""

    values: Tensor
    """(B, heads, d, e), sum of phi(k) v^T."""
    norm: Tensor
    """(B, heads, d), sum of phi(k)."""


def sum_state(key: Tensor, value: Tensor, *, mask: Tensor | None = None) -> State:
    """The state of keys (B, F, heads, d) and values (B, F, heads, e), in float32."""
    # Sums over 50,000 frames lose small terms in bfloat16.
    with torch.autocast(key.device.type, enabled=False):
        k = feature_map(key.float())
        if mask is not None:
            k = k * mask[:, :, None, None]
        return State(torch.einsum("bfhd,bfhe->bhde", k, value.float()), k.sum(dim=1))


def read_state(query: Tensor, state: State) -> Tensor:
    """Attend from queries (B, F, heads, d) to what the state holds: (B, F, heads, e)."""
    with torch.autocast(query.device.type, enabled=False):
        q = feature_map(query.float())
        norm = torch.einsum("bfhd,bhd->bfh", q, state.norm).clamp_min(SMALLEST_NORM)
        attended = torch.einsum("bfhd,bhde->bfhe", q, state.values) / norm[..., None]
    return attended.to(query.dtype)


class LinearAttention(nn.Module):
    """Multi-head self-attention by `linear_attention`, for a sequence in parts.

    Parts of some thousand frames stay in the processor's cache; the result does not depend on
    where the sequence is cut.
    """

    def __init__(self, width: int, *, heads: int):
        super().__init__()
        self.heads = heads
        self.query_key_value = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)

    def forward(self, parts: Sequence[Tensor], masks: Sequence[Tensor]) -> list[Tensor]:
        """Map parts (B, F, width) to as many of the same shape.

        `masks` (B, F) are True at real frames.
        """
        queries, states = [], []
        for part, mask in zip(parts, masks, strict=True):
            q, k, v = (split_heads(x, self.heads) for x in self.query_key_value(part).chunk(3, -1))
            queries.append(q)
            states.append(sum_state(k, v, mask=mask))
        whole = State(*(torch.stack(tensors).sum(dim=0) for tensors in zip(*states, strict=True)))
        return [self.output(read_state(q, whole).flatten(-2)) for q in queries]
