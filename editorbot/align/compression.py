"""How a compressor turned the edit up and down, learned from the copies in it.

A compressor's gain follows the level of what it hears, with some lag. In copies the gain is known;
as a function of the edit's own level it is known wherever sound is, under fades and foreign sound
as well.
"""

from dataclasses import dataclass

import numpy as np
from scipy.signal import lfilter

from editorbot.align.piece import Piece, trimmed
from editorbot.align.whiten import slice_padded

BLOCK = 128
"""Samples of one value of the gain: 3 ms."""
LAGS_S = (0.003, 0.01, 0.03, 0.1, 0.3)
"""Time constants of the levels that a gain may follow."""
KNOTS = (5, 20, 40, 60, 80, 92)
"""Percentiles of the level at which its effect on the gain may bend."""
SMOOTHED = 5
"""Blocks over which a gain is measured."""
BORDER_S = 1.0
SECTION_S = 5.0
"""Every other section so long is kept back to see whether a curve holds."""
RIDGE = 1e-3
HOLDS = 0.8
"""A curve must leave less than this share of the gain's deviation in sections kept back."""
LEAST_BLOCKS = 2000
MOST_DB = 12.0


@dataclass(frozen=True)
class GainCurve:
    """Gain of an edit's blocks, (N,) linear, 1 on average."""

    gains: np.ndarray

    def at(self, first: int, last: int) -> np.ndarray:
        """(last - first,) gains of the edit's samples."""
        middles = (np.arange(len(self.gains)) + 0.5) * BLOCK
        return np.interp(np.arange(first, last), middles, self.gains)


def fit_gain_curve(
    playback, edit: np.ndarray, pieces: list[Piece], *, rate: int
) -> GainCurve | None:
    """The gain that the level of `edit` (T,) explains; None if it explains hardly any."""
    count = len(edit) // BLOCK
    own = _blocks(edit, count)
    levels = _levels(own, rate)
    measured = _measured(playback, edit, pieces, rate, count)
    blocks, gains_db, groups = measured
    if len(blocks) < LEAST_BLOCKS:
        return None
    knots = np.percentile(levels[blocks], KNOTS, axis=0)
    features = _hinges(levels, knots)
    here = features[blocks] - _means(features[blocks], groups)
    gains_db = gains_db - _means(gains_db[:, None], groups)[:, 0]
    solution = _solved(here, gains_db)
    for _ in range(3):
        rest = gains_db - here @ solution
        spread = 1.48 * np.median(np.abs(rest - np.median(rest)))
        good = np.abs(rest) < 3 * spread
        solution = _solved(here[good], gains_db[good])

    blocks, here, gains_db, groups = blocks[good], here[good], gains_db[good], groups[good]
    held = (blocks * BLOCK // int(SECTION_S * rate)) % 2 == 0
    left = [
        gains_db[~fold] - here[~fold] @ _solved(here[fold], gains_db[fold])
        for fold in (held, ~held)
        if fold.any()
    ]

    if np.std(np.concatenate(left)) > HOLDS * np.std(gains_db):
        return None
    curve = features @ _solved(here, gains_db)
    curve -= np.median(curve[blocks])
    return GainCurve(10 ** (np.clip(curve, -MOST_DB, MOST_DB) / 20))


def _blocks(edit: np.ndarray, count: int) -> np.ndarray:
    return np.mean(np.asarray(edit[: count * BLOCK], np.float64).reshape(count, BLOCK) ** 2, axis=1)


def _levels(power: np.ndarray, rate: int) -> np.ndarray:
    found = []
    for lag in LAGS_S:
        keep = np.exp(-BLOCK / (rate * lag))
        found.append(10 * np.log10(lfilter([1 - keep], [1, -keep], power) + 1e-9))
    return np.stack(found, axis=1)


def _hinges(levels, knots):
    return np.concatenate([np.maximum(0, levels - knot) for knot in knots], axis=1)


def _means(values, groups):
    counts = np.bincount(groups)
    sums = np.stack([np.bincount(groups, column) for column in values.T], axis=1)
    return (sums / np.maximum(counts, 1)[:, None])[groups]


def _solved(features, values):
    gram = features.T @ features
    gram[np.diag_indices(len(gram))] += RIDGE * len(values)
    return np.linalg.solve(gram, features.T @ values)


def _measured(playback, edit, pieces, rate, count):
    blocks, gains, groups = [], [], []
    border = round(BORDER_S * rate)
    for number, piece in enumerate(pieces):
        if not piece.is_comparable:
            continue
        start, stop = trimmed(piece.start + piece.fade_in.samples, piece.stop - piece.fade_out.samples, border)
        first, last = -(-start // BLOCK), min(stop // BLOCK, count)
        if last - first <= 2 * SMOOTHED:
            continue
        heard = slice_padded(edit, first * BLOCK, last * BLOCK).astype(np.float64)
        played = playback.played(piece, first * BLOCK, last * BLOCK) * piece.gain
        window = np.ones(SMOOTHED)
        product, energy = (
            np.convolve(x.reshape(-1, BLOCK).sum(axis=1), window, "same")
            for x in (heard * played, played**2)
        )
        gain = product / np.maximum(energy, 1e-12)
        good = (gain > 0.1) & (gain < 10) & (energy > 1e-4 * np.median(energy))
        blocks.append(np.arange(first, last)[good])
        gains.append(20 * np.log10(gain[good]))
        groups.append(np.full(good.sum(), number))
    if not blocks:
        return np.zeros(0, int), np.zeros(0), np.zeros(0, int)
    return np.concatenate(blocks), np.concatenate(gains), np.concatenate(groups)
