"""Neighbourhood attention against natten, and its blocks against one piece."""

import pytest
import torch
from natten.functional import na1d

import editorbot.nn.neighbourhood as neighbourhood
from editorbot.nn.neighbourhood import neighbourhood_attention

torch.set_num_threads(1)


def random_qkv(length, *, seed=0):
    torch.manual_seed(seed)
    return [torch.randn(2, length, 2, 16) for _ in range(3)]


@pytest.mark.filterwarnings("ignore")  # natten's Flex backend warns that it is slow
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize(("length", "window"), [(20, 5), (33, 8), (40, 2), (41, 39)])
def test_equals_natten(length, window, causal):
    q, k, v = random_qkv(length)
    theirs = na1d(q, k, v, kernel_size=window, is_causal=causal, backend="flex-fna")
    ours = neighbourhood_attention(q, k, v, window=window, causal=causal)
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("causal", [False, True])
def test_blocks_of_queries_do_not_show(monkeypatch, causal):
    q, k, v = random_qkv(50)
    whole = neighbourhood_attention(q, k, v, window=12, causal=causal)
    monkeypatch.setattr(neighbourhood, "QUERIES_PER_BLOCK", 7)
    blocks = neighbourhood_attention(q, k, v, window=12, causal=causal)
    torch.testing.assert_close(blocks, whole, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("causal", [False, True])
def test_a_window_beyond_the_length_is_full_attention(causal):
    q, k, v = random_qkv(9)
    full = torch.nn.functional.scaled_dot_product_attention(
        *(x.transpose(1, 2) for x in (q, k, v)), is_causal=causal
    )
    ours = neighbourhood_attention(q, k, v, window=100, causal=causal)
    torch.testing.assert_close(ours, full.transpose(1, 2), rtol=1e-5, atol=1e-6)


def test_last_queries_against_all_keys():
    q, k, v = random_qkv(30)
    whole = neighbourhood_attention(q, k, v, window=6, causal=True)
    last = neighbourhood_attention(q[:, -4:], k, v, window=6, causal=True)
    torch.testing.assert_close(last, whole[:, -4:], rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="expected as many keys"):
        neighbourhood_attention(q[:, -4:], k, v, window=6, causal=False)


def test_gradients_pass_on_a_cpu():
    q, k, v = (x.requires_grad_() for x in random_qkv(12))
    neighbourhood_attention(q, k, v, window=4, causal=True).sum().backward()
    # With equal weights of the sum, only values get a gradient that does not cancel.
    assert v.grad.abs().min() > 0
