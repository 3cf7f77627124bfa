"""Linear attention against its quadratic form, which is written out here."""

import pytest
import torch

from editorbot.nn.linear_attention import LinearAttention, linear_attention

torch.set_num_threads(1)


def quadratic(query, key, value, mask=None):
    """softmax attention with exp(q . k) replaced by phi(q) . phi(k), with the F x F matrix."""
    q, k = (torch.where(x > 0, x + 1, x.exp()) for x in (query, key))
    weights = torch.einsum("bfhd,bghd->bhfg", q, k)
    if mask is not None:
        weights = weights * mask[:, None, None, :]
    return torch.einsum("bhfg,bghe->bfhe", weights / weights.sum(-1, keepdim=True), value)


@pytest.mark.parametrize("masked", [False, True])
def test_equals_the_quadratic_form(masked):
    torch.manual_seed(0)
    q, k, v = (torch.randn(2, 37, 3, 8, dtype=torch.float32) for _ in range(3))
    mask = torch.arange(37)[None] < torch.tensor([[37], [20]]) if masked else None
    torch.testing.assert_close(
        linear_attention(q, k, v, mask=mask), quadratic(q, k, v, mask), rtol=1e-4, atol=1e-5
    )


def test_gradients_equal_the_quadratic_forms():
    torch.manual_seed(1)
    inputs = [torch.randn(1, 19, 2, 4, requires_grad=True) for _ in range(3)]
    gradients = []
    for function in (linear_attention, quadratic):
        gradients.append(torch.autograd.grad(function(*inputs).square().sum(), inputs))
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_neither_masked_frames_nor_parts_change_anything():
    torch.manual_seed(2)
    layer = LinearAttention(16, heads=4)
    x = torch.randn(2, 30, 16)
    mask = (torch.arange(30) < 21).expand(2, -1)
    (alone,) = layer([x[:, :21]], [mask[:, :21]])
    parts = layer(x.split(8, dim=1), mask.split(8, dim=1))
    torch.testing.assert_close(torch.cat(parts, dim=1)[:, :21], alone, rtol=1e-4, atol=1e-5)
