"""Windowed cross-attention against a loop over single queries."""

import numpy as np
import pytest
import torch

import editorbot.nn.windowed as windowed
from editorbot.nn.windowed import query_groups, windowed_attention

torch.set_num_threads(1)
HEADS, WIDTH, KEYS = 2, 4, 60


def by_loop(query, key, value, relative, positions, lengths):
    window = len(relative)
    result = torch.zeros_like(query)
    for b, t, h in np.ndindex(*query.shape[:3]):
        first = positions[b, t] - window // 2
        seen = [j for j in range(first, first + window) if 0 <= j < lengths[b]]
        scores = [query[b, t, h] @ (key[b, j, h] + relative[j - first, h]) for j in seen]
        weights = (torch.stack(scores) / WIDTH**0.5).softmax(dim=0)
        result[b, t, h] = weights @ value[b, seen, h]
    return result


@pytest.mark.parametrize("window", [2, 7, 16, 200])
def test_equals_a_loop(window, monkeypatch):
    monkeypatch.setattr(windowed, "QUERIES_PER_GROUP", 10)
    monkeypatch.setattr(windowed, "LARGEST_SPREAD", 12)
    torch.manual_seed(0)
    query = torch.randn(2, 40, HEADS, WIDTH)
    key, value = torch.randn(2, 2, KEYS, HEADS, WIDTH)
    relative = torch.randn(window, HEADS, WIDTH)
    lengths = np.array([KEYS, 35])
    runs = [*range(0, 15), *range(30, 36), *range(4, 8), *range(21, 36)]
    positions = np.array([[p + 25 for p in runs], runs])  # up to one behind the last key
    ours = windowed_attention(query, key, value, relative, positions=positions, key_lengths=lengths)
    expected = by_loop(query, key, value, relative, positions, lengths)
    torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-5)


def test_groups_cover_all_queries_and_stay_close():
    generator = np.random.default_rng(0)
    positions = np.cumsum(generator.choice([1, 1, 1, 1, -300, 500], size=2000))
    groups = query_groups(positions)
    assert [t for start, stop in groups for t in range(start, stop)] == list(range(2000))
    assert max(np.ptp(positions[a:b]) for a, b in groups) <= windowed.LARGEST_SPREAD
    assert max(b - a for a, b in groups) <= windowed.QUERIES_PER_GROUP


def test_a_run_without_jumps_is_cut_only_by_size():
    groups = query_groups(np.arange(windowed.QUERIES_PER_GROUP * 3))
    assert len(groups) == 3
