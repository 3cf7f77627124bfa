"""The path model: for every step of the raw, whether it is kept and where the path leaves it.

The raw's steps are encoded in full by layers of convolution and linear attention. Halfway, each
step is told the states of the steps that play the same again, in either direction and at several
lags: a false start is known by the take that follows it. Where the path leaves, attention over all
steps chooses where it resumes, and may see which steps sound like those that would have followed.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from editorbot.nn.blocks import feed_forward, length_mask
from editorbot.nn.linear_attention import LinearAttention
from editorbot.params import PathSize
from editorbot.pointer_network.path.features import BANDS
from editorbot.pointer_network.path.place import Cuts, Placer
from editorbot.pointer_network.path.pointer import Departures, Pointer, Song, sound_of
from editorbot.pointer_network.path.repeats import FEATURES, PARTNERS
from editorbot.pointer_network.songs import OPS, STEMS

LOCAL_STEPS = 5
HEADS = 4 + OPS
COUNTED = 8
"""Things that are counted between two steps that play the same."""
STEPS_PER_PART = 4096
"""A layer goes through a long recording in parts, whose values stay in the processor's cache."""


class Inputs(NamedTuple):
    """Of B songs, padded to R steps; what is large is in half precision."""

    mel: Tensor
    """(B, R * stride, BANDS) in [0, 1]."""
    repeats: Tensor
    """(B, R, FEATURES)."""
    partners: Tensor
    """(B, R, PARTNERS) int64 steps, -1 for none."""
    behind: Tensor
    """(B, R, PARTNERS) int64 steps; see `Repeats`."""
    ahead: Tensor
    """Likewise."""
    beats: Tensor
    """(B, R) beats before each step's beginning, with fractions."""
    stems: Tensor | None
    """(B, R * stride, STEMS * BANDS); None goes with a network that has no input for them."""
    lengths: Tensor
    """(B,) steps."""
    frames: Tensor
    """(B,) frames, before padding."""

    def to(self, device: torch.device) -> "Inputs":
        """The same elsewhere."""
        return Inputs(*(None if x is None else x.to(device) for x in self))


class Outputs(NamedTuple):
    """Logits (B, R) of each step, and the states that jumps are chosen by."""

    keep: Tensor
    start: Tensor
    """That played sound begins at about the step's middle."""
    end: Tensor
    """That it ends there."""
    leave: Tensor
    """That the path leaves there although the sound that follows is kept too."""
    ops: Tensor
    """(B, R, OPS), auxiliary."""
    states: Tensor
    """(B, R, width)."""
    sound: Tensor
    """(B, R, 2 * BANDS) shape of the spectrum and what sets in, each of norm 1 or 0."""


class PathNetwork(nn.Module):
    """Features of raws -> what an editor would do with each step.

    Args:
        size: Dimensions.
        stems: Whether the network has an input for the mels of four stems.
    """

    def __init__(self, size: PathSize, *, stems: bool):
        super().__init__()
        self.size = size
        width, layers = size.width, (size.layers_before, size.layers_after)
        self.mel = nn.Conv1d(BANDS, width, LOCAL_STEPS, padding=LOCAL_STEPS // 2)
        self.repeats = nn.Linear(FEATURES + 1, width)
        self.stems = nn.Linear(STEMS * BANDS, width) if stems else None
        reaches = [4**number for number in range(max(layers))]
        self.before = nn.ModuleList(Layer(size, reach) for reach in reaches[: layers[0]])
        self.partners = Partners(size)
        self.after = nn.ModuleList(Layer(size, reach) for reach in reaches[: layers[1]])
        self.norm = nn.LayerNorm(width)
        self.heads = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, HEADS))
        self.pointer = Pointer(width)
        self.placer = Placer(width)

    def forward(self, inputs: Inputs, *, recompute: bool = False) -> Outputs:
        """Logits of all steps; `recompute` saves memory in the backward pass."""
        mask = length_mask(inputs.lengths, inputs.partners.shape[1])
        mel = self._by_step(inputs.mel)
        x = self._embed(inputs, mel, mask)
        for layer in self.before:
            x = checkpoint(layer, x, mask, use_reentrant=False) if recompute else layer(x, mask)
        x = x + self.partners(x, mask, inputs)
        for layer in self.after:
            x = checkpoint(layer, x, mask, use_reentrant=False) if recompute else layer(x, mask)
        states = self.norm(x)
        keep, start, end, leave, ops = self.heads(states).split([1, 1, 1, 1, OPS], dim=-1)
        heads = (y[..., 0] for y in (keep, start, end, leave))
        return Outputs(*heads, ops, states, sound_of(mel))

    def _embed(self, inputs: Inputs, mel: Tensor, mask: Tensor) -> Tensor:
        if self.stems is not None and inputs.stems is None:
            raise ValueError("expected stems, with which this network has learned, got None")
        # Centred, as a linear layer likes it; how loud a step is tells much by itself.
        loudness = mel.mean(dim=-1, keepdim=True)
        centred = 4 * (mel - 0.5) * mask[..., None]
        x = self.mel(centred.transpose(1, 2)).transpose(1, 2)
        x = x + self.repeats(torch.cat([inputs.repeats.float(), loudness], dim=-1))
        return x if self.stems is None else x + self.stems(4 * (self._by_step(inputs.stems) - 0.5))

    def _by_step(self, frames: Tensor) -> Tensor:
        """(B, R * stride, D) -> (B, R, D) means."""
        return frames.unflatten(1, (-1, self.size.stride)).mean(dim=2, dtype=torch.float32)

    def resume(
        self, outputs: Outputs, inputs: Inputs, number: int, departures: Departures
    ) -> Tensor:
        """Logits of where the path of the batch's song of that number goes on; see `Pointer`."""
        known = (outputs.states, outputs.sound, inputs.partners, inputs.beats)
        song = Song(*(x[number, : inputs.lengths[number]] for x in known))
        return self.pointer(song, departures)

    def place(self, outputs: Outputs, inputs: Inputs, number: int, cuts: Cuts) -> Tensor:
        """Logits of the places of cuts of the batch's song of that number; see `Placer`."""
        frames = inputs.mel[number, : inputs.frames[number]]
        states = outputs.states[number, : inputs.lengths[number]]
        return self.placer(frames, states, cuts, stride=self.size.stride)


