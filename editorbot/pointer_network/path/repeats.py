"""Where a raw recording plays something again, as in takes, false starts and vamps.

Every step of the raw is compared with those up to 26 minutes before and after it (`step_vectors`):
one by one up to a minute and a half, by groups of steps beyond. Stretches that agree are found by
local alignment along the lags (Smith and Waterman 1981, Journal of Molecular Biology 147), which
lets the lag change a little from step to step, as where a take is faster. How far two steps must
agree has no one answer, electronic music being more like itself than a band's: alignments are made
at several thresholds, and a network that reads them decides.
"""

from typing import NamedTuple

import numba
import numpy as np
from numpy.lib.stride_tricks import as_strided


class Scale(NamedTuple):
    """Lags that are looked at alike."""

    group: int
    """Steps that are compared at once, and by which the lags differ."""
    heard: tuple[int, ...]
    """Those of a group whose similarities are averaged."""
    borders_s: tuple[float, ...]
    """Lags between two of these are told apart: beats, bars, phrases, passages; whole songs."""
    rows: int
    """Groups that are worked on at once."""
    margin: int
    """Groups beyond them that alignments may reach into."""


SCALES = (
    Scale(1, (0,), (0.7, 1.5, 3.0, 6.0, 12.0, 24.0, 48.0, 96.0), rows=2048, margin=512),
    Scale(4, (0, 2), (96.0, 192.0, 384.0, 768.0, 1536.0), rows=512, margin=128),
)
THRESHOLDS = (2.0, 3.0, 4.5, 6.5)
"""Standard deviations above the mean similarity of a recording's steps."""
TYPICAL = 1
"""The threshold by whose alignments the lag itself is told."""
SHORTEST_LAG_S = 2.0
"""From which on similarities count in their mean and deviation; steps that meet are alike."""
SAMPLED_ROWS, SAMPLE = 2048, 64
"""Groups, so many beside each other, that tell the mean and the deviation."""
ROWS_AT_ONCE = 128
"""Groups whose similarities are computed at once: fewer of them take less memory, and less is
computed beyond the lags that are asked for."""
LAG_CHANGE_COST = 0.3
"""Of a lag that grows or shrinks by a group."""
LARGEST_GAP_S = 1.0
"""Of what does not agree at all, after which an alignment has ended, as where its score has fallen
far below its highest in BLAST (Altschul et al. 1997)."""
DIRECTIONS, SPANS = 2, sum(len(scale.borders_s) - 1 for scale in SCALES)
LONG_SPANS = len(SCALES[1].borders_s) - 1
"""The last spans, which grow by octaves."""
PER_THRESHOLD, PER_LAG = 3, 2
PER_SPAN = PER_THRESHOLD * len(THRESHOLDS) + PER_LAG
FEATURES = DIRECTIONS * SPANS * PER_SPAN
"""Numbers for each step: for either direction and each span of lags, at each threshold the score of
the best alignment through the step and how far it reaches back and on (logarithms), then the
similarity and the lag of one of them; zeros where nothing is found."""
PARTNERS = DIRECTIONS * SPANS


class Repeats(NamedTuple):
    """What each of R steps has to do with others, later ones first, short lags first."""

    features: np.ndarray
    """(R, FEATURES) float32, about 0 to 3."""
    partners: np.ndarray
    """(R, PARTNERS) int32, the step that agrees best, -1 where none does."""
    behind: np.ndarray
    """(R, PARTNERS) int32, steps since the two began to agree, with this one; 0 for none."""
    ahead: np.ndarray
    """(R, PARTNERS) int32, steps from this one until they cease to agree."""


