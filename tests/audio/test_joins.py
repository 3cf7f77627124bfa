"""Cuts move to where the two sides match, and nowhere else."""

import numpy as np
import pytest
import soundfile

from editorbot.audio.joins import REACH_S, _moved, matched
from editorbot.audio.sources import source_of
from editorbot.edl.spans import edit_of_spans

RATE = 44100


def recording(path, sound):
    soundfile.write(path, sound, RATE, subtype="FLOAT")
    return source_of(path)


def tone(seconds=4.0, hertz=200.0):
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * RATE)) / RATE)


def test_a_tone_goes_on_in_phase(tmp_path):
    source = recording(tmp_path / "tone.wav", tone())
    edit = matched(edit_of_spans([(0.5, 1.5), (2.5012, 3.5)], [source]))
    before, after = edit.segments
    period = RATE / 200
    distance = (after.src_start - before.src_end) % period
    assert min(distance, period - distance) <= 1
    assert abs(after.src_start - round(2.5012 * RATE)) <= REACH_S * RATE
    assert after.src_end == round(3.5 * RATE)
    assert edit.samples == before.samples + after.src_end - after.src_start


def test_noise_that_matches_nowhere_stays(tmp_path):
    noise = np.random.default_rng(0).standard_normal(4 * RATE) * 0.1
    edit = edit_of_spans([(0.5, 1.5), (2.5, 3.5)], [recording(tmp_path / "noise.wav", noise)])
    assert matched(edit) == edit


@pytest.mark.parametrize("change", [{"reverse": True}, {"speed": 1.25}])
def test_what_does_not_play_as_it_is_stays(tmp_path, change):
    source = recording(tmp_path / "tone.wav", tone())
    edit = edit_of_spans([(0.5, 1.5), (2.5012, 3.5)], [source])
    first, second = edit.segments
    treated = edit.model_copy(update={"segments": (first, second.model_copy(update=change))})
    assert matched(treated) == treated


def test_a_cut_at_the_very_beginning_of_a_recording_stays_inside(tmp_path):
    source = recording(tmp_path / "tone.wav", tone())
    edit = edit_of_spans([(2.0, 3.0), (0.0, 1.0)], [source])
    assert matched(edit).segments[1].src_start >= 0
    assert _moved(edit, {1: -5}) == edit


def test_a_cut_at_a_fixed_instant_stays(tmp_path):
    source = recording(tmp_path / "tone.wav", tone())
    edit = edit_of_spans([(0.5, 1.5), (2.5012, 3.5)], [source])
    assert matched(edit, fixed_s=[2.5012]) == edit
    assert matched(edit, fixed_s=[1.5]) != edit
