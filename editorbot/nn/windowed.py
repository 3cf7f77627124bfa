"""Windowed cross-attention: each query attends to the memory around a position of its own.

Query t with position p sees the keys [p - window // 2, p - window // 2 + window) that the memory
has, with score `q . (k + r) / sqrt(d)`, where r is a learned embedding of the key's place in the
window (Shaw et al. 2018, "Self-Attention with Relative Position Representations", equation 4).
Positions advance by one in most places, so neighbouring queries share nearly all keys: queries are
taken in groups whose keys are one slice of the memory, and nothing is gathered key by key.
"""

import numpy as np
import torch
from torch import Tensor

QUERIES_PER_GROUP = 128
LARGEST_SPREAD = 256
"""Positions within a group differ by at most this, which bounds the keys that go unused."""


def windowed_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    relative: Tensor,
    *,
    positions: np.ndarray,
    key_lengths: np.ndarray,
) -> Tensor:
    """Attend from each query to the window around its position, in O(T window).

    Args:
        query: (B, T, heads, d).
        key: (B, F, heads, d).
        value: (B, F, heads, d).
        relative: (window, heads, d), the embedding of each place in the window.
        positions: (B, T) int64, from 0 to the song's key length inclusive, so that every window
            of at least two holds a key.
        key_lengths: (B,) int64, the keys that are real.

    Returns:
        (B, T, heads, d).
    """
    songs = []
    for song, length in enumerate(key_lengths.tolist()):
        groups = [
            _attend_group(
                query[song, start:stop],
                key[song, :length],
                value[song, :length],
                relative,
                positions[song, start:stop],
            )
            for start, stop in query_groups(positions[song])
        ]
        songs.append(torch.cat(groups))
    return torch.stack(songs)


def query_groups(positions: np.ndarray) -> list[tuple[int, int]]:
    """Cut (T,) positions into runs [start, stop) that are short and close together."""
    groups, start = [], 0
    while start < len(positions):
        run = positions[start : start + QUERIES_PER_GROUP]
        spread = np.maximum.accumulate(run) - np.minimum.accumulate(run)
        stop = start + int(np.searchsorted(spread, LARGEST_SPREAD, side="right"))
        groups.append((start, stop))
        start = stop
    return groups


def _attend_group(
    query: Tensor, key: Tensor, value: Tensor, relative: Tensor, positions: np.ndarray
) -> Tensor:
    """(Q, heads, d) queries of one song whose windows lie close together -> (Q, heads, d)."""
    window, heads, width = relative.shape
    first = max(0, int(positions.min()) - window // 2)
    end = min(len(key), int(positions.max()) - window // 2 + window)
    place = np.arange(first, end)[None] - (positions[:, None] - window // 2)  # (Q, K)
    place = torch.from_numpy(place).to(query.device)
    inside = (place >= 0) & (place < window)
    query = query.transpose(0, 1) * width**-0.5  # (heads, Q, d)
    by_place = query @ relative.permute(1, 2, 0)  # (heads, Q, window)
    by_place = by_place.gather(2, place.clamp(0, window - 1).expand(heads, -1, -1))
    scores = query @ key[first:end].permute(1, 2, 0) + by_place  # (heads, Q, K)
    weights = scores.masked_fill(~inside, -torch.inf).softmax(dim=-1)
    return (weights.to(value.dtype) @ value[first:end].transpose(0, 1)).transpose(0, 1)
