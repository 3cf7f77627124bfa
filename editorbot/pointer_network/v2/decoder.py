"""The edit step by step: what was played so far against what the raw holds."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from editorbot.nn.blocks import feed_forward, sinusoids, split_heads
from editorbot.nn.neighbourhood import neighbourhood_attention
from editorbot.nn.windowed import windowed_attention
from editorbot.params import PointerSize
from editorbot.pointer_network.v2.encoder import Memory
from editorbot.pointer_network.v2.targets import DELTAS, MOST_PLAYS, SCALARS, StepInput


class KeyValue(NamedTuple):
    """Keys and values, (B, positions, heads, d) each."""

    key: Tensor
    value: Tensor


class LayerMemory(NamedTuple):
    """The raw, as one layer attends to it."""

    states: KeyValue
    summary: KeyValue


class Decoder(nn.Module):
    """Inputs of T steps and the memory of the raw -> hidden states of T steps, in O(T)."""

    def __init__(self, size: PointerSize):
        super().__init__()
        width = size.width
        self.start = nn.Parameter(torch.randn(width) * 0.02)
        self.end = nn.Parameter(torch.randn(width) * 0.02)
        self.places = nn.Linear(2 * width, width)
        self.bucket = nn.Embedding(2 * size.jump_buckets + 1, width)
        self.delta = nn.Embedding(DELTAS + 1, width)
        self.plays = nn.Embedding(MOST_PLAYS + 1, width)
        self.scalars = nn.Linear(SCALARS, width)
        self.layers = nn.ModuleList(DecoderLayer(size) for _ in range(size.decoder_layers))
        self.norm = nn.LayerNorm(width)
        self.jump_buckets = size.jump_buckets
        self.self_window = size.self_window

    def forward(self, inputs: StepInput, memory: Memory, *, recompute: bool = False) -> Tensor:
        """(B, T) inputs, all steps at once -> (B, T, width)."""
        positions, lengths = inputs.expected.cpu().numpy(), memory.lengths.cpu().numpy()
        steps = torch.arange(positions.shape[1], device=memory.states.device)
        x = self.embed(inputs, memory, steps)
        for layer in self.layers:
            if recompute:
                x = checkpoint(
                    layer.train_steps, x, memory, positions, lengths, use_reentrant=False
                )
            else:
                x = layer.train_steps(x, memory, positions, lengths)
        return self.norm(x)

    def embed(self, inputs: StepInput, memory: Memory, steps: Tensor) -> Tensor:
        """(B, T) inputs at times `steps` (T,) -> (B, T, width)."""
        previous = _states_at(memory, inputs.previous, before=self.start)
        expected = _states_at(memory, inputs.expected, after=self.end)
        x = self.places(torch.cat([previous, expected], dim=-1))
        x = x + self.bucket(inputs.bucket + self.jump_buckets) + self.delta(inputs.delta)
        x = x + self.plays(inputs.plays) + self.scalars(inputs.scalars)
        return x + sinusoids(steps, x.shape[-1])


def _states_at(
    memory: Memory, index: Tensor, *, before: Tensor | None = None, after: Tensor | None = None
) -> Tensor:
    """States at (B, T) raw steps; `before` stands at -1 and `after` at the song's length."""
    last = memory.lengths[:, None] - 1
    inside = index.clamp_min(0).minimum(last)
    states = memory.states.gather(1, inside[..., None].expand(-1, -1, memory.states.shape[-1]))
    if before is not None:
        states = torch.where((index < 0)[..., None], before.to(states.dtype), states)
    if after is not None:
        states = torch.where((index > last)[..., None], after.to(states.dtype), states)
    return states


class DecoderLayer(nn.Module):
    """Attention to the path, to the raw around the expected position and to its summary."""

    def __init__(self, size: PointerSize):
        super().__init__()
        width = size.width
        self.heads, self.self_window = size.heads, size.self_window
        self.path_norm = nn.LayerNorm(width)
        self.path_qkv = nn.Linear(width, 3 * width)
        self.path_out = nn.Linear(width, width)
        self.window_norm = nn.LayerNorm(width)
        self.window_query = nn.Linear(width, width)
        self.window_key_value = nn.Linear(width, 2 * width)
        self.window_out = nn.Linear(width, width)
        self.relative = nn.Parameter(
            torch.randn(size.cross_window, size.heads, width // size.heads) * 0.02
        )
        self.summary_norm = nn.LayerNorm(width)
        self.summary_query = nn.Linear(width, width)
        self.summary_key_value = nn.Linear(width, 2 * width)
        self.summary_out = nn.Linear(width, width)
        self.feed_norm = nn.LayerNorm(width)
        self.feed = feed_forward(width, size.feedforward, dropout=size.dropout)
        self.dropout = nn.Dropout(size.dropout)

    def prepare(self, memory: Memory) -> LayerMemory:
        """Keys and values of the raw, which are the same for all steps."""
        states = self.window_key_value(memory.states).chunk(2, -1)
        summary = self.summary_key_value(memory.summary).chunk(2, -1)
        return LayerMemory(
            KeyValue(*(split_heads(x, self.heads) for x in states)),
            KeyValue(*(split_heads(x, self.heads) for x in summary)),
        )

    def train_steps(
        self, x: Tensor, memory: Memory, positions: np.ndarray, lengths: np.ndarray
    ) -> Tensor:
        """All T steps at once: (B, T, width) -> (B, T, width)."""
        return self(x, self.prepare(memory), positions, lengths, None)[0]

    def forward(
        self,
        x: Tensor,
        memory: LayerMemory,
        positions: np.ndarray,
        lengths: np.ndarray,
        past: KeyValue | None,
    ) -> tuple[Tensor, KeyValue]:
        """Steps (B, T, width) that follow `past`; returns them, and the past with them.

        `positions` (B, T) are the expected raw steps, `lengths` (B,) the songs' raw steps.
        """
        attended, past = self._attend_path(self.path_norm(x), past)
        x = x + self.dropout(attended)
        query = split_heads(self.window_query(self.window_norm(x)), self.heads)
        attended = windowed_attention(
            query,
            *memory.states,
            self.relative.to(query.dtype),
            positions=positions,
            key_lengths=lengths,
        )
        x = x + self.dropout(self.window_out(attended.flatten(-2)))
        x = x + self.dropout(self._attend_summary(self.summary_norm(x), memory.summary))
        return x + self.dropout(self.feed(self.feed_norm(x))), past

    def _attend_path(self, x: Tensor, past: KeyValue | None) -> tuple[Tensor, KeyValue]:
        query, key, value = (split_heads(y, self.heads) for y in self.path_qkv(x).chunk(3, -1))
        if past is not None:
            key, value = torch.cat([past.key, key], 1), torch.cat([past.value, value], 1)
        attended = neighbourhood_attention(query, key, value, window=self.self_window, causal=True)
        return self.path_out(attended.flatten(-2)), KeyValue(key, value)

    def _attend_summary(self, x: Tensor, summary: KeyValue) -> Tensor:
        query = split_heads(self.summary_query(x), self.heads)
        attended = functional.scaled_dot_product_attention(
            *(y.transpose(1, 2) for y in (query, *summary))
        )
        return self.summary_out(attended.transpose(1, 2).flatten(-2))
