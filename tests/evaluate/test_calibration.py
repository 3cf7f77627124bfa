"""What counts as right, and how confidences are compared with it, by hand."""

import numpy as np
import pytest

from editorbot.edl.model import Edit, Segment, Source, with_ops
from editorbot.evaluate.calibration import cuts_right, reliability, segments_right

RATE = 22050
SOURCE = Source(path="raw.wav", sample_rate=RATE, channels=1, samples=60 * RATE, sha256="")


def edit(*runs: tuple[float, float, float | None], **how) -> Edit:
    """Of (seconds of the edit from, to, second of the raw or None)."""
    segments = []
    for start, stop, at in runs:
        place = {"source": None, "src_start": None, "src_end": None}
        if at is not None:
            first, length = round(at * RATE), round(stop * RATE) - round(start * RATE)
            place = {"source": 0, "src_start": first, "src_end": first + length}
        segments.append(
            Segment(out_start=round(start * RATE), out_end=round(stop * RATE), **place, **how)
        )
    return Edit(
        sample_rate=RATE,
        samples=segments[-1].out_end,
        sources=(SOURCE,),
        segments=with_ops(segments),
    )


TRUTH = edit((0, 5, 10), (5, 6, None), (6, 10, 30))


def test_the_truth_is_right():
    assert segments_right(TRUTH, TRUTH).tolist() == [True] * 3
    assert cuts_right(TRUTH, TRUTH).tolist() == [True] * 2


@pytest.mark.parametrize(
    ("found", "right"),
    [
        (edit((0, 5, 10), (5, 6, None), (6, 10, 30.03)), [True, True, False]),
        (edit((0, 5, 10), (5, 6, None), (6, 10, 30.01)), [True, True, True]),
        (edit((0, 5, 10), (5, 10, 29)), [True, False]),
        (edit((0, 5.04, 10), (5.04, 6, None), (6, 10, 30)), [True, True, True]),
        (edit((0, 5, 10), (5, 6.2, None), (6.2, 10, 30.2)), [True, False, True]),
        (edit((0, 5, 10), (5, 10, None)), [True, False]),
    ],
)
def test_a_segment_is_right_where_nearly_all_of_it_is(found, right):
    assert segments_right(TRUTH, found).tolist() == right


@pytest.mark.parametrize(("late_s", "right"), [(0.045, True), (0.1, False)])
def test_fifty_milliseconds_at_a_short_segments_end_are_the_cuts_matter(late_s, right):
    truth = edit((0, 5, 10), (5, 5.5, None), (5.5, 10, 30))
    found = edit((0, 5, 10), (5, 5.5 + late_s, None), (5.5 + late_s, 10, 30 + late_s))
    assert segments_right(truth, found).tolist() == [True, right, True]


@pytest.mark.parametrize(("at", "right"), [(5.04, True), (4.96, True), (5.06, False)])
def test_a_cut_is_right_within_50_ms(at, right):
    found = edit((0, at, 10), (at, 6, None), (6, 10, 30))
    assert cuts_right(TRUTH, found).tolist() == [right, True]


def test_a_step_of_gain_is_a_boundary_but_no_cut():
    whole = edit((0, 10, 5))
    halves = edit((0, 4, 5), (4, 10, 9))
    assert cuts_right(whole, halves).tolist() == [False]
    assert cuts_right(halves, halves).tolist() == [True]
    jump = edit((0, 4, 5), (4, 10, 20))
    assert cuts_right(halves, jump).tolist() == [False], "where nothing jumps there is no cut"


def test_reliability_by_hand():
    found = reliability([0.9, 0.9, 0.9, 0.9, 0.2], [True, True, True, False, False])
    low, high = found.bins
    assert (low.count, low.said, low.right) == (1, 0.2, 0)
    assert (high.low, high.high, high.count, high.right) == (0.9, 0.95, 4, 0.75)
    assert found.calibration_error == pytest.approx((4 * 0.15 + 0.2) / 5)
    assert found.brier == pytest.approx((3 * 0.01 + 0.81 + 0.04) / 5)
    assert found.brier_constant == pytest.approx(0.6 * 0.4)


def test_what_is_said_at_its_rate_is_calibrated():
    rng = np.random.default_rng(0)
    said = rng.uniform(0, 1, 20_000)
    honest = reliability(said, rng.uniform(0, 1, len(said)) < said)
    boastful = reliability(said**0.3, rng.uniform(0, 1, len(said)) < said)
    assert honest.calibration_error < 0.02 < 0.1 < boastful.calibration_error
    assert honest.brier < honest.brier_constant


def test_bad_confidences_are_refused():
    with pytest.raises(ValueError, match="got 2 and 1"):
        reliability([0.5, 0.5], [True])
    with pytest.raises(ValueError, match="0 to 1, got"):
        reliability([1.5], [True])
