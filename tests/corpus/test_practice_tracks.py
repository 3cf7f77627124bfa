"""Tracks made to practise on: many tunes, none of them a demo song's, each in its own sound."""

from dataclasses import replace

import numpy as np
import pytest
import soundfile

from editorbot.corpus import jams
from editorbot.corpus.demo_catalogue import SONGS
from editorbot.corpus.harmonise import harmonise
from editorbot.corpus.jams import varied
from editorbot.corpus.practice_tracks import (
    COLLECTIONS,
    _transposed,
    practice_track,
    render_practice_track,
)
from editorbot.corpus.score import read_score
from editorbot.errors import EditorbotError
from editorbot.params import DecodeParams, MelParams


@pytest.fixture(scope="module")
def tracks():
    return [practice_track(number) for number in range(30)]


def test_tunes_and_bands_differ_and_none_is_a_demo_songs(tracks):
    sources = {track.source for track in tracks}
    assert len(sources) > 25 and not sources & {song.source for song in SONGS}
    assert {source.split("/")[0] for source in sources} == set(COLLECTIONS)
    assert len({track.band for track in tracks}) == len(tracks)
    machines = [track for track in tracks if track.band.looseness == 0]
    assert 0 < len(machines) < len(tracks) / 2
    assert practice_track(3) == tracks[3]


def test_the_same_track_has_the_same_sound(tracks, tmp_path):
    one, other = (replace(track, seconds=20.0) for track in tracks[:2])
    for name, track in (("a", one), ("b", one), ("c", other)):
        render_practice_track(track, tmp_path / f"{name}.flac")
    sounds = [(tmp_path / f"{name}.flac").read_bytes() for name in "abc"]
    assert sounds[0] == sounds[1] != sounds[2]
    for name in "ac":
        audio, rate = soundfile.read(tmp_path / f"{name}.flac")
        assert rate == 44100 and audio.shape[1] == 2 and len(audio) > 15 * rate
        assert 0.3 < np.abs(audio).max() < 1 and np.sqrt(np.mean(audio**2)) > 0.01


@pytest.mark.parametrize("semitones", [-6, -1, 0, 5, 6])
def test_another_key_has_the_same_chords_moved(semitones):
    score = read_score("bach/bwv66.6.mxl")
    moved = _transposed(score, semitones)
    assert -6 <= moved.sharps <= 6
    for chord, there in zip(harmonise(score), harmonise(moved), strict=True):
        assert there.start == chord.start
        wanted = {(pitch + semitones) % 12 for pitch in chord.pitch_classes}
        assert set(there.pitch_classes) == wanted


def test_short_tracks_have_passages_enough():
    def drawn(track_s):
        return [
            varied(np.random.default_rng(seed), track_s=track_s, retakes=seed % 2 == 1)
            for seed in range(20)
        ]

    every, long = drawn(30.0), drawn(300.0)
    assert all(4 <= params.passage_s <= 30 / 4 for params in every)
    assert max(params.passage_s for params in every) == 30 / 4
    assert max(params.passage_s for params in long) > 15


def test_each_share_of_the_jams_has_its_kind_of_takes(monkeypatch, tmp_path):
    heard, retaken = [], []

    def noted(track, workplace, *, params, renditions, **_):
        heard.append((params.repeats, renditions is not None))
        retaken.append(params.retake_share > 0)
        raise EditorbotError("enough")

    monkeypatch.setattr(jams, "simulate", noted)
    track = tmp_path / "track.wav"
    soundfile.write(track, np.zeros(44100), 44100)
    files = jams.JamFiles(*(tmp_path / name for name in ("mel", "pointers", "ops", "parts")))
    for number in range(200):
        with pytest.raises(EditorbotError, match="enough"):
            jams.make_jam(
                track,
                files,
                number=number,
                mel=MelParams(),
                decoding=DecodeParams(),
                renditions=tmp_path / "track_renditions.json",
            )
    again = [played for repeats, played in heard if repeats == "played_again"]
    assert (200 - len(again)) / 200 == pytest.approx(jams.COPIES_SHARE, abs=0.1)
    assert again.count(False) / 200 == pytest.approx(jams.STRETCHED_SHARE, abs=0.1)
    assert again.count(True) / 200 == pytest.approx(0.5, abs=0.1)
    assert retaken == [number % 2 == 1 for number in range(200)]
