"""How a copy's share of the sound goes to nothing beside sound that no copy explains.

In blocks of some milliseconds the gain of the copy in the whitened sound is measured, with an
error that grows with what else sounds; a fade is the curve that fits these gains best. Where
foreign sound, noise or a stretched run covers a fade's silent end, its audible part tells it.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.ndimage import median_filter
from scipy.signal import fftconvolve, oaconvolve

from editorbot.align.boundary import CURVES
from editorbot.align.piece import Piece
from editorbot.align.playback import Playback
from editorbot.align.whiten import TAPS, whitening_filter

BLOCK_S = 0.004
HIGHEST_HZ = 8000.0
UNSTEADY = 0.28
"""Standard deviation of gains that mastering and echoes cause even where nothing else sounds."""
GAIN_PRIOR = 0.15
"""Standard deviation of a copy's gain near one of its ends from its own on the whole."""
ECHO_S, ECHO_PRIOR, LOUDEST_ECHO, HARD_BLOCKS = 0.3, 0.2, 0.5, 4
"""How long and how loud a copy may go on after a cut that is over in so many blocks."""
ELSEWHERE = (26, 58, 88)
"""Blocks by which a copy is moved, either way, to see how it correlates by chance."""
FAINTEST = 1e-12
SMOOTHED = 13
"""Blocks over which the error of a gain is taken to be the same."""
CLEARLY = 6.0
"""By how much the weighted squares must fall for a fade to be believed."""
LENGTHS_AN_OCTAVE = 3
FINEST = 0.125
"""Of a block, the last step of the search."""


@dataclass(frozen=True)
class Profile:
    """Gains (N,) of a copy in blocks of edit samples, from its inside outwards.

    Attributes:
        gains: (N,) float64, 1 where the copy sounds as on the whole.
        weights: (N,) float64 inverse variances of the gains.
        block: Samples of a block.
    """

    gains: np.ndarray
    weights: np.ndarray
    block: int

    @property
    def samples(self) -> int:
        """Length of all blocks."""
        return len(self.gains) * self.block


def measured_profile(
    playback: Playback, copy: Piece, first: int, last: int, *, outwards: int
) -> Profile | None:
    """Gains of the copy in edit samples [first, last), of which it plays the first or last ones.

    `outwards` is 1 if it ends there, -1 if it begins. None if there is no block's room.
    """
    block = round(BLOCK_S * playback.rate)
    count = (last - first) // block
    if count < 1:
        return None
    half, margin = TAPS // 2, max(ELSEWHERE) * block
    heard = playback.heard(first - half, first + count * block + half)
    wide = first - half - margin, first + count * block + half + margin
    played = playback.played(copy, *wide) * copy.gain
    taps = whitening_filter([heard, played], sample_rate=playback.rate, highest_hz=HIGHEST_HZ)
    heard, played = (oaconvolve(x, taps, "valid").reshape(-1, block) for x in (heard, played))
    there = played[max(ELSEWHERE) : max(ELSEWHERE) + count]
    own = _products(there, there)
    gains = _products(heard, there) / own
    weights = 1 / (_variance(heard - gains[:, None] * there, played) / own + UNSTEADY**2)
    return Profile(gains[::outwards], weights[::outwards], block)


def _variance(rest: np.ndarray, played: np.ndarray) -> np.ndarray:
    """(N,) energy of what a copy leaves, (N, B), along sound that it is no copy of.

    That sound is the copy's own, `ELSEWHERE`: in tones that sound alike chance correlates more
    than in noise.
    """
    total, margin = np.zeros(len(rest)), max(ELSEWHERE)
    for shift in ELSEWHERE:
        for other in (played[margin + shift :], played[margin - shift :]):
            other = other[: len(rest)]
            total += _products(rest, other) ** 2 / _products(other, other)
    return median_filter(total, SMOOTHED, mode="nearest") / (2 * len(ELSEWHERE))


