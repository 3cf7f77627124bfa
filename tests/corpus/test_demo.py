"""Demo songs: the catalogue is real and varied; rendering is exact, deterministic and whole."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from music21 import common

from editorbot.corpus.arrange import BANDS
from editorbot.corpus.demo import (
    SAMPLE_RATE,
    STEMS,
    demo_songs,
    perform_song,
    played_by_another_band,
    render_demo,
    score_of,
)
from editorbot.corpus.grooves import has_groove
from editorbot.corpus.harmonise import harmonise
from editorbot.corpus.score import Note, Score, one_at_a_time, read_score

SONGS = demo_songs()
DOCS = Path(__file__).parents[2] / "docs" / "demo_songs.md"
C_MAJOR_TUNE = (
    *(Note(start, 1.0, pitch) for start, pitch in enumerate((60, 64, 67, 72))),
    *(Note(4 + start, 1.0, pitch) for start, pitch in enumerate((65, 69, 72, 77))),
)


def short(song):
    return replace(song, max_bars=4, target_s=5.0)


def read(path):
    samples, sample_rate = soundfile.read(path, dtype="float32")
    assert sample_rate == SAMPLE_RATE
    return samples.T


def score_from(melody, **changes):
    values = {"melody": melody, "bass": (), "other": (), "bar": 4.0, "compound": False}
    return Score(**{**values, "bars": 2, "sharps": 0, **changes})


def test_catalogue_is_large_named_and_documented():
    names = [song.name for song in SONGS]
    assert len(names) >= 24
    assert len(set(names)) == len(names)
    assert all(name.startswith("demo-") for name in names)
    assert {song.band for song in SONGS} == set(BANDS)
    corpus, documented = Path(common.getCorpusFilePath()), DOCS.read_text(encoding="utf-8")
    for song in SONGS:
        assert (corpus / song.source).is_file(), song.source
        row = f"| {song.name} | {song.title} | {song.composer} | `{song.source}` |"
        assert row in documented


@pytest.mark.parametrize("song", SONGS, ids=lambda song: song.name)
def test_every_song_is_one_to_three_minutes_of_four_parts(song):
    performance = perform_song(song, np.random.default_rng(0))
    assert 60 <= performance.seconds <= 180
    assert set(performance.stems) == set(STEMS)
    for stem, voices in performance.stems.items():
        strokes = [stroke for voice in voices for stroke in voice.strokes]
        assert len(strokes) > performance.seconds / 8, stem
        assert all(stroke.end_s > stroke.start_s >= 0 for stroke in strokes)
        assert max(stroke.start_s for stroke in strokes) < performance.seconds


def test_another_band_plays_what_its_drummer_can():
    for song in SONGS[:8]:
        other = played_by_another_band(song)
        assert other.band != song.band
        assert replace(other, band=song.band) == song
        assert has_groove(score_of(song), BANDS[other.band].groove)
    assert not has_groove(score_of(SONGS[5]), "bossa")


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    return render_demo(short(SONGS[1]), tmp_path_factory.mktemp("demo"))


def test_mixture_is_the_exact_sum_of_four_sounding_stems(rendered):
    stems = np.stack([read(rendered.stems[stem]) for stem in STEMS])
    mixture = read(rendered.mixture)
    np.testing.assert_array_equal(stems.sum(axis=0), mixture)
    assert mixture.shape[0] == 2
    assert 0.8 < np.abs(mixture).max() < 0.95
    assert (np.sqrt(np.square(stems).mean(axis=(1, 2))) > 0.005).all()
    assert len(list(rendered.mixture.parent.iterdir())) == 5


def test_rendering_is_deterministic_by_seed(rendered, tmp_path):
    again = render_demo(short(SONGS[1]), tmp_path / "again")
    assert again.mixture.read_bytes() == rendered.mixture.read_bytes()
    other = render_demo(short(SONGS[1]), tmp_path / "other", seed=1)
    assert other.mixture.read_bytes() != rendered.mixture.read_bytes()


def test_bass_is_lower_than_melody_in_what_is_heard(rendered):
    def low_share(stem):
        samples = read(rendered.stems[stem]).mean(axis=0)
        power = np.square(np.abs(np.fft.rfft(samples)))
        return power[np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE) < 200].sum() / power.sum()

    assert low_share("bass") > 10 * low_share("vocals")


def test_a_second_pass_is_the_same_music_and_not_the_same_sound():
    song = replace(SONGS[1], max_bars=4, target_s=20.0)
    performance = perform_song(song, np.random.default_rng(3))
    bass = [stroke for voice in performance.stems["bass"] for stroke in voice.strokes]
    bass.sort()
    half = len(bass) // 2
    first, second = bass[:half], bass[half:]
    assert [stroke.pitch for stroke in first] == [stroke.pitch for stroke in second]
    gaps = [np.diff([stroke.start_s for stroke in turn]) for turn in (first, second)]
    assert 0.001 < np.abs(gaps[0] - gaps[1]).max() < 0.1


def test_score_of_a_known_chorale():
    score = read_score("bach/bwv227.1.mxl")
    assert score.bar == 4.0
    assert not score.compound
    # E minor: the soprano begins B B A G, the bass E E F# G.
    assert [note.pitch for note in score.melody[:4]] == [71, 71, 69, 67]
    assert score.bass[0].pitch % 12 == 4
    assert score.sharps == 1
    assert len(score.other) > len(score.melody)


def test_upbeat_precedes_the_first_bar_line():
    score = read_score("ryansMammoth/GarryOwenJig.abc")
    assert score.compound
    assert score.bar == 3.0
    assert score.melody[0].start == 2.5
    assert score.bars == 16
    assert score.bass == ()


def test_harmony_follows_the_tune():
    chords = harmonise(score_from(C_MAJOR_TUNE))
    assert [chord.pitch_classes[0] for chord in chords] == [0, 0, 5, 5]
    assert sum(chord.length for chord in chords) == 8.0


def test_one_at_a_time_ends_each_note_at_the_next():
    notes = [Note(0.0, 4.0, 60), Note(1.0, 1.0, 62), Note(3.0, 2.0, 64)]
    assert one_at_a_time(notes) == [Note(0.0, 1.0, 60), Note(1.0, 1.0, 62), Note(3.0, 2.0, 64)]
