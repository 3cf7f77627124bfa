"""Sources on one clock: spans and frames find their source."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from editorbot.edl.frames import FrameGrid
from editorbot.edl.model import Source
from editorbot.edl.raw_axis import (
    SourceRun,
    bounds_s,
    frame_borders_s,
    frame_times_s,
    source_runs,
)

GRID = FrameGrid(sample_rate=22050, hop_length=256)


def take(samples, sample_rate):
    return Source(path="x", sample_rate=sample_rate, channels=1, samples=samples, sha256="0")


TAKES = (take(1000, 1000), take(4410, 44100), take(2000, 1000))


def test_by_hand():
    np.testing.assert_allclose(bounds_s(TAKES), [0, 1, 1.1, 3.1])
    assert source_runs(TAKES, -1, 0.5) == [SourceRun(0, 0, 500)]
    assert source_runs(TAKES, 0.9, 1.6) == [
        SourceRun(0, 900, 1000),
        SourceRun(1, 0, 4410),
        SourceRun(2, 0, 500),
    ]
    assert source_runs(TAKES, 3, 9) == [SourceRun(2, 1900, 2000)]
    assert source_runs(TAKES, 4, 9) == source_runs(TAKES, 2, 2) == []


def test_each_source_begins_with_a_frame_of_its_own():
    times = frame_times_s(TAKES, GRID)
    counts = [GRID.frames(take.samples, sample_rate=take.sample_rate) for take in TAKES]
    assert len(times) == sum(counts)
    np.testing.assert_allclose(times[np.cumsum(counts)[:-1]], [1, 1.1])
    assert times[-1] <= 3.1
    assert (np.diff(times) > 0).all()


@given(st.lists(st.floats(0, 3.1), min_size=1, max_size=6))
def test_spans_that_meet_play_everything_once(cuts):
    edges = [0.0, *sorted(cuts), 3.1]
    played = {number: [] for number in range(len(TAKES))}
    for start, end in pairwise(edges):
        for run in source_runs(TAKES, start, end):
            played[run.source].append((run.start, run.end))
    for number, runs in played.items():
        assert runs[0][0] == 0 and runs[-1][1] == TAKES[number].samples
        assert all(a[1] == b[0] for a, b in pairwise(runs))


def test_the_borders_of_frames_lie_between_them_and_at_the_ends_of_sources():
    grid = FrameGrid(sample_rate=100, hop_length=10)
    sources = [
        Source(path="a", sample_rate=n, channels=1, samples=n * 34 // 100, sha256="0" * 64)
        for n in (100, 200)
    ]
    borders = frame_borders_s(sources, grid)
    # Frames at 0, .1, .2 and .3 s of each recording of .34 s.
    np.testing.assert_allclose(
        borders, [0, 0.05, 0.15, 0.25, 0.34, 0.39, 0.49, 0.59, 0.68], atol=1e-12
    )
