"""The raw recording as the decoder sees it: one state per step and a few tokens for the whole."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from editorbot.nn.blocks import feed_forward, length_mask, sinusoids, split_heads
from editorbot.nn.linear_attention import LinearAttention
from editorbot.params import PointerSize
from editorbot.pointer_network.songs import STEMS

LOCAL_STEPS = 5
"""Steps that a state sees before any attention, so that onsets and gaps are plain to all layers."""

STEPS_PER_PART = 4096
"""A layer goes through a long recording in parts, whose values stay in the processor's cache."""


class Memory(NamedTuple):
    """What is known of the raw."""

    states: Tensor
    """(B, R, width), one per raw step; zero beyond a song's length."""
    lengths: Tensor
    """(B,) raw steps."""
    summary: Tensor
    """(B, summary_tokens, width)."""


class RawEncoder(nn.Module):
    """Patches of mel frames -> layers of linear attention -> states and summary tokens, O(F)."""

    def __init__(self, size: PointerSize, *, n_mels: int, stems: bool):
        super().__init__()
        width = size.width
        self.stride = size.stride
        self.mel = nn.Conv1d(n_mels, width, size.stride, size.stride)
        self.stems = nn.Conv1d(STEMS * n_mels, width, size.stride, size.stride) if stems else None
        self.local = nn.Conv1d(width, width, LOCAL_STEPS, padding=LOCAL_STEPS // 2, groups=width)
        self.layers = nn.ModuleList(EncoderLayer(size) for _ in range(size.encoder_layers))
        self.norm = nn.LayerNorm(width)
        self.summary = Summary(size)

    def forward(
        self,
        mel: Tensor,
        stems: Tensor | None,
        lengths: Tensor,
        *,
        recompute: bool = False,
    ) -> Memory:
        """Encode padded songs.

        Args:
            mel: (B, M, F) in [0, 1], zero beyond a song's length; F a multiple of the stride.
            stems: (B, S, M, F) likewise; None goes with a network that has no input for them.
            lengths: (B,) raw steps.
            recompute: Whether the backward pass computes the layers again instead of keeping them.
        """
        return self.relate(self.patches(mel, stems), lengths, recompute=recompute)

    def patches(self, mel: Tensor, stems: Tensor | None) -> Tensor:
        """(B, M, F) and (B, S, M, F) -> (B, width, R), each step from its own frames alone.

        A recording may so be given in blocks of whole steps, and the results be joined.

        Raises:
            ValueError: The network has an input for stems, and there are none.
        """
        if self.stems is None:
            return self.mel(mel)
        if stems is None:
            raise ValueError("expected stems, with which this network has learned, got None")
        return self.mel(mel) + self.stems(stems.flatten(1, 2))

    def relate(self, patches: Tensor, lengths: Tensor, *, recompute: bool = False) -> Memory:
        """Let the patches (B, width, R) of songs of (B,) `lengths` know of each other."""
        mask = length_mask(lengths, patches.shape[-1])
        x = patches * mask[:, None]
        x = (x + self.local(x)).transpose(1, 2)  # (B, R, width)
        x = x + sinusoids(torch.arange(x.shape[1], device=x.device), x.shape[-1])
        for layer in self.layers:
            x = checkpoint(layer, x, mask, use_reentrant=False) if recompute else layer(x, mask)
        states = self.norm(x) * mask[..., None]
        return Memory(states, lengths, self.summary(states, mask))


class EncoderLayer(nn.Module):
    """Linear attention and a feed-forward network, each normalised first and added."""

    def __init__(self, size: PointerSize):
        super().__init__()
        self.attention_norm = nn.LayerNorm(size.width)
        self.attention = LinearAttention(size.width, heads=size.heads)
        self.feed_norm = nn.LayerNorm(size.width)
        self.feed = feed_forward(size.width, size.feedforward, dropout=size.dropout)
        self.dropout = nn.Dropout(size.dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """(B, R, width) -> (B, R, width)."""
        parts, masks = x.split(STEPS_PER_PART, dim=1), mask.split(STEPS_PER_PART, dim=1)
        attended = self.attention([self.attention_norm(part) for part in parts], masks)
        return torch.cat(
            [self._feed(part + self.dropout(a)) for part, a in zip(parts, attended, strict=True)],
            dim=1,
        )

    def _feed(self, x: Tensor) -> Tensor:
        return x + self.dropout(self.feed(self.feed_norm(x)))


class Summary(nn.Module):
    """Learned queries that each attend to all states: O(F) for a fixed number of tokens."""

    def __init__(self, size: PointerSize):
        super().__init__()
        self.heads = size.heads
        self.queries = nn.Parameter(torch.randn(size.summary_tokens, size.width) * 0.02)
        self.key_value = nn.Linear(size.width, 2 * size.width)
        self.norm = nn.LayerNorm(size.width)

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """(B, R, width) -> (B, summary_tokens, width)."""
        key, value = (split_heads(x, self.heads) for x in self.key_value(states).chunk(2, -1))
        query = split_heads(self.queries, self.heads).expand(len(states), -1, -1, -1)
        tokens = functional.scaled_dot_product_attention(
            query.transpose(1, 2).to(key.dtype),
            key.transpose(1, 2),
            value.transpose(1, 2),
            attn_mask=mask[:, None, None],
        )
        return self.norm(self.queries + tokens.transpose(1, 2).flatten(-2))
