"""How a copy's share of the sound falls or rises beside sound that no copy explains.

In blocks of some milliseconds the gain of the copy in the whitened sound is measured, with an
error that grows with what else sounds; a fade is the curve that fits these gains best. Where
foreign sound, noise or a stretched run covers a fade's silent end, its audible part tells it.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import median_filter
from scipy.signal import oaconvolve

from editorbot.align.piece import Piece
from editorbot.align.playback import Playback
from editorbot.align.whiten import TAPS, whitening_filter

BLOCK_S = 0.008
HIGHEST_HZ = 8000.0
UNSTEADY = 0.2
"""Standard deviation of gains that mastering and echoes cause even where nothing else sounds."""
GAIN_PRIOR = 0.15
"""Standard deviation of a copy's gain near one of its ends from its own on the whole."""
ECHO_S, ECHO_PRIOR = 0.3, 0.2
SMOOTHED = 7
CLEARLY = 8.0
"""By how much the weighted squares must fall for a fade to be believed."""
CURVES = ("linear", "equal_power")


@dataclass(frozen=True)
class Profile:
    """Gains (N,) of blocks, from the copy's inside outwards, with weights (N,), 1 / variance."""

    gains: np.ndarray
    weights: np.ndarray
    block: int


def measure(raw: Playback, edit: np.ndarray, copy: Piece, first: int, last: int, *, rate: int) -> Profile:
    """Gains of the copy in edit samples [first, last), in order of time."""
    block = round(BLOCK_S * rate)
    count = (last - first) // block
    half = TAPS // 2
    span = first - half, first + count * block + half
    sounds = [raw.played(copy, *span) * copy.gain, raw.heard(edit, *span)]
    taps = whitening_filter(sounds, sample_rate=rate, highest_hz=HIGHEST_HZ)
    played, heard = (oaconvolve(sound, taps, "valid").reshape(count, block) for sound in sounds)
    own = np.einsum("nb,nb->n", played, played) + 1e-12
    cross = np.einsum("nb,nb->n", heard, played)
    other = np.maximum(np.einsum("nb,nb->n", heard, heard) - cross**2 / own, 0)
    variance = median_filter(other, SMOOTHED, mode="nearest") / block / own
    return Profile(cross / own, 1 / (variance + UNSTEADY**2), block)


def fitted_end(profile: Profile, *, longest: int) -> tuple[int, int, str]:
    """Where a copy that stands at the profile's beginning ends: blocks to its end, and its fade.

    Returns the end and the fade's length in samples, and its curve; a fade of 0 is none for sure.
    """
    count = len(profile.gains)
    lengths = [0.0, *(2.0 * 2 ** (np.arange(40) / 3))]
    lengths = np.array([n for n in lengths if n <= longest / profile.block])
    ends = np.arange(0, count + 1, dtype=float)
    best = None
    for curve in CURVES:
        for length in lengths:
            costs = _costs(profile, ends, np.full(len(ends), length), curve)
            at = int(costs.argmin())
            found = (costs[at] + (CLEARLY if length else 0), ends[at], length, curve)
            best = min(best or found, found)
    cost, end, length, curve = best
    if length == 0:
        return round(end * profile.block), 0, curve
    step = max(1.0, length / 8)
    cost -= CLEARLY
    while step >= 0.125:
        moves = [(end + a * step, max(0.5, length + b * step)) for a in (-1, 0, 1) for b in (-1, 0, 1)]
        moves = [m for m in moves if m[1] * profile.block <= longest]
        costs = _costs(profile, *np.array(moves).T, curve)
        at = int(costs.argmin())
        if costs[at] < cost - 1e-9:
            cost, (end, length) = costs[at], moves[at]
        else:
            step /= 2
    return round(end * profile.block), round(length * profile.block), curve


def _costs(profile: Profile, ends: np.ndarray, lengths: np.ndarray, curve: str) -> np.ndarray:
    """(H,) weighted squares that fades over `lengths` blocks to `ends`, each (H,), leave."""
    left = ends[:, None] - (np.arange(len(profile.gains)) + 0.5)
    shape = np.clip(left / np.maximum(lengths, 1e-3)[:, None], 0, 1)
    if curve == "equal_power":
        shape = np.sin(np.pi / 2 * shape)
    weights, prior = profile.weights, GAIN_PRIOR**-2
    gain = (shape @ (weights * profile.gains) + prior) / (shape**2 @ weights + prior)
    rest = profile.gains - gain[:, None] * shape
    costs = rest**2 @ weights + prior * (gain - 1) ** 2
    # What follows a hard cut may sound like the copy for a while: its echo, or the run stretched.
    echo = (left < 0) & (left > -ECHO_S / BLOCK_S) & (lengths <= 2)[:, None]
    prior = ECHO_PRIOR**-2
    return costs - (echo @ (weights * profile.gains)) ** 2 / (echo @ weights + prior)
