"""How a compressor turned the edit up and down, learned from the copies in it.

A compressor's gain follows the level of what it hears, with some lag. In copies the gain is known;
as a function of the edit's own level it is known wherever there is sound, under fades and beside
foreign sound as well.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from scipy.signal import lfilter

from editorbot.align.mapped import release
from editorbot.align.piece import Piece, trimmed
from editorbot.align.playback import GAIN_BLOCK, Playback
from editorbot.align.whiten import BLOCK_SAMPLES

LAGS_S = (0.003, 0.01, 0.03, 0.1, 0.3)
"""Time constants of the levels that a gain may follow."""
BENDS = (5, 20, 40, 60, 80, 92)
"""Percentiles of a level at which its effect on the gain may bend."""
FLOOR = 1e-9
"""Power below which a level is silence: -90 dB."""
SECTION_S, MOST_SECTIONS = 5.0, 40
"""Stretches of copies in which gains are measured, spread over the edit."""
BORDER_S = 1.0
"""At a piece's ends fades are to be expected, whose gains are no compressor's."""
SMOOTHED = 5
"""Blocks over which a gain is measured."""
GAINS = (0.1, 10.0)
"""20 dB either way; beyond that it is something else."""
LOUD_ENOUGH = 1e-4
"""Of a section's median energy in a block, to measure a gain by."""
RIDGE = 1e-3
REFITS, OUTLIER = 3, 3.0
"""Gains so many standard deviations off, as beside steps of gain, are left out of later fits."""
HOLDS = 0.8
"""A curve must leave less than this share of the gains' deviation in sections kept back."""
LEAST_SECTIONS = 4
MOST_DB = 12.0
LEVELS_AT_ONCE = 2**14


class _Section(NamedTuple):
    """Blocks (N,) inside one copy, and their gains (N,) in dB."""

    blocks: np.ndarray
    gains_db: np.ndarray


def fit_gain_curve(playback: Playback, pieces: list[Piece]) -> np.ndarray | None:
    """Gains (N,) of the edit's blocks, 1 on average, as far as its level explains them.

    None if the level explains hardly any of the gains in sections that were kept back.
    """
    sections = list(_sections(playback, pieces))
    if len(sections) < LEAST_SECTIONS:
        return None
    levels = _levels(playback.edit, playback.rate)
    blocks = np.concatenate([section.blocks for section in sections])
    bends = np.percentile(levels[blocks], BENDS, axis=0)
    # Gains are compared within a section: on the whole they are the editor's.
    features = [_centred(_hinges(levels[section.blocks], bends)) for section in sections]
    gains_db = [_centred(section.gains_db) for section in sections]
    rest = []
    for fold in (0, 1):
        weights = _solved(features[1 - fold :: 2], gains_db[1 - fold :: 2])
        rest += [y - x @ weights for x, y in zip(features[fold::2], gains_db[fold::2], strict=True)]
    if _deviation(np.concatenate(rest)) > HOLDS * _deviation(np.concatenate(gains_db)):
        return None
    weights = _solved(features, gains_db)
    parts = np.array_split(levels, 1 + len(levels) // LEVELS_AT_ONCE)
    curve = np.concatenate([_hinges(part, bends) @ weights for part in parts])
    curve -= np.median(curve[blocks])
    return 10 ** (np.clip(curve, -MOST_DB, MOST_DB) / 20)


def _sections(playback: Playback, pieces: list[Piece]) -> Iterator[_Section]:
    """Gains in sections inside copies, spread over all of them."""
    length = round(SECTION_S * playback.rate) // GAIN_BLOCK * GAIN_BLOCK
    starts = []
    for piece in pieces:
        if piece.is_comparable:
            start, stop = trimmed(piece.start, piece.stop, round(BORDER_S * playback.rate))
            first = -(-start // GAIN_BLOCK) * GAIN_BLOCK
            stop = min(stop, len(playback.edit))
            starts += [(piece, at, min(at + length, stop)) for at in range(first, stop, length)]
    spread = np.linspace(0, len(starts) - 1, min(len(starts), MOST_SECTIONS)).astype(int)
    for piece, start, stop in (starts[i] for i in spread):
        section = _measured(playback, piece, start, stop)
        if len(section.blocks) > SMOOTHED:
            yield section


def _measured(playback: Playback, piece: Piece, start: int, stop: int) -> _Section:
    count = (stop - start) // GAIN_BLOCK
    if count <= SMOOTHED:
        return _Section(np.zeros(0, int), np.zeros(0))
    stop = start + count * GAIN_BLOCK
    heard = playback.heard(start, stop)
    played = playback.played(piece, start, stop) * piece.gain
    product, energy = (
        np.convolve(x.reshape(count, -1).sum(axis=1), np.ones(SMOOTHED), "same")
        for x in (heard * played, played**2)
    )
    gains = product / np.maximum(energy, 1e-12)
    good = (gains > GAINS[0]) & (gains < GAINS[1]) & (energy > LOUD_ENOUGH * np.median(energy))
    return _Section(start // GAIN_BLOCK + np.flatnonzero(good), 20 * np.log10(gains[good]))


def _levels(edit: np.ndarray, rate: int) -> np.ndarray:
    """(N, len(LAGS_S)) float32 levels of the edit's blocks in dB, each following with its lag."""
    powers = []
    for start in range(0, len(edit), BLOCK_SAMPLES):
        sound = np.asarray(edit[start : start + BLOCK_SAMPLES], np.float64)
        sound = sound[: len(sound) // GAIN_BLOCK * GAIN_BLOCK]
        powers.append(np.mean(sound.reshape(-1, GAIN_BLOCK) ** 2, axis=1))
        release(edit)
    power = np.concatenate(powers)
    kept = np.exp(-GAIN_BLOCK / (rate * np.array(LAGS_S)))
    followed = (lfilter([1 - keep], [1, -keep], power) for keep in kept)
    return np.stack([10 * np.log10(level + FLOOR) for level in followed], axis=1).astype(np.float32)


def _hinges(levels: np.ndarray, bends: np.ndarray) -> np.ndarray:
    """(N, B * L) by how much levels (N, L) exceed each of their bends (B, L)."""
    return np.concatenate([np.maximum(0, levels - bend) for bend in bends], axis=1)


def _centred(values: np.ndarray) -> np.ndarray:
    return values - values.mean(axis=0)


def _deviation(values: np.ndarray) -> float:
    """Standard deviation, by the median so that outliers do not count."""
    return 1.48 * float(np.median(np.abs(values)))


def _solved(features: list[np.ndarray], gains_db: list[np.ndarray]) -> np.ndarray:
    """Ridge regression of the sections' gains, without outliers."""
    x, y = np.concatenate(features), np.concatenate(gains_db)
    usual = np.ones(len(y), bool)
    for _ in range(REFITS):
        gram = x[usual].T @ x[usual]
        gram[np.diag_indices(len(gram))] += RIDGE * usual.sum()
        weights = np.linalg.solve(gram, x[usual].T @ y[usual])
        rest = y - x @ weights
        usual = np.abs(rest) <= OUTLIER * _deviation(rest)
    return weights
