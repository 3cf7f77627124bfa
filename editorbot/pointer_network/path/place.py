"""Where exactly a run begins and ends: a small network looks at the frames around each cut.

It sees the mel of single frames, what the path model knows of the steps there and, where a run
ends, how much what follows in the raw sounds like what follows in the edit: a passage that was
spoiled is left where its good take begins.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from editorbot.pointer_network.path.features import BANDS

REACH = 64
"""Frames to either side of a cut's step within which it may lie: 0.74 s."""
WIDTH, KERNEL = 32, 9
LOCAL_BANDS = 9
COMPARED = 64
"""Frames whose sound is compared."""
NOWHERE = -1
"""The run is the last one."""


class Cuts(NamedTuple):
    """N ends of runs of one song."""

    around: Tensor
    """(N,) int64 frames at whose beginning they are looked for."""
    is_end: Tensor
    """(N,) bool, whether a run ends there or begins."""
    resumes: Tensor
    """(N,) int64 frames at which the path goes on after an end; NOWHERE for starts."""


class Placer(nn.Module):
    """Frames around cuts -> logits of their places."""

    def __init__(self, width: int):
        super().__init__()
        self.mel = nn.Linear(BANDS, WIDTH)
        self.known = nn.Linear(width, WIDTH)
        self.side = nn.Embedding(2, WIDTH)
        self.alike = nn.Linear(1, WIDTH)
        self.layers = nn.ModuleList(
            nn.Conv1d(WIDTH, 2 * WIDTH, KERNEL, padding=KERNEL // 2 * reach, dilation=reach)
            for reach in (1, 2, 4)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(WIDTH) for _ in self.layers)
        self.logit = nn.Linear(WIDTH, 1)

    def forward(self, frames: Tensor, states: Tensor, cuts: Cuts, *, stride: int) -> Tensor:
        """(N, 2 * REACH) logits that the cut lies at the beginning of the frame.

        The first of the frames is `around - REACH`; those outside the raw are impossible.

        Args:
            frames: (F, BANDS) in [0, 1].
            states: (R, width) of the path model.
            cuts: Those to place.
            stride: Frames of a step.
        """
        last = len(frames) - 1
        offsets = torch.arange(-REACH, REACH, device=frames.device)
        places = cuts.around[:, None] + offsets
        # The end of the last frame is a place too.
        inside = (places >= 0) & (places <= last + 1)
        seen = places.clamp(0, last)
        x = self.mel(4 * (frames[seen].float() - 0.5))
        x = x + self.known(states[(seen // stride).clamp(max=len(states) - 1)])
        x = x + self.side(cuts.is_end.long())[:, None]
        x = x + self.alike(_likeness(frames, cuts, places)[..., None])
        for layer, norm in zip(self.layers, self.norms, strict=True):
            y = layer(norm(x).transpose(1, 2)).transpose(1, 2)
            x = x + functional.glu(y, dim=-1)
        logits = self.logit(x)[..., 0].float()
        return logits.masked_fill(~inside, -1e4)


def _likeness(frames: Tensor, cuts: Cuts, places: Tensor) -> Tensor:
    """(N, 2 * REACH) cosine of what follows each place and what follows where the path goes on."""
    last = len(frames) - 1
    ahead = torch.arange(COMPARED, device=frames.device)
    wanted = _shapes(frames[(cuts.resumes[:, None] + ahead).clamp(0, last)])
    reach = torch.arange(-REACH, REACH + COMPARED - 1, device=frames.device)
    there = _shapes(frames[(cuts.around[:, None] + reach).clamp(0, last)])
    # As one convolution, a group for each cut.
    alike = functional.conv1d(
        there.transpose(1, 2).reshape(1, -1, there.shape[1]),
        wanted.transpose(1, 2),
        groups=len(wanted),
    )[0]
    return alike / COMPARED * (cuts.resumes != NOWHERE)[:, None]


def _shapes(frames: Tensor) -> Tensor:
    """(N, F, BANDS) of norm 1: the shape of the spectrum, less what its neighbourhood has."""
    frames = frames.float()
    local = functional.avg_pool1d(
        frames, LOCAL_BANDS, stride=1, padding=LOCAL_BANDS // 2, count_include_pad=False
    )
    return functional.normalize(frames - local, dim=-1, eps=1e-3)


def place_targets(places: Tensor, cuts: Cuts, *, spread: float) -> Tensor:
    """(N, 2 * REACH) probabilities of (N,) true places in frames, smeared by `spread` frames."""
    offsets = torch.arange(-REACH, REACH, device=places.device)
    distance = cuts.around[:, None] + offsets - places[:, None]
    near = torch.exp(-0.5 * (distance / spread) ** 2)
    return near / near.sum(dim=1, keepdim=True)


def cuts_of(runs: Sequence[tuple[float, float]]) -> tuple[Cuts, Tensor]:
    """All starts, then all ends, of runs [start, end) in the edit's order; and their places.

    Runs are in frames, whole or not.
    """
    starts, ends = (torch.tensor(x, dtype=torch.float32) for x in zip(*runs, strict=True))
    places = torch.cat([starts, ends])
    nowhere = torch.full((len(runs) + 1,), NOWHERE)
    resumes = torch.cat([nowhere[1:], starts[1:].round().long(), nowhere[:1]])
    is_end = torch.arange(2 * len(runs)) >= len(runs)
    return Cuts(places.round().long(), is_end, resumes), places
