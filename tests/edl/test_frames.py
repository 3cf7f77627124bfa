"""Pointers, ops and segments are views of one list: going round must change nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from editorbot.edl.frames import FrameGrid, from_pointers, to_ops, to_pointers
from editorbot.edl.model import Edit, Fade, Op, Segment, Source, reaches_across, with_ops

GRID = FrameGrid(sample_rate=22050, hop_length=256)


def source(samples=400_000, sample_rate=44100):
    return Source(
        path="raw.wav", sample_rate=sample_rate, channels=2, samples=samples, sha256="0" * 64
    )


def edit_of(runs, *, sample_rate=44100, sources=None, **fields):
    """An edit of (src_start, src_end) runs at speed 1; None is a run without source."""
    segments, position = [], 0
    for run in runs:
        start, end = run if run[0] is not None else (0, run[1])
        segments.append(
            Segment(
                out_start=position,
                out_end=position + end - start,
                source=None if run[0] is None else 0,
                src_start=run[0],
                src_end=None if run[0] is None else end,
                **fields,
            )
        )
        position += end - start
    return Edit(
        sample_rate=sample_rate,
        samples=position,
        sources=sources or (source(),),
        segments=with_ops(segments),
    )


TAKES = (source(), source(150_001, 48000), source(70_000, 22050))
FIRST = np.cumsum([0, *(GRID.frames(s.samples, sample_rate=s.sample_rate) for s in TAKES)]).tolist()


@st.composite
def pointer_arrays(draw):
    """Runs as an editor makes them, each at least a few frames long, from `TAKES`."""
    runs = []
    for _ in range(draw(st.integers(1, 6))):
        length = draw(st.integers(2, 60))
        if draw(st.integers(0, 4)) == 0:
            runs.append(np.full(length, -1))
        else:
            take = draw(st.integers(0, len(TAKES) - 1))
            # The last frame of a recording stands for less than a frame of sound.
            start = FIRST[take] + draw(st.integers(0, FIRST[take + 1] - FIRST[take] - length - 2))
            runs.append(np.arange(start, start + length))
    return np.concatenate(runs).astype(np.int64)


@given(pointer_arrays(), st.sampled_from([22050, 44100, 48000, 96000]))
def test_pointers_survive_the_way_through_segments(pointers, sample_rate):
    edit = from_pointers(pointers, GRID, sources=TAKES, sample_rate=sample_rate)
    recovered = to_pointers(edit, GRID)
    # The output ends at its last frame's instant, or up to one sample later.
    assert len(recovered) == len(pointers)
    np.testing.assert_array_equal(recovered[:-1], pointers[:-1])


@given(pointer_arrays())
def test_segments_cover_the_output_and_fades_stay_inside_their_neighbours(pointers):
    edit = from_pointers(pointers, GRID, sources=TAKES, fade=Fade(samples=441))
    for before, after in zip(edit.segments[:-1], edit.segments[1:], strict=True):
        assert before.out_end == after.out_start
        if before.has_source and after.has_source:
            assert before.fade_out == after.fade_in
            assert after.fade_in.samples <= min(before.samples, after.samples)


def test_pointers_follow_the_source_at_its_own_rate():
    # One second from the source's second second; the source runs at 48 kHz, the output at 44.1.
    edit = Edit(
        sample_rate=44100,
        samples=44100,
        sources=(source(samples=480_000, sample_rate=48000),),
        segments=(Segment(out_start=0, out_end=44100, source=0, src_start=48000, src_end=96000),),
    )
    pointers = to_pointers(edit, GRID)
    expected = np.floor((1.0 + GRID.times(len(pointers))) / GRID.seconds + 0.5)
    np.testing.assert_array_equal(pointers, expected)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"speed": 1.25, "src_end": 55125}, lambda frame: 1.25 * frame),
        ({"reverse": True, "src_end": 44100}, lambda frame: 44099 / 512 - frame),
    ],
)
def test_speed_and_reverse_move_the_pointer(fields, expected):
    segment = Segment(out_start=0, out_end=44100, source=0, src_start=0, **fields)
    edit = Edit(sample_rate=44100, samples=44100, sources=(source(),), segments=(segment,))
    pointers = to_pointers(edit, GRID)
    # In frames, where these numbers are exact: every other one of the first lies halfway.
    played = np.maximum(expected(np.arange(len(pointers))), 0)
    np.testing.assert_array_equal(pointers, np.floor(played + 0.5))


def test_second_source_follows_the_first():
    sources = (source(samples=44100), source(samples=44100))
    segment = Segment(out_start=0, out_end=22050, source=1, src_start=0, src_end=22050)
    edit = Edit(sample_rate=44100, samples=22050, sources=sources, segments=(segment,))
    assert to_pointers(edit, GRID)[0] == GRID.frames(44100, sample_rate=44100)


def test_ops_mark_skip_loop_insert_and_stop():
    second = 44100
    edit = edit_of(
        [(0, second), (2 * second, 3 * second), (second, 2 * second), (None, second // 2)]
    )
    ops = to_ops(edit, GRID)
    first = [int(np.ceil(s.out_start / 512)) for s in edit.segments]
    assert ops[first[1]] == Op.SKIP
    assert ops[first[2] - 1] == Op.LOOP_END
    assert ops[first[2]] == Op.LOOP_START
    assert set(ops[first[3] : -1]) == {Op.INSERT}
    assert ops[-1] == Op.STOP
    assert np.count_nonzero(ops == Op.COPY) == len(ops) - 4 - (len(ops) - 1 - first[3])


def test_fades_from_nothing_are_ops_and_crossfades_are_not():
    fade = Fade(samples=22050)
    edit = edit_of([(0, 88200), (132300, 220500)], fade_in=fade, fade_out=fade)
    ops = to_ops(edit, GRID)
    seconds = GRID.times(len(ops))
    faded_in, faded_out = ops == Op.FADE_IN, ops == Op.FADE_OUT
    np.testing.assert_array_equal(faded_in, seconds < 0.5)
    np.testing.assert_array_equal(faded_out[:-1], seconds[:-1] >= 3.5)
    assert reaches_across(edit, 1, side="in")
    assert not reaches_across(edit, 1, side="out")


def test_a_run_played_on_after_a_gap_is_not_a_loop():
    edit = edit_of([(0, 44100), (None, 22050), (44100, 88200)])
    assert [segment.op for segment in edit.segments] == ["COPY", "INSERT", "COPY"]


def test_pointers_beyond_the_source_are_refused():
    with pytest.raises(ValueError, match="expected pointers from -1 to"):
        from_pointers(np.array([0, 10_000_000]), GRID, sources=[source()])


def test_a_run_on_into_the_next_source_is_a_segment_of_its_own():
    pointers = np.arange(FIRST[1] - 5, FIRST[1] + 5)
    edit = from_pointers(pointers, GRID, sources=TAKES)
    played = [(segment.source, segment.src_start) for segment in edit.segments]
    # What the first source's last frame lacks has no source.
    assert played == [(0, (FIRST[1] - 5) * 512), (None, None), (1, 0)]
    assert edit.sample_rate == TAKES[0].sample_rate
