"""Candidates become diagonals: lags, exact to a fraction of a sample, with the span they may hold.

A diagonal is a hypothesis "from here to there the edit plays the raw at this lag". Candidates of
neighbouring windows at one lag are one hypothesis; correlation of the whitened waveforms
makes its lag exact, and throws out what only sounds alike.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from editorbot.align.features import HOP
from editorbot.align.mapped import release
from editorbot.align.offsets import correlation
from editorbot.align.search import COARSE_HOP, HOP_FRAMES, Candidate
from editorbot.align.whiten import slice_padded
from editorbot.progress import track

SPOT_SAMPLES = 8192
"""0.74 s: long enough to stand out of chance, short enough to fit between two cuts."""
SHORT_SAMPLES, LEAST_SHORT = HOP_FRAMES * COARSE_HOP // 2, 0.4
"""0.26 s, and the correlation asked there: both halves of the search's shortest windows, where a
run of half a second is not outvoted by its neighbours."""
MARGIN_SAMPLES = 3 * COARSE_HOP
SPOT_HOPS = 4
"""A lag is measured once in so many windows, 2 s."""
GAP_HOPS = 4
"""A chain may miss so many windows."""
REACH_FRAMES = 130
"""A diagonal may hold so far beyond the windows that found it: 1.5 s."""
BRIDGED_FRAMES = 860
"""A lag that holds before and after so much, 10 s, may hold in between, as in a silence."""
SAME_LAG = 0.75
"""Samples; lags closer than this are one."""
BATCH = 64
MOST_EXTENSIONS = 12
"""Times 2 s: how far a lag is followed beyond the windows that found it."""
GOES_ON, NEAR_LAG = 0.4, 2.0
"""Correlation at which a lag is taken to go on, and by how many samples it may seem to differ
where it is measured less exactly."""
RIVALS = 3
"""Peaks kept per spot: in sustained tones those a few periods apart are almost alike."""
RIVAL_SHARE = 0.93
PEAK_WIDTH = 8
TOP_TAPS = 12
"""Samples to either side that a value between two is read from."""
BETWEEN_STEP = 0.125
BETWEEN = np.arange(-5, 6) * BETWEEN_STEP
"""Where it is read, in samples from the highest: from beyond one half to beyond the other."""


@dataclass(frozen=True)
class Diagonal:
    """The hypothesis that edit frames [first, last) play the raw at `lag`.

    `lag` is raw position minus edit position, in samples at the analysis rate.
    """

    first: int
    last: int
    lag: float


@dataclass(frozen=True)
class Spot:
    """A place at which a lag is measured: edit sample `start`, expected lag `lag`."""

    chain: int
    start: int
    lag: int
    first: int
    last: int
    samples: int = SPOT_SAMPLES


@dataclass(frozen=True)
class MeasuredLag:
    """A lag measured at edit sample `middle`, unrounded, for the frames [first, last) around it.

    Spots of one `chain` follow a hypothesis through the edit.
    """

    chain: int
    middle: int
    first: int
    last: int
    lag: float
    strength: float


def measure_lags(
    raw: np.ndarray,
    edit: np.ndarray,
    candidates: Iterable[Candidate],
    *,
    least_correlation: float,
) -> list[MeasuredLag]:
    """Measure the candidates' lags on the whitened waveforms (T,), and how far these go on.

    Lags at which these correlate less than `least_correlation` are dropped.
    """
    candidates = list(candidates)
    spots = list(_spots(_chains(candidates), len(edit)))
    short = list(_short_spots(candidates, len(edit), first_chain=len(candidates)))
    batches = [spots[i : i + BATCH] for i in range(0, len(spots), BATCH)]
    found: list[MeasuredLag] = []
    for batch in track(batches, "measuring lags"):
        found += _measured(raw, edit, batch, least_correlation)
    only_short = []
    for first in range(0, len(short), BATCH):
        only_short += _measured(raw, edit, short[first : first + BATCH], LEAST_SHORT)
    # Short spots are less exact: where a lag is known, they would only make a second one of it.
    found += _unknown(only_short, found)
    # Where the raw repeats, more places sound alike than candidates are kept. A lag that holds
    # before or after may be right there too, and continuity then decides for it.
    tried: set[tuple[int, int]] = set()
    for _ in range(MOST_EXTENSIONS):
        ends = {
            spot: lag
            for spot, lag in _spots_beyond(found, len(edit))
            if (spot.start, spot.lag) not in tried
        }
        tried.update((spot.start, spot.lag) for spot in ends)
        further = list(_going_on(raw, edit, ends))
        if not further:
            break
        found += further
    return found


def _unknown(measured: list[MeasuredLag], known: list[MeasuredLag]) -> list[MeasuredLag]:
    """Those measured where no lag is known that is about the same."""
    lags, firsts, lasts = (
        np.array([getattr(m, name) for m in known]) for name in ("lag", "first", "last")
    )
    return [
        m
        for m in measured
        if not np.any((np.abs(lags - m.lag) <= NEAR_LAG) & (firsts < m.last) & (lasts > m.first))
    ]


def _measured(
    raw: np.ndarray, edit: np.ndarray, spots: list[Spot], least_correlation: float
) -> list[MeasuredLag]:
    """What a batch of spots of one length shows."""
    found = []
    for lags, strengths in _measure(raw, edit, spots):
        for spot, lag, strength in zip(spots, lags, strengths, strict=True):
            if strength >= least_correlation:
                middle = spot.start + spot.samples // 2
                place = (spot.chain, middle, spot.first, spot.last)
                found.append(MeasuredLag(*place, float(lag), float(strength)))
    release(raw, edit)
    return found


def _going_on(raw: np.ndarray, edit: np.ndarray, ends: dict[Spot, float]) -> Iterator[MeasuredLag]:
    """The spots at which the lags that are expected there hold."""
    lags = {spot.chain: lag for spot, lag in ends.items()}
    spots = list(ends)
    for first in range(0, len(spots), BATCH):
        for measured in _measured(raw, edit, spots[first : first + BATCH], GOES_ON):
            lag = lags[measured.chain]
            # Measured in one spot a lag may be a little off, and would be another diagonal's.
            if abs(measured.lag - lag) <= NEAR_LAG:
                yield replace(measured, lag=lag)


def _spots_beyond(found: list[MeasuredLag], edit_samples: int) -> Iterator[tuple[Spot, float]]:
    """Where lags that were found would be measured next, before and after their spans."""
    frames = 1 + edit_samples // HOP
    known = merged([Diagonal(m.first, m.last, m.lag) for m in found if m.strength >= GOES_ON])
    number = 1 + max((m.chain for m in found), default=0)
    for diagonal in known:
        for end in (diagonal.first + REACH_FRAMES, diagonal.last - REACH_FRAMES):
            start = end * HOP - SPOT_SAMPLES // 2
            if 0 <= start < edit_samples - SPOT_SAMPLES:
                span = _span_around(end, frames)
                yield Spot(number, start, round(diagonal.lag), *span), diagonal.lag
                number += 1


def _span_around(frame: int, frames: int) -> tuple[int, int]:
    """The frames for which a lag measured around one of them is taken to hold at most."""
    reach = SPOT_HOPS * HOP_FRAMES * COARSE_HOP // HOP + REACH_FRAMES
    return max(0, frame - reach), min(frames, frame + reach)


def diagonals_of(measured: Iterable[MeasuredLag], quiet: np.ndarray) -> list[Diagonal]:
    """Diagonals at the measured lags, merged where they agree.

    No lag is measured in silence: one that holds up to where the edit is `quiet`, (F,) bool, may
    hold all through it.
    """
    changes = np.flatnonzero(np.diff(quiet)) + 1
    borders = np.concatenate([[0], changes, [len(quiet)]])

    def spread(m: MeasuredLag) -> Diagonal:
        first, last = m.first, m.last
        if quiet[first]:
            first = int(borders[np.searchsorted(borders, first, side="right") - 1])
        if quiet[last - 1]:
            last = int(borders[np.searchsorted(borders, last, side="left")])
        return Diagonal(first, last, m.lag)

    return merged([spread(m) for m in measured])


def _chains(candidates: Iterable[Candidate]) -> Iterator[list[Candidate]]:
    """Group candidates that follow each other at one lag, or one coarse frame beside it."""
    open_chains: dict[int, list[Candidate]] = {}
    for candidate in candidates:
        chain = None
        for lag in (candidate.lag, candidate.lag - 1, candidate.lag + 1):
            earlier = open_chains.get(lag)
            reach = candidate.start - GAP_HOPS * HOP_FRAMES
            if earlier and earlier[-1].start + earlier[-1].frames >= reach:
                chain = open_chains.pop(lag)
                break
        if chain is None:
            chain = []
        chain.append(candidate)
        displaced = open_chains.get(candidate.lag)
        if displaced:
            yield displaced
        open_chains[candidate.lag] = chain
    yield from open_chains.values()


def _spots(chains: Iterable[list[Candidate]], edit_samples: int) -> Iterator[Spot]:
    frames = 1 + edit_samples // HOP
    for number, chain in enumerate(chains):
        for candidate in _best_of_each_stretch(chain):
            middle = (candidate.start + candidate.frames // 2) * COARSE_HOP
            span = _span_around(middle // HOP, frames)
            yield Spot(number, middle - SPOT_SAMPLES // 2, candidate.lag * COARSE_HOP, *span)


def _short_spots(
    candidates: list[Candidate], edit_samples: int, *, first_chain: int
) -> Iterator[Spot]:
    """Two spots at the best candidate of each window of the least length, its halves."""
    best: dict[int, Candidate] = {}
    for candidate in candidates:
        known = best.get(candidate.start)
        if candidate.frames == HOP_FRAMES and (known is None or candidate.score > known.score):
            best[candidate.start] = candidate
    frames = 1 + edit_samples // HOP
    halves = product(best.values(), (0, SHORT_SAMPLES))
    for number, (candidate, offset) in enumerate(halves, start=first_chain):
        start = candidate.start * COARSE_HOP + offset
        span = _span_around((start + SHORT_SAMPLES // 2) // HOP, frames)
        yield Spot(number, start, candidate.lag * COARSE_HOP, *span, SHORT_SAMPLES)


def _best_of_each_stretch(chain: list[Candidate]) -> Iterator[Candidate]:
    """The candidate of the highest score in each stretch of `SPOT_HOPS` hops.

    A short run's chain may begin with windows that only touch it, where nothing is to be measured.
    """
    stretch: list[Candidate] = []
    for candidate in chain:
        if stretch and candidate.start >= stretch[0].start + SPOT_HOPS * HOP_FRAMES:
            yield max(stretch, key=lambda c: c.score)
            stretch = []
        stretch.append(candidate)
    yield max(stretch, key=lambda c: c.score)


def _measure(raw: np.ndarray, edit: np.ndarray, spots: list[Spot]) -> tuple[np.ndarray, np.ndarray]:
    """Exact lags (B,) and the correlation coefficients (B,) there, of spots of one length."""
    samples = spots[0].samples
    size = samples + 2 * MARGIN_SAMPLES
    pieces = np.stack([slice_padded(edit, s.start, s.start + samples) for s in spots])
    starts = [s.start + s.lag - MARGIN_SAMPLES for s in spots]
    places = np.stack([slice_padded(raw, start, start + size) for start in starts])
    signed = correlation(places, pieces, lags=2 * MARGIN_SAMPLES + 1)
    strengths = np.abs(signed)
    first_lags = np.array([s.lag for s in spots]) - MARGIN_SAMPLES
    best = strengths.max(axis=1)
    for _ in range(RIVALS):
        peak = strengths.argmax(axis=1)
        height = strengths[np.arange(len(spots)), peak]
        # A peak at the border belongs to a hill outside.
        good = (height >= RIVAL_SHARE * best) & (peak > 0) & (peak < 2 * MARGIN_SAMPLES)
        yield first_lags + peak + _top_offset(signed, peak), np.where(good, height, 0)
        for row, at in enumerate(peak):
            strengths[row, max(at - PEAK_WIDTH, 0) : at + PEAK_WIDTH + 1] = 0


def _read_between() -> np.ndarray:
    """(2 * TOP_TAPS + 1, len(BETWEEN)) weights of the samples in values between them."""
    distance = np.arange(-TOP_TAPS, TOP_TAPS + 1)[:, None] - BETWEEN
    return np.sinc(distance) * np.cos(np.pi * distance / (2 * TOP_TAPS + 3)) ** 2


_READ_BETWEEN = _read_between()


def _top_offset(values: np.ndarray, peak: np.ndarray) -> np.ndarray:
    """Offset, -0.5 to 0.5, of the top of each row's hill (B, L) around its highest sample.

    A parabola through three samples of a whitened correlation misses by up to a twelfth of one,
    which in what sounds highest makes copies less alike than those that need no fraction. So it is
    laid through samples that are read in between first.
    """
    columns = peak[:, None] + np.arange(-TOP_TAPS, TOP_TAPS + 1)
    inside = (columns >= 0) & (columns < values.shape[1])
    hills = np.take_along_axis(values, columns.clip(0, values.shape[1] - 1), axis=1) * inside
    # Read upright: what the phase turns round is a hill too.
    fine = np.sign(hills[:, [TOP_TAPS]]) * hills @ _READ_BETWEEN
    top = fine[:, 1:-1].argmax(axis=1) + 1
    left, middle, right = (fine[np.arange(len(fine)), top + d] for d in (-1, 0, 1))
    curvature = left - 2 * middle + right
    beside = 0.5 * (left - right) / np.where(curvature < 0, curvature, -np.inf)
    return np.clip(BETWEEN[top] + np.clip(beside, -0.5, 0.5) * BETWEEN_STEP, -0.5, 0.5)


def merged(diagonals: list[Diagonal]) -> list[Diagonal]:
    """Join diagonals of one lag whose spans all but meet; afterwards none of one lag overlap."""
    result: list[Diagonal] = []
    for group in _by_lag(diagonals):
        lag = float(np.median([d.lag for d in group]))
        first, last = group[0].first, group[0].last
        for diagonal in group[1:]:
            if diagonal.first > last + BRIDGED_FRAMES:
                result.append(Diagonal(first, last, lag))
                first = diagonal.first
            last = max(last, diagonal.last)
        result.append(Diagonal(first, last, lag))
    return result


def _by_lag(diagonals: list[Diagonal]) -> Iterator[list[Diagonal]]:
    """Groups of one lag, each in order of time."""
    group: list[Diagonal] = []
    for diagonal in sorted(diagonals, key=lambda d: d.lag):
        if group and diagonal.lag - group[0].lag > SAME_LAG:
            yield sorted(group, key=lambda d: d.first)
            group = []
        group.append(diagonal)
    if group:
        yield sorted(group, key=lambda d: d.first)
