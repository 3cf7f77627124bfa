"""The end of an edit moves on to where its last sound has died away, and nowhere else."""

import numpy as np
import pytest
import soundfile

from editorbot.audio.ring_out import LONGEST_S, rung_out
from editorbot.audio.sources import source_of
from editorbot.edl.model import Segment
from editorbot.edl.spans import edit_of_spans

RATE = 44100
ENDS_S = 3.0
"""Where the last passage ends; its sound dies away after that."""


def note(seconds, *, hertz=220.0, falls_db_per_s=0.0):
    t = np.arange(round(seconds * RATE)) / RATE
    return 0.5 * np.sin(2 * np.pi * hertz * t) * 10 ** (-falls_db_per_s * t / 20)


def room(seconds, *, db=-60.0, seed=0):
    noise = np.random.default_rng(seed).standard_normal(round(seconds * RATE))
    return 10 ** (db / 20) * noise


def recording(path, after, *, seconds=12.0):
    """Music until ENDS_S, then (T,) samples, then the room."""
    sound = room(seconds)
    played = np.concatenate([note(ENDS_S), after])
    sound[: len(played)] += played
    soundfile.write(path, sound, RATE, subtype="FLOAT")
    return source_of(path)


def end_s(edit):
    assert edit.samples == edit.segments[-1].out_end
    lengths = [(s.out_end - s.out_start, s.src_end - s.src_start) for s in edit.segments]
    assert all(out == played for out, played in lengths)
    return edit.segments[-1].src_end / RATE


@pytest.mark.parametrize("falls_db_per_s", [30.0, 60.0, 120.0])
def test_the_last_note_is_heard_until_the_room_is_louder(tmp_path, falls_db_per_s):
    source = recording(tmp_path / "a.wav", note(4.0, falls_db_per_s=falls_db_per_s))
    edit = edit_of_spans([(0.0, 1.0), (1.5, ENDS_S)], [source])
    music_db = 20 * np.log10(0.5 / np.sqrt(2))
    inaudible_s = ENDS_S + (music_db + 60.0) / falls_db_per_s
    assert end_s(rung_out(edit)) == pytest.approx(inaudible_s, abs=0.3)
    assert rung_out(edit).segments[:-1] == edit.segments[:-1]


def test_it_plays_on_for_some_seconds_at_most(tmp_path):
    source = recording(tmp_path / "a.wav", note(8.0, falls_db_per_s=7.0))
    moved = rung_out(edit_of_spans([(0.0, ENDS_S)], [source]))
    assert LONGEST_S - 0.5 < end_s(moved) - ENDS_S <= LONGEST_S


def test_it_ends_before_what_begins_while_it_rings(tmp_path):
    # An octave higher, a talker begins .6 s after the last passage, 30 dB below the music by then.
    after = note(4.0, falls_db_per_s=50.0)
    begins = round(0.6 * RATE)
    after[begins:] += note(4.0 - 0.6, hertz=440.0)[: len(after) - begins]
    source = recording(tmp_path / "a.wav", after)
    moved = end_s(rung_out(edit_of_spans([(0.0, ENDS_S)], [source])))
    assert ENDS_S + 0.45 <= moved <= ENDS_S + 0.6


def test_a_stick_that_falls_is_not_played_though_it_is_quieter_after_it(tmp_path):
    after = note(4.0, falls_db_per_s=70.0)
    falls = slice(round(0.4 * RATE), round(0.45 * RATE))
    after[falls] += note(0.05, hertz=2000.0)
    source = recording(tmp_path / "a.wav", after)
    moved = end_s(rung_out(edit_of_spans([(0.0, ENDS_S)], [source])))
    assert ENDS_S + 0.3 <= moved <= ENDS_S + 0.4


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(note(6.0), id="music goes on"),
        pytest.param(note(6.0) * 0.3, id="music goes on more softly"),
        pytest.param(np.zeros(0), id="it is quiet at once"),
        pytest.param(np.tile(note(0.5, falls_db_per_s=30.0), 8), id="a note every half second"),
    ],
)
def test_an_end_after_which_nothing_dies_away_stays(tmp_path, after):
    edit = edit_of_spans([(0.0, ENDS_S)], [recording(tmp_path / "a.wav", after)])
    assert end_s(rung_out(edit)) == pytest.approx(ENDS_S, abs=0.051)


def test_what_was_asked_for_to_the_instant_stays(tmp_path):
    source = recording(tmp_path / "a.wav", note(4.0, falls_db_per_s=40.0))
    edit = edit_of_spans([(0.0, ENDS_S)], [source])
    for fixed in (ENDS_S - 1e-5, ENDS_S, ENDS_S + 1.0):
        assert rung_out(edit, fixed_s=[1.0, fixed]) == edit
    out_of_reach = [0.0, ENDS_S - 0.1, ENDS_S + LONGEST_S + 0.1]
    assert rung_out(edit, fixed_s=out_of_reach) == rung_out(edit) != edit


def test_the_end_of_the_recording_is_the_end(tmp_path):
    source = recording(tmp_path / "a.wav", note(1.0, falls_db_per_s=30.0), seconds=4.0)
    moved = rung_out(edit_of_spans([(0.0, ENDS_S)], [source]))
    assert ENDS_S + 0.9 < end_s(moved) <= 4.0
    whole = edit_of_spans([(0.0, 4.0)], [source])
    assert rung_out(whole) == whole


@pytest.mark.parametrize("change", [{"reverse": True}, {"speed": 1.25}])
def test_what_does_not_play_as_it_is_stays(tmp_path, change):
    source = recording(tmp_path / "a.wav", note(4.0, falls_db_per_s=40.0))
    edit = edit_of_spans([(0.0, ENDS_S)], [source])
    treated = edit.segments[0].model_copy(update=change)
    edit = edit.model_copy(update={"segments": (treated,)})
    assert rung_out(edit) == edit


def test_an_end_without_source_stays(tmp_path):
    source = recording(tmp_path / "a.wav", note(4.0, falls_db_per_s=40.0))
    edit = edit_of_spans([(0.0, ENDS_S)], [source])
    silence = Segment(
        out_start=edit.samples,
        out_end=edit.samples + RATE,
        source=None,
        src_start=None,
        src_end=None,
        op="INSERT",
    )
    edit = edit.model_copy(
        update={"samples": edit.samples + RATE, "segments": (*edit.segments, silence)}
    )
    assert rung_out(edit) == edit
