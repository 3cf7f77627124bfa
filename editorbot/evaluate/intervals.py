"""Means over songs with confidence intervals: songs are the unit that is drawn again."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy import stats


@dataclass(frozen=True)
class Interval:
    """A mean over songs, its interval (NaN with fewer than two songs) and the number of songs."""

    mean: float
    low: float
    high: float
    songs: int


def interval(
    values: Iterable[float], *, confidence: float = 0.95, resamples: int = 2000, seed: int = 0
) -> Interval:
    """Mean and percentile bootstrap interval of one value per song; NaN values are left out.

    The songs are drawn with replacement `resamples` times (Efron, Annals of Statistics 1979).
    """
    known = np.array([value for value in values if not math.isnan(value)])
    if len(known) < 2:
        mean = float(known[0]) if len(known) else math.nan
        return Interval(mean, math.nan, math.nan, len(known))
    drawn = stats.bootstrap(
        (known,),
        np.mean,
        confidence_level=confidence,
        n_resamples=resamples,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return Interval(float(known.mean()), float(drawn.low), float(drawn.high), len(known))
