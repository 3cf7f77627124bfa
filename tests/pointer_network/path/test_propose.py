"""Answers become edits of recordings, and wishes hold to the sample."""

from itertools import combinations

import numpy as np
import pytest
import torch

from editorbot.edl.frames import FrameGrid
from editorbot.edl.model import Fade, Source
from editorbot.evaluate.playback import kept_steps
from editorbot.params import PathSize
from editorbot.pointer_network.path.network import PathNetwork
from editorbot.pointer_network.path.propose import PathProposer
from editorbot.pointer_network.path.terms import PathDecoding, Run
from editorbot.pointer_network.wishes import Span, Wishes

from ..songs import mel_of
from .test_decode import SURE, answers

torch.set_num_threads(1)
RATE, STRIDE = 44100, 4
GRID = FrameGrid(22050, 256)
STEP_S = STRIDE * GRID.seconds


def recording(seconds, *, rate=RATE):
    return Source(
        path="a.wav", sample_rate=rate, channels=2, samples=int(seconds * rate), sha256="0" * 64
    )


def proposer(keep, sources, *, place=list):
    """Of an untrained network that is told what to answer."""
    frames = sum(GRID.frames(s.samples, sample_rate=s.sample_rate) for s in sources)
    made = PathProposer(
        PathNetwork(PathSize(stride=STRIDE, width=8), stems=False),
        PathDecoding(),
        mel_of(frames, seed=0),
        None,
        sources=sources,
        grid=GRID,
        fade=Fade(samples=441),
    )
    steps = len(made.answers.keep)
    logits = np.resize(np.repeat(keep, 100), steps)
    given = answers(logits, start=np.zeros(steps), end=np.zeros(steps))
    made.answers = given.__class__(*(getattr(given, n) for n in FIELDS), place)
    return made


FIELDS = ("keep", "start", "end", "leave", "resume")
HALVES = [SURE, -SURE, SURE, -SURE]


def seconds_of(edit):
    return edit.samples / edit.sample_rate


def test_what_is_kept_is_played_with_a_confidence():
    (edit,) = proposer(HALVES, [recording(18)]).edits(Wishes())
    first, second = edit.segments
    assert first.src_start == 0
    assert first.src_end / RATE == pytest.approx(100 * STEP_S, abs=GRID.seconds)
    assert second.src_start / RATE == pytest.approx(200 * STEP_S, abs=GRID.seconds)
    assert first.fade_out.samples == 441
    assert all(segment.confidence > 0.99 for segment in edit.segments)


def test_a_run_may_go_on_in_the_next_recording():
    sources = [recording(6), recording(8, rate=48000)]
    (edit,) = proposer([SURE], sources).edits(Wishes())
    assert [segment.source for segment in edit.segments] == [0, 1]
    assert seconds_of(edit) == pytest.approx(14, abs=0.01)


@pytest.mark.parametrize("steps", [5, -5])
def test_spans_to_keep_and_drop_hold_though_cuts_are_moved(steps):
    def moved(runs):
        return [Run(max(0, run.start + steps), run.end + steps) for run in runs]

    wishes = Wishes(keep=(Span(6.0, 7.0),), drop=(Span(1.0, 2.0),))
    (edit,) = proposer(HALVES, [recording(20)], place=moved).edits(wishes)
    kept = kept_steps(edit)
    assert kept[600:700].all() and not kept[100:200].any()


@pytest.mark.parametrize("length_s", [3.0, 8.0, 15.0])
def test_the_edit_is_as_long_as_was_asked(length_s):
    (edit,) = proposer(HALVES, [recording(20)]).edits(Wishes(length_s=length_s))
    assert seconds_of(edit) == pytest.approx(length_s, abs=1.5 * STEP_S)


def test_alternatives_differ_in_what_is_unsure():
    made = proposer([SURE, 0.3, SURE, -0.4, -SURE], [recording(25)])
    edits = made.edits(Wishes(), count=3)
    assert len(edits) == 3
    masks = [kept_steps(edit) for edit in edits]
    for one, other in combinations(masks, 2):
        assert (one != other).sum() >= 300
    sure = slice(50, int(95 * STEP_S * 100))
    assert all(mask[sure].all() for mask in masks)
