"""Steps of gain and of polarity inside material that is played on without a cut.

The gain that best explains a stretch, and what it leaves, follow from three running sums, so that
every division of a piece is cheap to try. It is halved where that explains most, as long as that
explains much, and a step stands only if what is around it is thereby explained nearly whole: a
fade or a compressor is not a step.
"""

from dataclasses import replace
from itertools import pairwise

import numpy as np

from editorbot.align.piece import Piece
from editorbot.align.playback import treated
from editorbot.align.sides import Side
from editorbot.align.whiten import BLOCK_SAMPLES, slice_padded

BLOCK_S = 0.01
SHORTEST_S = 0.1
AROUND_S = 1.0
AUDIBLE = 3e-5
"""Of the sound's energy: -45 dB, what a step of 0.1 dB leaves."""
LEFT = 0.1
"""A step of gain must leave less than this share of what one gain for both sides leaves."""
FLIP_WINDOW_S = 0.2
FLIP_CORRELATION = 0.4
"""Of the waveforms over that window, on both sides of a step of polarity, with opposite signs."""
STRAIGHT = 4.0
"""A fade, on either side of a step, leaves so many times more under one gain than under a ramp."""
LONGEST_RAMP, RAMP_STEP = 150, 5
"""Blocks of a ramp from one gain to another, and between those at which its ends are tried."""
PLATEAU = 50
"""Blocks of even gain on either side of a ramp: a fade has them on one side only."""
LEAST_RAMP = 0.3
"""Share of the greater gain that the lesser is at least; what goes below it is a fade."""
LEFT_BY_RAMP = 0.02
"""A ramp must leave less than this share of what one gain leaves."""
MOST_TRIED = 400
"""Places of which all pairs are tried at first; pairs are 80,000 then."""
WORTH = 0.3
"""Share of what is left that a division must explain to be tried."""


def with_gain_steps(pieces: list[Piece], raw: Side, edit: Side) -> list[Piece]:
    """The pieces, divided where gain or polarity steps, or a gain goes over into another."""
    return [part for piece in pieces for part in _divided(piece, raw, edit)]


def _divided(piece: Piece, raw: Side, edit: Side) -> list[Piece]:
    block = max(1, round(BLOCK_S * raw.rate))
    # Under its fades a piece has other gains, or another piece sounds too.
    inner = replace(
        piece,
        start=piece.start + piece.fade_in.samples,
        stop=piece.stop - piece.fade_out.samples,
    )
    if not piece.is_comparable or inner.samples < 2 * SHORTEST_S * raw.rate:
        return [piece]
    sums = _Sums(inner, raw, edit, block)
    steps = []
    for first, last in pairwise([0, *_flips(sums), sums.count]):
        steps += [first] if first else []
        steps += _confirmed(sums, _steps(sums, first, last), first, last)
    places = [piece.start, *(inner.start + step * block for step in steps), piece.stop]
    parts = [replace(piece, start=start, stop=stop) for start, stop in pairwise(places)]
    borders = zip([0, *steps], [*steps, sums.count], strict=True)
    gains = [sums.gain(*ends) for ends in borders]
    return [replace(part, gain=gain or piece.gain) for part, gain in zip(parts, gains, strict=True)]


