"""Cuts move to where the two sides match, and nowhere else."""

import numpy as np
import pytest
import soundfile

from editorbot.audio.joins import REACH_S, SEAM_S, matched
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
    source = recording(tmp_path / "tone.wav", tone(hertz=60.0))
    # Its match would be 3 ms before it.
    edit = edit_of_spans([(2.0, 2.998), (0.001, 1.0)], [source])
    assert matched(edit) == edit


def attacks(*at_s, seconds=4.0):
    """Bursts that begin abruptly, over a soft tone."""
    sound = 0.01 * tone(seconds) / 0.5
    burst = (
        0.5 * np.sin(2 * np.pi * 700 * np.arange(RATE // 4) / RATE) * np.linspace(1, 0, RATE // 4)
    )
    for place in at_s:
        sound[round(place * RATE) :][: len(burst)] += burst
    return sound


@pytest.mark.parametrize(
    ("late_s", "later_s"), [(0.001, 0), (0.008, 0), (0.016, 0), (0.004, 0.006)]
)
def test_an_attack_is_heard_once_and_whole(tmp_path, late_s, later_s):
    source = recording(tmp_path / "attacks.wav", attacks(1.0, 3.0))
    better = matched(edit_of_spans([(0.5, 1 + late_s), (3 + late_s + later_s, 3.8)], [source]))
    before, after = better.segments
    assert -SEAM_S / 2 - 0.002 < before.src_end / RATE - 1.0 < -SEAM_S / 2 + 0.001
    assert after.src_start - before.src_end == pytest.approx(2 * RATE, abs=2)
    assert after.src_end == round(3.8 * RATE)
    assert better.samples == before.samples + after.samples


def test_a_cut_is_made_earlier_by_no_more_than_there_is(tmp_path):
    source = recording(tmp_path / "attacks.wav", attacks(1.0))
    edit = edit_of_spans([(0.5, 1.016), (0.006, 0.4)], [source])
    before, after = matched(edit).segments
    assert after.src_start == 0
    assert before.src_end == round(1.016 * RATE) - round(0.006 * RATE)


@pytest.mark.parametrize("spans", [[(0.5, 1.008), (3.008, 3.13)], [(0.886, 1.008), (3.008, 3.8)]])
def test_a_cut_beside_a_short_run_stays(tmp_path, spans):
    source = recording(tmp_path / "attacks.wav", attacks(1.0, 3.0))
    edit = edit_of_spans(spans, [source])
    assert matched(edit) == edit


@pytest.mark.parametrize("at_s", [1.0, 3.0])
def test_an_attack_of_one_side_alone_is_not_cut_into(tmp_path, at_s):
    source = recording(tmp_path / "attacks.wav", attacks(at_s))
    before, after = matched(edit_of_spans([(0.5, 1.008), (3.008, 3.8)], [source])).segments
    assert before.src_end < RATE and after.src_start < 3 * RATE


def test_a_small_rise_is_no_attack(tmp_path):
    level = np.where(np.arange(4 * RATE) % (2 * RATE) < RATE, 0.1, 0.1 * 3**0.5)
    source = recording(tmp_path / "rise.wav", level * tone(hertz=700.0))
    edit = edit_of_spans([(0.5, 1.008), (3.008, 3.8)], [source])
    assert matched(edit).segments[0].src_end == edit.segments[0].src_end


def test_what_is_as_loud_before_a_cut_is_cut_there(tmp_path):
    source = recording(tmp_path / "attacks.wav", attacks(0.98, 2.98))
    edit = edit_of_spans([(0.5, 1.02), (3.02, 3.8)], [source])
    assert matched(edit).segments[0].src_end == edit.segments[0].src_end


@pytest.mark.parametrize("fixed_s", [1.008, 1.03, 3.03])
def test_a_cut_is_not_made_earlier_where_a_side_is_fixed(tmp_path, fixed_s):
    source = recording(tmp_path / "attacks.wav", attacks(1.0, 3.0))
    edit = edit_of_spans([(0.5, 1.008), (3.008, 3.8)], [source])
    assert matched(edit, fixed_s=[fixed_s]).segments[0].src_end == edit.segments[0].src_end
    assert matched(edit, fixed_s=[1.5]).segments[0].src_end < edit.segments[0].src_end


def test_a_cut_at_a_fixed_instant_stays(tmp_path):
    source = recording(tmp_path / "tone.wav", tone())
    edit = edit_of_spans([(0.5, 1.5), (2.5012, 3.5)], [source])
    assert matched(edit, fixed_s=[2.5012]) == edit
    assert matched(edit, fixed_s=[1.5]) != edit
