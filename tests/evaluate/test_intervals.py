"""Means over songs and their intervals."""

import math

import numpy as np
import pytest

from editorbot.evaluate.intervals import interval


def test_mean_leaves_out_what_is_undefined():
    found = interval([1.0, math.nan, 3.0])
    assert (found.mean, found.songs) == (2.0, 2)


def test_few_songs_have_no_interval():
    one = interval([0.5])
    assert one.mean == 0.5
    assert math.isnan(one.low)
    none = interval([math.nan])
    assert math.isnan(none.mean)
    assert none.songs == 0


def test_equal_songs_have_an_interval_without_width():
    assert (interval([0.5] * 6).low, interval([0.5] * 6).high) == (0.5, 0.5)


def test_interval_is_about_two_standard_errors_wide():
    values = np.random.default_rng(0).normal(5, 2, 400)
    found = interval(values)
    error = values.std() / math.sqrt(len(values))
    assert found.low == pytest.approx(found.mean - 1.96 * error, abs=0.2 * error)
    assert found.high == pytest.approx(found.mean + 1.96 * error, abs=0.2 * error)


def test_confidence_and_seed():
    values = np.random.default_rng(1).random(20)
    narrow, wide = interval(values, confidence=0.5), interval(values, confidence=0.99)
    assert wide.low < narrow.low < narrow.high < wide.high
    assert interval(values, seed=3) == interval(values, seed=3)
