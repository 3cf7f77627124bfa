"""How fast the edit's recorder ran against the raw's, from how lags drift along a run.

A copy keeps its lag. Where two recorders were at work, or a tape, the lag of every run drifts by
the same share of the time that passes, some millionths up to two ten-thousandths.
"""

from collections import defaultdict
from collections.abc import Iterable

import numpy as np

from editorbot.align.diagonals import MeasuredLag
from editorbot.align.sides import ANALYSIS_RATE

MOST_DRIFT = 400e-6
LEAST_DRIFT = 2e-6
"""Below it a lag moves by less than a sample in ten seconds."""
SURE = 5.0
"""Standard errors by which a drift must differ from none."""
LEAST_STRENGTH = 0.4
SHORTEST, LONGEST = 1.5 * ANALYSIS_RATE, 40 * ANALYSIS_RATE
"""Samples between two measurements of one run that are compared."""
LEAST_PAIRS = 4


def relative_clock(measured: Iterable[MeasuredLag]) -> float:
    """Seconds of the raw per second of the edit; exactly 1 unless there is a drift for sure."""
    drifts, spans = _drifts(measured)
    if len(drifts) < LEAST_PAIRS:
        return 1.0
    drift = _weighted_median(*_shortest_half(drifts, spans))
    spread = 1.48 * _weighted_median(np.abs(drifts - drift), spans)
    error = 1.25 * spread / np.sqrt(len(drifts))
    if abs(drift) < max(LEAST_DRIFT, SURE * error):
        return 1.0
    return 1.0 + drift


def _drifts(measured: Iterable[MeasuredLag]) -> tuple[np.ndarray, np.ndarray]:
    """Drifts (N,) between measurements of one chain, and the samples (N,) between these."""
    chains = defaultdict(list)
    for lag in measured:
        if lag.strength >= LEAST_STRENGTH:
            chains[lag.chain].append(lag)
    drifts, spans = [], []
    for chain in chains.values():
        chain.sort(key=lambda lag: lag.middle)
        for number, a in enumerate(chain):
            for b in chain[number + 1 :]:
                span = b.middle - a.middle
                if span > LONGEST:
                    break
                if span >= SHORTEST and abs(b.lag - a.lag) <= MOST_DRIFT * span + 0.5:
                    drifts.append((b.lag - a.lag) / span)
                    spans.append(span)
    return np.array(drifts), np.array(spans, dtype=np.float64)


def _shortest_half(values: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of values (N,) those of the shortest interval of half their weight, with their weights.

    Music that is made of loops repeats itself at lags that are samples apart, all to one side: the
    median of all drifts between such is none of a recorder. (Rousseeuw and Leroy 1988, A robust
    scale estimator based on the shortest half.)
    """
    order = np.argsort(values)
    values, weights = values[order], weights[order]
    total = np.concatenate([[0], np.cumsum(weights)])
    half = total[-1] / 2
    firsts = np.flatnonzero(total[:-1] + half <= total[-1])
    lasts = np.searchsorted(total, total[firsts] + half) - 1
    shortest = int(np.argmin(values[lasts] - values[firsts]))
    inside = slice(firsts[shortest], lasts[shortest] + 1)
    return values[inside], weights[inside]


def _weighted_median(values: np.ndarray, weights: np.ndarray) -> float:
    order = np.argsort(values)
    cumulative = np.cumsum(weights[order])
    return float(values[order[int(np.searchsorted(cumulative, cumulative[-1] / 2))]])
