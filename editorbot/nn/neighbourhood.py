"""Neighbourhood attention in one dimension: each position attends to a window around itself.

The window rule is natten's `na1d` (Hassani et al. 2023, "Neighborhood Attention Transformer"): the
window always has `window` keys and is shifted inwards at the borders; causal windows end at the
query and are shorter at the beginning. natten runs on CUDA; on a CPU, where it has no backward
pass, a plain path computes the same in blocks of queries, in O(T window).
"""

import torch
from torch import Tensor
from torch.nn import functional

QUERIES_PER_BLOCK = 256


def neighbourhood_attention(
    query: Tensor, key: Tensor, value: Tensor, *, window: int, causal: bool
) -> Tensor:
    """Attend to the `window` keys around, or up to, each query.

    Args:
        query: (B, T, heads, d). With fewer queries than keys (causal only) they are the last T.
        key: (B, T', heads, d), T' >= T.
        value: (B, T', heads, d).
        window: Number of keys, at least 2, the query's own included; what exceeds T' is without
            effect.
        causal: Whether a query sees no later key.

    Returns:
        (B, T, heads, d).
    """
    queries, keys = query.shape[1], key.shape[1]
    if keys != queries and not causal:
        raise ValueError(f"expected as many keys as queries, got {keys} and {queries}")
    if query.is_cuda and keys == queries and window < keys:
        from natten.functional import na1d

        return na1d(query, key, value, kernel_size=window, is_causal=causal)
    blocks = [
        _attend_block(query, key, value, slice(start, start + QUERIES_PER_BLOCK), window, causal)
        for start in range(0, queries, QUERIES_PER_BLOCK)
    ]
    return torch.cat(blocks, dim=1)


def window_starts(queries: int, keys: int, *, window: int, causal: bool) -> Tensor:
    """(T,) int64, the first key of each query's window; negative where a causal one is cut off."""
    if causal:
        return torch.arange(queries) + (keys - queries) - window + 1
    window = min(window, keys)
    return (torch.arange(queries) - window // 2).clamp(0, keys - window)


def _attend_block(
    query: Tensor, key: Tensor, value: Tensor, rows: slice, window: int, causal: bool
) -> Tensor:
    keys = key.shape[1]
    starts = window_starts(query.shape[1], keys, window=window, causal=causal)[rows]
    first, end = max(0, int(starts[0])), min(keys, int(starts[-1]) + window)
    position = torch.arange(first, end)[None]
    inside = (position >= starts[:, None]) & (position < starts[:, None] + window)
    attended = functional.scaled_dot_product_attention(
        query[:, rows].transpose(1, 2),
        key[:, first:end].transpose(1, 2),
        value[:, first:end].transpose(1, 2),
        attn_mask=inside.to(query.device),
    )
    return attended.transpose(1, 2)
