"""What the confidence of a cut rests on: how much worse the edit is explained beside it."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from editorbot.align.features import HOP, compute_features
from editorbot.align.mapped import release
from editorbot.align.piece import Piece
from editorbot.align.playback import treated
from editorbot.align.replay import BLOCK_FRAMES, Replay, played_again
from editorbot.align.sides import ANALYSIS_RATE
from editorbot.align.whiten import slice_padded
from editorbot.edl.model import goes_on

NEAR_SAMPLES = round(0.05 * ANALYSIS_RATE)
"""A cut is right within 50 ms."""
NEAR = (NEAR_SAMPLES,)
FAR = tuple(n * NEAR_SAMPLES for n in (2, 3, 4, 5))
CONTRAST_FRAMES, BLUR_FRAMES = 26, 4
""".3 s on either side of a boundary, less what a frame's window hears of both."""
GAIN_SAMPLES = 2**12
"""0.37 s."""
FLOOR = 1e-4
"""Of the edit's mean power: what is left by a copy is not told apart below it."""
MOST_ODDS = 9.0


class CutGrounds(NamedTuple):
    """Of a boundary between two segments.

    Attributes:
        near: Half the log of how much more is left around it if it lay 50 ms earlier or later,
            whichever is less; only sides of which the waveform is the raw's count.
        far: The same at .1 to .25 s, the least of all.
        contrast: Of stretched sides: the spectra's cosine within less that beyond the boundary.
        fade: Logarithm of one plus the fade's length in units of 50 ms.
        nothing: Whether a side has no source.
        fade_nothing: The product of the two: fades from or to nothing hide their ends.
        stretched: Whether a side is stretched or transposed.
        goes_on: Whether the source goes on, and only gain or polarity changes.
        shorter: Logarithm of the shorter side's seconds, 1 at most.
        odds: Of the two segments' confidences the lesser's logarithm of odds (`with_odds`).
        typical: Median evidence per frame of the edit's copies.
    """

    near: float
    far: float
    contrast: float
    fade: float
    nothing: float
    fade_nothing: float
    stretched: float
    goes_on: float
    shorter: float
    odds: float
    typical: float


def cut_grounds(replay: Replay, typical: float) -> tuple[CutGrounds, ...]:
    """Of each boundary of a list, `typical` being its copies' median evidence per frame."""
    floor = FLOOR * _mean_power(replay)
    found = []
    for number, (before, after) in enumerate(pairwise(replay.pieces)):
        join = _Join(replay, before, after, floor)
        fade = float(np.log1p(join.samples / NEAR_SAMPLES))
        stretched = [p for p in (before, after) if p.lag is not None and not p.is_copy]
        contrasts = [_contrast(replay, piece, after.start) for piece in stretched]
        shorter_s = min(before.samples, after.samples) / ANALYSIS_RATE
        found.append(
            CutGrounds(
                near=join.margin(NEAR),
                far=join.margin(FAR),
                contrast=min(contrasts, default=0.0),
                fade=fade,
                nothing=float(join.has_nothing),
                fade_nothing=fade * join.has_nothing,
                stretched=float(len(stretched) > 0),
                goes_on=float(goes_on(replay.segments[number], replay.segments[number + 1])),
                shorter=min(1.0, float(np.log(shorter_s))),
                odds=0.0,
                typical=typical,
            )
        )
    return tuple(found)


def with_odds(cuts: Sequence[CutGrounds], confidences: Sequence[float]) -> list[CutGrounds]:
    """The cuts' grounds, given the confidences of all segments."""
    odds = [log_odds(confidence) for confidence in confidences]
    lesser = map(min, odds[:-1], odds[1:])
    return [cut._replace(odds=least) for cut, least in zip(cuts, lesser, strict=True)]


def log_odds(probability: float) -> float:
    """Natural logarithm of p / (1 - p), within `MOST_ODDS`."""
    low = 1 / (1 + np.exp(MOST_ODDS))
    p = float(np.clip(probability, low, 1 - low))
    return float(np.log(p / (1 - p)))