def find_repeats(vectors: np.ndarray, *, steps_per_s: float) -> Repeats:
    """Compare (R, D) vectors of the steps of a recording, from `step_vectors`, with each other."""
    steps = len(vectors)
    # What a step has in common with all others is no repeat.
    usual = 0.5 * (vectors @ vectors.mean(axis=0))[:, None]
    ones = np.ones_like(usual)
    sides = _Sides(np.hstack([vectors, -usual, ones]), np.hstack([vectors, ones, -usual]))
    features = np.zeros((steps, DIRECTIONS, SPANS, PER_SPAN), np.float32)
    partners = np.full((steps, DIRECTIONS, SPANS), -1, np.int32)
    reaches = np.zeros((2, steps, DIRECTIONS, SPANS), np.int32)
    first = 0
    for scale in SCALES:
        spans = slice(first, first + len(scale.borders_s) - 1)
        first = spans.stop
        found = _best_alignments(sides, scale, steps_per_s)
        for number, best in enumerate(found):
            columns = slice(PER_THRESHOLD * number, PER_THRESHOLD * (number + 1))
            features[:, :, spans, columns] = _summary(best, scale.group)[:steps]
        lag, there = found[TYPICAL].lag[:steps], found[TYPICAL].lag[:steps] > 0
        longest = max(1, round(scale.borders_s[-1] * steps_per_s))
        told = found[TYPICAL].alike[:steps], lag / longest
        features[:, :, spans, -PER_LAG:] = np.stack(told, axis=-1)
        at = np.arange(steps)[:, None, None] + np.array([1, -1])[:, None] * lag
        # A group's later end may lie beyond the recording's.
        partners[:, :, spans] = np.where(there, at.clip(0, steps - 1), -1)
        for reach, lengths in zip(reaches, found[TYPICAL][2:4], strict=True):
            reach[:, :, spans] = lengths[:steps] * there
    return Repeats(
        features.reshape(steps, -1),
        partners.reshape(steps, -1),
        *reaches.reshape(2, steps, -1),
    )


class _Sides(NamedTuple):
    """(R, D + 2) vectors whose products are similarities, of the earlier and of the later steps."""

    earlier: np.ndarray
    later: np.ndarray


class _Best(NamedTuple):
    """(N, DIRECTIONS, spans) of the best alignments through N groups or steps."""

    score: np.ndarray
    """Sum of what the similarities exceed the threshold by, 0 where no alignment leads through."""
    lag: np.ndarray
    """Steps."""
    behind: np.ndarray
    """From its begin to here."""
    ahead: np.ndarray
    """From here to its end."""
    alike: np.ndarray
    """Similarity."""


