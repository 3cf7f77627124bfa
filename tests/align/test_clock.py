"""Drift of one recorder against another."""

import numpy as np
import pytest

from editorbot.align.clock import relative_clock
from editorbot.align.diagonals import MeasuredLag
from editorbot.align.sides import ANALYSIS_RATE

STEP = 8.1
"""Samples by which passages of a loop-based track are further apart than the loops are long."""


def runs(drift: float, *, number: int, rng: np.random.Generator) -> list[MeasuredLag]:
    """Chains of spots along runs of one lag each, which drifts."""
    middles = np.arange(0, 20 * ANALYSIS_RATE, ANALYSIS_RATE)
    return [
        spot(chain, middle, 1000 * chain + drift * middle + rng.normal(0, 0.02))
        for chain in range(number)
        for middle in middles
    ]


def loops(drift: float, *, first: int, number: int) -> list[MeasuredLag]:
    """Chains that go over to a later loop, some samples further away, every few seconds."""
    middles = np.arange(0, 36 * ANALYSIS_RATE, 3 * ANALYSIS_RATE)
    return [
        spot(chain, middle, 5000 * chain + drift * middle + STEP * (at // (2 + chain % 3)))
        for chain in range(first, first + number)
        for at, middle in enumerate(middles)
    ]


def spot(chain: int, middle: int, lag: float) -> MeasuredLag:
    """One of them, 1 s long."""
    return MeasuredLag(chain, int(middle), 0, 1, float(lag), 0.9)


@pytest.mark.parametrize("drift_ppm", [0, 3, -40, 180])
def test_drift_is_found_and_none_is_made_up(drift_ppm):
    measured = runs(drift_ppm * 1e-6, number=6, rng=np.random.default_rng(0))
    assert 1e6 * (relative_clock(measured) - 1) == pytest.approx(drift_ppm, abs=0.1)


@pytest.mark.parametrize("drift_ppm", [0, -40, 180])
def test_loops_that_lie_samples_apart_are_no_drift(drift_ppm):
    drift = drift_ppm * 1e-6
    right = runs(drift, number=6, rng=np.random.default_rng(0))
    # Heavier than what is right.
    measured = right + loops(drift, first=6, number=16)
    assert 1e6 * (relative_clock(measured) - 1) == pytest.approx(drift_ppm, abs=1)


def test_what_hardly_anything_tells_is_no_drift():
    few = [spot(0, second * ANALYSIS_RATE, second) for second in range(0, 6, 3)]
    assert relative_clock(few) == 1
    assert relative_clock([]) == 1