class Layer(nn.Module):
    """Gated convolution, linear attention, feed-forward: each normalised first and added."""

    def __init__(self, size: PathSize, reach: int):
        super().__init__()
        width = size.width
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))
        self.convolution = nn.Conv1d(
            width,
            width,
            size.kernel,
            padding=size.kernel // 2 * reach,
            dilation=reach,
            groups=width,
        )
        self.gate = nn.Linear(width, 2 * width)
        self.mix = nn.Linear(width, width)
        self.attention = LinearAttention(width, heads=size.heads)
        self.feed = feed_forward(width, size.feedforward, dropout=size.dropout)
        self.dropout = nn.Dropout(size.dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """(B, R, width) -> the same; `mask` (B, R) is True at real steps."""
        y = self.norms[0](x) * mask[..., None]
        y = self.convolution(y.transpose(1, 2)).transpose(1, 2)
        x = x + self.dropout(self.mix(functional.glu(self.gate(y))))
        parts, masks = x.split(STEPS_PER_PART, dim=1), mask.split(STEPS_PER_PART, dim=1)
        attended = self.attention([self.norms[1](part) for part in parts], masks)
        return torch.cat(
            [self._fed(part + self.dropout(y)) for part, y in zip(parts, attended, strict=True)],
            dim=1,
        )

    def _fed(self, x: Tensor) -> Tensor:
        return x + self.dropout(self.feed(self.norms[2](x)))


class Partners(nn.Module):
    """What the steps that play the same again have found out, and what lies between.

    A step and its partner belong to two stretches that agree. The step is told the states of its
    partner, of the last step of the earlier stretch and of the first step of the later one, and how
    much of what the network looks for lies between the two steps and between the two stretches: a
    spoiled take and the next are parted by a break alone, verses by music.
    """

    def __init__(self, size: PathSize):
        super().__init__()
        width, told = size.width, size.partner_width
        self.told = nn.Linear(width, told)
        self.counted = nn.Linear(width, COUNTED)
        self.heard = nn.Linear(PARTNERS * (3 * told + 2 * COUNTED), width)

    def forward(self, x: Tensor, mask: Tensor, inputs: Inputs) -> Tensor:
        """(B, R, width) states and their (B, R) mask -> (B, R, width)."""
        last = x.shape[1] - 1
        here = torch.arange(x.shape[1], device=x.device)[None, :, None]
        partners, there = inputs.partners, inputs.partners >= 0
        earlier, later = torch.minimum(here, partners), torch.maximum(here, partners)
        end = (earlier + inputs.ahead - 1).clamp(0, last)
        start = (later - inputs.behind + 1).clamp(0, last)
        places = [partners.clamp(min=0), end, start]
        spans = [(earlier.clamp(min=0), later), (end, start)]
        told = self.told(x)
        counts = functional.softplus(self.counted(x).float()) * mask[..., None]
        total = counts.cumsum(dim=1)
        batch = torch.arange(len(x), device=x.device)[:, None, None]
        parts = []
        # What all steps hear of all partners would be the largest tensor of all.
        for first in range(0, x.shape[1], STEPS_PER_PART):
            rows = slice(first, first + STEPS_PER_PART)
            heard = [told[batch, place[:, rows]] for place in places]
            for low, high in spans:
                between = total[batch, high[:, rows]] - total[batch, low[:, rows]]
                heard.append(_compressed(between).to(told.dtype))
            # Steps without a partner hear nothing.
            heard = torch.cat(heard, dim=-1) * there[:, rows, :, None]
            parts.append(self.heard(heard.flatten(-2)))
        return torch.cat(parts, dim=1)


def _compressed(amount: Tensor) -> Tensor:
    """Logarithmic, with its sign."""
    return amount.sign() * torch.log1p(amount.abs())