class _Join:
    """What two pieces leave of the edit around their boundary, and would if it lay elsewhere."""

    def __init__(self, replay: Replay, before: Piece, after: Piece, floor: float) -> None:
        self.has_nothing = None in (before.lag, after.lag)
        self.samples = max(before.fade_out.samples, after.fade_in.samples)
        self._floor = floor
        reach = max(FAR) + self.samples
        self._at = reach
        ends = after.start - reach, after.start + reach
        self._heard = slice_padded(replay.edit.white, *ends).astype(np.float64)
        self._sounds = [_with_gain(replay, piece, *ends) for piece in (before, after)]
        # Fades reach across, or lie on the side that has a source.
        self._begin = -(self.samples // 2)
        if self.has_nothing:
            self._begin = 0 if before.lag is None else -self.samples

    def margin(self, offsets: Sequence[int]) -> float:
        """Least of the half log ratios of what is left at these offsets, in samples, to here."""
        return min(self._margin(sign * offset) for offset in offsets for sign in (-1, 1))

    def _margin(self, offset: int) -> float:
        here, there = self._left(0), self._left(offset)
        first = self._at + self._begin + min(0, offset)
        last = self._at + self._begin + self.samples + max(0, offset)
        floor = self._floor * (last - first)
        left = [float(np.sum(np.square(x[first:last]))) + floor for x in (there, here)]
        return 0.5 * float(np.log(left[0] / left[1]))

    def _left(self, offset: int) -> np.ndarray:
        """(T,) the edit less both sounds, faded by equal powers, the boundary moved."""
        since = np.arange(len(self._heard)) - (self._at + self._begin + offset)
        rising = np.clip((since + 0.5) / self.samples, 0, 1) if self.samples else since >= 0
        before, after = self._sounds
        falling, rising = np.cos(np.pi / 2 * rising), np.sin(np.pi / 2 * rising)
        return self._heard - falling * before - rising * after


def _contrast(replay: Replay, piece: Piece, boundary: int) -> float:
    """By how much more a stretched piece's spectrum is like the edit's within it than beyond."""
    reach = CONTRAST_FRAMES * HOP
    ends = boundary - reach, boundary + reach
    played = compute_features(treated(replay.raw.wave, piece, *ends).astype(np.float32))
    heard = compute_features(slice_padded(replay.edit.wave, *ends))
    cosines = np.einsum("fd,fd->f", *(x.vectors.astype(np.float32) for x in (heard, played)))
    earlier = cosines[: CONTRAST_FRAMES - BLUR_FRAMES].mean()
    later = cosines[CONTRAST_FRAMES + BLUR_FRAMES :].mean()
    return float(earlier - later if piece.start < boundary - HOP else later - earlier)


def _mean_power(replay: Replay) -> float:
    """Of the whitened edit."""
    energy = sum(
        float(np.sum(np.square(replay.edit.white[start : start + BLOCK_FRAMES * HOP])))
        for start in range(0, len(replay.edit.white), BLOCK_FRAMES * HOP)
    )
    release(replay.edit.white)
    return energy / max(1, len(replay.edit.white))


def _with_gain(replay: Replay, piece: Piece, start: int, stop: int) -> np.ndarray:
    """(stop - start,) what `piece` sounds like there, at its gain nearby; zeros without source."""
    if not piece.is_comparable:
        return np.zeros(stop - start)
    inner = piece.start + piece.fade_in.samples, piece.stop - piece.fade_out.samples
    if inner[1] - inner[0] < NEAR_SAMPLES:
        inner = piece.start, piece.stop
    # From the end of the piece that is nearer.
    if start - inner[0] < inner[1] - stop:
        inner = inner[0], min(inner[1], inner[0] + GAIN_SAMPLES)
    else:
        inner = max(inner[0], inner[1] - GAIN_SAMPLES), inner[1]
    played = played_again(replay, piece, *inner)
    power = float(played @ played)
    gain = float(slice_padded(replay.edit.white, *inner) @ played) / max(power, 1e-12)
    return gain * played_again(replay, piece, start, stop)