class _Sums:
    """Running sums over blocks of a piece: what is heard, what is played, and their product."""

    def __init__(self, piece: Piece, raw: Side, edit: Side, block: int) -> None:
        self.count = piece.samples // block
        self.shortest = round(SHORTEST_S / BLOCK_S)
        self.around = round(AROUND_S / BLOCK_S)
        parts = []
        per_part = max(1, BLOCK_SAMPLES // block)
        for first in range(0, self.count, per_part):
            start = piece.start + first * block
            stop = piece.start + min(first + per_part, self.count) * block
            heard = slice_padded(edit.mono, start, stop).astype(np.float64).reshape(-1, block)
            played = treated(raw.mono, piece, start, stop).astype(np.float64).reshape(-1, block)
            products = (heard * heard, heard * played, played * played)
            ee, ep, pp = (product.sum(axis=1) for product in products)
            t = np.arange(first, first + len(ee)) / self.count
            parts.append(np.stack([ee, ep, pp, t * ep, t * pp, t * t * pp]))
        sums = np.cumsum(np.concatenate(parts, axis=1), axis=1)
        self.sums = np.pad(sums, ((0, 0), (1, 0)))

    def between(self, first, last) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Energy heard, product, energy played of blocks [first, last); arrays broadcast."""
        return tuple(row[last] - row[first] for row in self.sums[:3])

    def gain(self, first: int, last: int) -> float:
        """The gain that explains blocks [first, last) best."""
        _, product, played = self.between(first, last)
        return float(product / played) if played > 0 else 0.0

    def left(self, first, last) -> np.ndarray:
        """Energy that the best gain leaves."""
        heard, product, played = self.between(first, last)
        return np.maximum(heard - product**2 / np.maximum(played, 1e-20), 0)

    def left_by_ramp(self, first: int, last: int) -> float:
        """Energy that the best gain leaves which changes evenly over blocks [first, last)."""
        ee, ep, pp, tep, tpp, ttpp = (float(row[last] - row[first]) for row in self.sums)
        matrix, target = np.array([[pp, tpp], [tpp, ttpp]]), np.array([ep, tep])
        solution = np.linalg.lstsq(matrix, target, rcond=None)[0]
        return max(ee - float(solution @ target), 0.0)


def _steps(sums: _Sums, first: int, last: int) -> list[int]:
    """Where blocks [first, last) are best divided, and again both halves."""
    if last - first < 2 * sums.shortest:
        return []
    places = np.arange(first + sums.shortest, last - sums.shortest + 1)
    left = sums.left(first, places) + sums.left(places, last)
    whole = float(sums.left(first, last))
    best = int(left.argmin())
    heard = float(sums.between(first, last)[0])
    if whole < AUDIBLE * heard:
        return []
    if left[best] <= (1 - WORTH) * whole:
        place = int(places[best])
        return [*_steps(sums, first, place), place, *_steps(sums, place, last)]
    # Two steps there and back again explain little one by one.
    start, stop, left_by_both = _best_inside(sums, first, last)
    if left_by_both > (1 - WORTH) * whole:
        return []
    parts = [_steps(sums, *part) for part in ((first, start), (start, stop), (stop, last))]
    return [*parts[0], start, *parts[1], stop, *parts[2]]


def _best_inside(sums: _Sums, first: int, last: int) -> tuple[int, int, float]:
    """The run inside blocks [first, last) that is best given a gain of its own, and what is left.

    Circular binary segmentation (Olshen et al. 2004, Biostatistics 5, section 3).
    """
    stride = max(sums.shortest, -(-(last - first) // MOST_TRIED))
    grid = np.arange(first + stride, last - stride + 1, stride)
    if len(grid) < 2:
        return first, last, np.inf
    starts, stops = (grid[index] for index in np.triu_indices(len(grid), 1))
    start, stop, left = _least_left(sums, first, last, starts, stops)
    around = np.arange(-stride, stride + 1)
    for _ in range(2):
        starts = np.clip(start + around, first + sums.shortest, stop - sums.shortest)
        start, stop, left = _least_left(sums, first, last, starts, stop)
        stops = np.clip(stop + around, start + sums.shortest, last - sums.shortest)
        start, stop, left = _least_left(sums, first, last, start, stops)
    return start, stop, left


def _least_left(sums: _Sums, first: int, last: int, starts, stops) -> tuple[int, int, float]:
    """Of the runs [start, stop), arrays that broadcast, the best, and what is left with it."""
    starts, stops = np.broadcast_arrays(starts, stops)
    whole, inside = sums.between(first, last), sums.between(starts, stops)
    heard, product, played = (a - b for a, b in zip(whole, inside, strict=True))
    outside = np.maximum(heard - product**2 / np.maximum(played, 1e-20), 0)
    left = outside + sums.left(starts, stops)
    best = int(left.argmin())
    return int(starts[best]), int(stops[best]), float(left[best])


def _flips(sums: _Sums) -> list[int]:
    """Where polarity turns over; equalising leaves too much for gains to tell."""
    window = min(round(FLIP_WINDOW_S / BLOCK_S), sums.count)
    starts = np.arange(sums.count - window + 1)
    heard, product, played = sums.between(starts, starts + window)
    correlation = product / np.sqrt(np.maximum(heard * played, 1e-20))
    sure = np.flatnonzero(np.abs(correlation) > FLIP_CORRELATION)
    flips = []
    for before, after in pairwise(sure):
        if correlation[before] * correlation[after] < 0:
            places = np.arange(before + 1, after + window)
            left = sums.left(before, places) + sums.left(places, after + window)
            flips.append(int(places[left.argmin()]))
    return flips


def _confirmed(sums: _Sums, steps: list[int], start: int, stop: int) -> list[int]:
    """The steps within blocks [start, stop) that explain what is around them.

    The least convincing goes first, as its neighbours then have more around them.
    """
    ramps: set[int] = set()
    while steps:
        borders = [start, *steps, stop]
        shares = []
        for before, step, after in zip(borders[:-2], steps, borders[2:], strict=True):
            first, last = max(before, step - sums.around), min(after, step + sums.around)
            left = float(sums.left(first, step) + sums.left(step, last))
            whole = max(float(sums.left(first, last)), 1e-20)
            is_even = all(_is_even(sums, *side, whole) for side in ((first, step), (step, last)))
            shares.append(0.0 if step in ramps else left / whole if is_even else 1.0)
        worst = int(np.argmax(shares))
        if shares[worst] < LEFT:
            return steps
        before, step, after = borders[worst : worst + 3]
        ramp = _ramp(sums, step, before, after)
        if ramp is not None:
            ramps.add(ramp)
        steps = steps[:worst] + ([] if ramp is None else [ramp]) + steps[worst + 1 :]
    return []


def _ramp(sums: _Sums, step: int, before: int, after: int) -> int | None:
    """The middle of a ramp of gain near a step, between blocks `before` and `after`, if one is."""
    reach = LONGEST_RAMP // 2 + sums.around
    before, after = max(before, step - reach), min(after, step + reach)
    starts = np.arange(before + PLATEAU, after - PLATEAU + 1, RAMP_STEP)
    ends = np.array([(a, b) for a in starts for b in starts if 0 < b - a <= LONGEST_RAMP])
    if len(ends) == 0:
        return None
    heard, product, played = (np.diff(row[before : after + 1]) for row in sums.sums[:3])
    t = np.arange(before, after) + 0.5
    up = np.clip((t - ends[:, :1]) / (ends[:, 1:] - ends[:, :1]), 0, 1)
    down = 1 - up
    # The two gains by least squares, in closed form.
    aa, bb, ab = down**2 @ played, up**2 @ played, (down * up) @ played
    pa, pb = down @ product, up @ product
    det = np.maximum(aa * bb - ab**2, 1e-30)
    low, high = (bb * pa - ab * pb) / det, (aa * pb - ab * pa) / det
    left = heard.sum() - low * pa - high * pb
    best = int(left.argmin())
    whole = max(float(sums.left(before, after)), 1e-20)
    gains = sorted((low[best], high[best]))
    if left[best] > LEFT_BY_RAMP * whole or gains[0] < LEAST_RAMP * gains[1]:
        return None
    low_end, high_end = ends[best]
    plateaus = (low_end - PLATEAU, low_end), (high_end, high_end + PLATEAU)
    is_even = all(_is_even(sums, *plateau, whole) for plateau in plateaus)
    return int(ends[best].mean()) if is_even else None


def _is_even(sums: _Sums, first: int, last: int, whole: float) -> bool:
    """Whether blocks [first, last), of a stretch that leaves `whole`, are not part of a fade."""
    by_ramp = sums.left_by_ramp(first, last)
    return float(sums.left(first, last)) <= STRAIGHT * by_ramp + AUDIBLE * whole