def _best_alignments(sides: _Sides, scale: Scale, steps_per_s: float) -> list[_Best]:
    """For each threshold those of all steps; the last group may go on beyond the recording."""
    group, steps = scale.group, len(sides.earlier)
    groups = -(-steps // group)
    borders = np.array([max(1, round(s * steps_per_s / group)) for s in scale.borders_s])
    # Alignments may begin below the shortest lag that is read off, but for those of groups.
    lags = np.arange(1 if group == 1 else borders[0], min(borders[-1], groups))
    results = [_nothing(groups, len(borders) - 1) for _ in THRESHOLDS]
    if len(lags):
        thresholds = _thresholds(sides, scale, lags, steps_per_s)
        gap = LARGEST_GAP_S * steps_per_s / group
        for start in range(0, groups, scale.rows):
            stop = min(start + scale.rows, groups)
            rows = max(start - scale.margin, 0), min(stop + scale.margin, groups)
            table, phase = _similarities(sides, scale, *rows, lags)
            inside = np.array([start - rows[0], stop - rows[0]])
            for threshold, best in zip(thresholds, results, strict=True):
                through, behind, ahead = _align(table, threshold, gap)
                cells = through, behind, ahead, table, phase
                _take_best(cells, rows[0], inside, int(lags[0]), borders, group, best)
    return [_by_step(best, group) for best in results]


def _nothing(groups: int, spans: int) -> _Best:
    shape = groups, DIRECTIONS, spans
    floats, numbers = np.float32, np.int32
    return _Best(*(np.zeros(shape, kind) for kind in (floats, numbers, numbers, numbers, floats)))


def _similarities(
    sides: _Sides, scale: Scale, start: int, stop: int, lags: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(stop - start, lags) of groups and those so many groups later, and the steps beyond that.

    A group is compared with those that begin at any step, and the likest is told; 0 outside.
    """
    group, steps, count = scale.group, len(sides.later), len(lags)
    table = np.zeros((stop - start, count), np.float32)
    phase = np.zeros((stop - start, count), np.uint8)
    for first in range(start, stop, ROWS_AT_ONCE):
        last = min(first + ROWS_AT_ONCE, stop)
        low = group * (first + int(lags[0]))
        width = group * (last - first - 1 + count)
        square = np.zeros((last - first, width), np.float32)
        for heard in scale.heard:
            rows = sides.earlier[group * first + heard : group * (last - 1) + heard + 1 : group]
            columns = sides.later[low + heard : min(low + heard + width, steps)]
            square[: len(rows), : len(columns)] += rows @ columns.T
        square /= len(scale.heard)
        row, column = square.strides
        shape, strides = (
            (last - first, count, group),
            (row + group * column, group * column, column),
        )
        sheared = as_strided(square, shape, strides)
        part = slice(first - start, last - start)
        table[part] = sheared.max(axis=2)
        if group > 1:
            phase[part] = sheared.argmax(axis=2)
    return table, phase


def _thresholds(
    sides: _Sides, scale: Scale, lags: np.ndarray, steps_per_s: float
) -> list[np.float32]:
    """Similarities from which on two steps of this recording agree."""
    groups = -(-len(sides.earlier) // scale.group)
    shortest = max(0, round(SHORTEST_LAG_S * steps_per_s / scale.group) - int(lags[0]))
    every = SAMPLE * -(-groups // SAMPLED_ROWS)
    count = total = square = 0.0
    for start in range(0, groups, every):
        stop = min(start + SAMPLE, groups)
        values = _similarities(sides, scale, start, stop, lags)[0][:, shortest:]
        values = values[values != 0].astype(np.float64)
        count, total = count + values.size, total + values.sum()
        square += np.sum(values**2)
    mean = total / max(count, 1)
    deviation = np.sqrt(max(square / max(count, 1) - mean**2, 1e-12))
    return [np.float32(mean + number * deviation) for number in THRESHOLDS]


def _align(
    table: np.ndarray, threshold: np.float32, gap: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(N, L) scores of the best alignment through each cell, and how far it reaches."""
    options = threshold, LAG_CHANGE_COST, gap * threshold
    scores, behind = _accumulated(table, *options)
    back_scores, ahead = (x[::-1] for x in _accumulated(table[::-1], *options))
    through = scores + back_scores - (table - threshold)
    through[(scores <= 0) | (back_scores <= 0)] = 0
    return through, behind, ahead


# Compiled anew in each process, in a second: processes that share numba's cache can crash.
@numba.njit
def _accumulated(table, threshold, cost, drop):
    """(N, L) float32 scores of the best alignment that ends in each cell, and int32 lengths."""
    steps, lags = table.shape
    scores, highest = np.zeros((steps, lags), np.float32), np.zeros((2, lags), np.float32)
    lengths = np.zeros((steps, lags), np.int32)
    for step in range(steps):
        last, now = highest[(step + 1) % 2], highest[step % 2]
        for lag in range(lags):
            best, length, peak = np.float32(0), 0, np.float32(0)
            if step > 0:
                for move in (0, -1, 1):
                    before = lag + move
                    if 0 <= before < lags:
                        rival = scores[step - 1, before] - (cost if move else 0)
                        if rival > best:
                            best, length = rival, lengths[step - 1, before]
                            peak = last[before]
            score = best + table[step, lag] - threshold
            now[lag] = 0
            if score > 0 and score >= peak - drop:
                scores[step, lag], lengths[step, lag] = score, length + 1
                now[lag] = max(peak, score)
    return scores, lengths


@numba.njit
def _take_best(cells, start, inside, first_lag, borders, group, best):
    """Put what groups inside a block find into the best of all, of both ends."""
    through, behind, ahead, table, phase = cells
    score, lag, before, after, alike = best
    groups = len(score)
    for row in range(inside[0], inside[1]):
        span = 0
        for column in range(through.shape[1]):
            away = column + first_lag
            if away < borders[0]:
                continue
            while away >= borders[span + 1]:
                span += 1
            value = through[row, column]
            for direction in range(2):
                at = start + row + direction * away
                if at < groups and value > 0:
                    # Of equals the shortest lag is taken.
                    rival = score[at, direction, span]
                    if value > rival or (direction == 1 and value == rival):
                        score[at, direction, span] = value
                        lag[at, direction, span] = group * away + phase[row, column]
                        before[at, direction, span] = behind[row, column]
                        after[at, direction, span] = ahead[row, column]
                        alike[at, direction, span] = table[row, column]


def _by_step(best: _Best, group: int) -> _Best:
    """The same of steps, (N * group, ...), lengths in steps."""
    if group == 1:
        return best
    score, lag, behind, ahead, alike = (np.repeat(x, group, axis=0) for x in best)
    place = (np.arange(len(score)) % group)[:, None, None]
    there = score > 0
    behind = np.where(there, (behind - 1) * group + place + 1, 0)
    ahead = np.where(there, ahead * group - place, 0)
    return _Best(score, lag, behind.astype(np.int32), ahead.astype(np.int32), alike)


def _summary(best: _Best, group: int) -> np.ndarray:
    """(N, DIRECTIONS, spans, PER_THRESHOLD) of the best alignments."""
    values = group * best.score, best.behind, best.ahead
    return np.stack([np.log1p(x) / scale for x, scale in zip(values, (1, 3, 3), strict=True)], -1)