def _products(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.einsum("nb,nb->n", a, b) + FAINTEST


def fitted_end(profile: Profile, *, longest: int) -> tuple[int, int, str]:
    """Where a copy ends, and its fade: samples to its end, the fade's samples, and its curve.

    The fade is at most `longest` samples, and 0 if none explains clearly more than a cut.
    """
    octaves = np.log2(max(2, min(longest, profile.samples) / profile.block / 2))
    lengths = 2.0 * 2 ** (np.arange(int(LENGTHS_AN_OCTAVE * octaves)) / LENGTHS_AN_OCTAVE)
    tried = []
    for curve, length in [(CURVES[0], 0.0), *product(CURVES, lengths)]:
        costs = _costs_of_ends(profile, length, curve)
        at = int(costs.argmin())
        tried.append((costs[at] + (CLEARLY if length else 0), float(at), length, curve))
    cost, end, length, curve = min(tried)
    if length == 0:
        return round(end * profile.block), 0, curve
    cost -= CLEARLY
    step = max(1.0, length / 8)
    while step >= FINEST:
        moves = [(end + a * step, length + b * step) for a, b in product((-1, 0, 1), repeat=2)]
        moves = [move for move in moves if 0 < move[1] * profile.block <= longest]
        costs = [_cost(profile, *move, curve) for move in moves]
        at = int(np.argmin(costs))
        if costs[at] < cost - 1e-9:
            cost, (end, length) = costs[at], moves[at]
        else:
            step /= 2
    return round(end * profile.block), round(length * profile.block), curve


def _costs_of_ends(profile: Profile, length: float, curve: str) -> np.ndarray:
    """(N + 1,) weighted squares that fades over `length` blocks leave if they end at 0 to N."""
    weighed = profile.weights * profile.gains
    count = len(weighed)
    shape = _shape(np.arange(count) + 0.5, length, curve)
    # A fade that ends at e weighs block i by shape[e - 1 - i].
    heard, played = (
        np.concatenate([[0], fftconvolve(values, kernel)[:count]])
        for values, kernel in ((weighed, shape), (profile.weights, shape**2))
    )
    after = np.minimum(np.arange(count + 1) + _echo_blocks(length), count)
    echoes = (np.concatenate([[0], np.cumsum(values)]) for values in (weighed, profile.weights))
    return _left(profile, heard, played, *(sums[after] - sums[: count + 1] for sums in echoes))


def _cost(profile: Profile, end: float, length: float, curve: str) -> float:
    """The same of one fade that may end inside a block."""
    left = end - (np.arange(len(profile.gains)) + 0.5)
    shape = _shape(left, length, curve)
    echo = (left < 0) & (left > -_echo_blocks(length))
    weighed = profile.weights * profile.gains
    sums = shape @ weighed, shape**2 @ profile.weights, echo @ weighed, echo @ profile.weights
    return float(_left(profile, *map(np.asarray, sums)))


def _shape(left: np.ndarray, length: float, curve: str) -> np.ndarray:
    """Weights of a fade over `length` blocks, `left` blocks before its end."""
    shape = np.clip(left / max(length, 1e-3), 0, 1)
    return np.sin(np.pi / 2 * shape) if curve == "equal_power" else shape


def _echo_blocks(length: float) -> int:
    """What follows a cut may sound like the copy for a while: its echo, or the run stretched."""
    return round(ECHO_S / BLOCK_S) if length <= HARD_BLOCKS else 0


def _left(
    profile: Profile,
    heard: np.ndarray,
    played: np.ndarray,
    echo_heard: np.ndarray,
    echo_played: np.ndarray,
) -> np.ndarray:
    """Weighted squares left by fades at their best gains.

    `heard` are sums of weight, shape and gain, `played` of weight and squared shape; so of echoes.
    """
    prior = GAIN_PRIOR**-2
    gain = (heard + prior) / (played + prior)
    total = profile.weights @ profile.gains**2
    left = total - 2 * gain * heard + gain**2 * played + prior * (gain - 1) ** 2
    echo_played = echo_played + ECHO_PRIOR**-2
    echo = np.clip(echo_heard / echo_played, 0, LOUDEST_ECHO)
    return left - 2 * echo * echo_heard + echo**2 * echo_played
