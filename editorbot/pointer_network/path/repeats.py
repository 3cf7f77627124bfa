"""Where a raw recording plays something again, as in takes, false starts and vamps.

Every step of the raw is compared with those up to 96 s before and after it (`step_vectors`).
Stretches that agree are found by local alignment along the lags (Smith and Waterman 1981, Journal
of Molecular Biology 147), which lets the lag change a little from step to step, as where a take is
faster. How far two steps must agree has no one answer, electronic music being more like itself
than a band's: alignments are made at several thresholds, and a network that reads them decides.
"""

from itertools import pairwise
from typing import NamedTuple

import numba
import numpy as np
from numpy.lib.stride_tricks import as_strided

LAG_BORDERS_S = (0.7, 1.5, 3.0, 6.0, 12.0, 24.0, 48.0, 96.0)
"""Lags between two of these are told apart: beats, bars, phrases, takes."""
THRESHOLDS = (2.0, 3.0, 4.5, 6.5)
"""Standard deviations above the mean similarity of a recording's steps."""
TYPICAL = 1
"""The threshold by whose alignments the lag itself is told."""
SHORTEST_LAG_S = 2.0
"""From which on similarities count in their mean and deviation; steps that meet are alike."""
LAG_CHANGE_COST = 0.3
"""Of a lag that grows or shrinks by a step."""
LARGEST_GAP_S = 1.0
"""Of what does not agree at all, after which an alignment has ended, as where its score has fallen
far below its highest in BLAST (Altschul et al. 1997)."""
BLOCK_STEPS, MARGIN_STEPS = 2048, 512
"""Steps that are worked on at once, and beyond them those that alignments may reach into."""
DIRECTIONS, SPANS = 2, len(LAG_BORDERS_S) - 1
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
    gap = LARGEST_GAP_S * steps_per_s
    steps, borders = len(vectors), [max(1, round(s * steps_per_s)) for s in LAG_BORDERS_S]
    lags = borders[-1]
    # What a step has in common with all others is no repeat.
    usual = 0.5 * vectors @ vectors.mean(axis=0)
    thresholds = _thresholds(vectors, usual, first=round(SHORTEST_LAG_S * steps_per_s), lags=lags)
    features = np.zeros((steps, DIRECTIONS, SPANS, PER_SPAN), np.float32)
    partners = np.full((steps, DIRECTIONS, SPANS), -1, np.int32)
    reaches = np.zeros((2, steps, DIRECTIONS, SPANS), np.int32)
    for start in range(0, steps, BLOCK_STEPS):
        block = slice(start, min(start + BLOCK_STEPS, steps))
        # Alignments with earlier steps begin there, and are read off where they do.
        first, last = start - lags - MARGIN_STEPS, block.stop + MARGIN_STEPS
        inside = slice(start - first, block.stop - first)
        table = _similarities(vectors, usual, first, last, lags)
        for number, threshold in enumerate(thresholds):
            found = _align(table, threshold, gap)
            for direction, view in enumerate((_of_later, _of_earlier)):
                score, behind, ahead, alike = (view(x, inside) for x in (*found, table))
                best = _best_lags(score, borders)
                columns = slice(PER_THRESHOLD * number, PER_THRESHOLD * (number + 1))
                features[block, direction, :, columns] = _summary(best, score, behind, ahead)
                if number == TYPICAL:
                    there = np.take_along_axis(score, best, axis=1) > 0
                    lag = np.where(there, best + 1, 0)
                    alike = np.where(there, np.take_along_axis(alike, best, axis=1), 0)
                    features[block, direction, :, -PER_LAG:] = np.stack([alike, lag / lags], -1)
                    at = np.arange(steps)[block, None] + (1, -1)[direction] * lag
                    partners[block, direction] = np.where(there, at, -1)
                    for reach, lengths in zip(reaches, (behind, ahead), strict=True):
                        reach[block, direction] = np.take_along_axis(lengths, best, axis=1) * there
    return Repeats(
        features.reshape(steps, -1),
        partners.reshape(steps, -1),
        *reaches.reshape(2, steps, -1),
    )


def _similarities(
    vectors: np.ndarray, usual: np.ndarray, first: int, last: int, lags: int
) -> np.ndarray:
    """(last - first, lags) similarity of each step to those 1 to `lags` later; 0 outside."""
    steps = len(vectors)
    table = np.zeros((last - first, lags), np.float32)
    begin, end = max(first, 0), min(last, steps)
    if begin >= end:
        return table
    reach = min(end + lags, steps)
    ahead = np.zeros((end - begin + lags, vectors.shape[1]), np.float32)
    ahead[: reach - begin] = vectors[begin:reach]
    common = np.zeros(len(ahead), np.float32)
    common[: reach - begin] = usual[begin:reach]
    for start in range(begin, end, lags):
        stop = min(start + lags, end)
        there = slice(start - begin + 1, stop - begin + lags)
        square = vectors[start:stop] @ ahead[there].T
        square -= usual[start:stop, None] + common[there]
        row, column = square.strides
        shape = stop - start, lags
        table[start - first : stop - first] = as_strided(square, shape, (row + column, column))
    beyond = np.arange(begin, end)[:, None] + np.arange(1, lags + 1) >= steps
    table[begin - first : end - first][beyond] = 0
    return table


def _thresholds(vectors: np.ndarray, usual: np.ndarray, *, first: int, lags: int) -> np.ndarray:
    """(thresholds,) similarities from which on two steps of this recording agree."""
    count = total = square = 0.0
    for start in range(0, len(vectors), BLOCK_STEPS):
        stop = min(start + BLOCK_STEPS, len(vectors))
        values = _similarities(vectors, usual, start, stop, lags)[:, first:]
        values = values[values != 0].astype(np.float64)
        count, total = count + values.size, total + values.sum()
        square += np.sum(values**2)
    mean = total / max(count, 1)
    deviation = np.sqrt(max(square / max(count, 1) - mean**2, 1e-12))
    return np.array([mean + number * deviation for number in THRESHOLDS], np.float32)


class _Alignments(NamedTuple):
    """The best alignment through each cell (N, L) of N steps and L lags."""

    score: np.ndarray
    """Sum of what the similarities exceed the threshold by, 0 where no alignment leads through."""
    behind: np.ndarray
    """Steps from its begin to here."""
    ahead: np.ndarray
    """Steps from here to its end."""


def _align(table: np.ndarray, threshold: float, gap: float) -> _Alignments:
    options = threshold, LAG_CHANGE_COST, gap * threshold
    scores, behind = _accumulated(table, *options)
    back_scores, ahead = (x[::-1] for x in _accumulated(table[::-1], *options))
    through = scores + back_scores - (table - threshold)
    there = (scores > 0) & (back_scores > 0)
    return _Alignments(*(np.where(there, x, 0) for x in (through, behind, ahead)))


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


def _of_later(values: np.ndarray, inside: slice) -> np.ndarray:
    """(n, L) of a table (N, L): cells of the steps inside and those so much later."""
    return values[inside]


def _of_earlier(values: np.ndarray, inside: slice) -> np.ndarray:
    """The same of the steps inside and those so much earlier, whose cells they are in."""
    values = np.ascontiguousarray(values)
    row, column = values.strides
    shape = inside.stop - inside.start, values.shape[1]
    return as_strided(values[inside.start - 1 :], shape, (row, column - row))


def _best_lags(score: np.ndarray, borders: list[int]) -> np.ndarray:
    """(n, SPANS) columns of the highest score in each span of lags; column l holds lag l + 1."""
    best = [
        low - 1 + score[:, low - 1 : high - 1].argmax(axis=1) for low, high in pairwise(borders)
    ]
    return np.stack(best, axis=1)


def _summary(
    best: np.ndarray, score: np.ndarray, behind: np.ndarray, ahead: np.ndarray
) -> np.ndarray:
    """(n, SPANS, PER_THRESHOLD) of the best alignments."""
    values = (np.take_along_axis(x, best, axis=1) for x in (score, behind, ahead))
    return np.stack([np.log1p(x) / scale for x, scale in zip(values, (1, 3, 3), strict=True)], -1)
