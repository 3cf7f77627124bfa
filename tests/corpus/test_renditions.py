"""Renditions: a take that is played again is the same music at its own times."""

import json
from dataclasses import replace

import numpy as np
import pytest
import soundfile
from scipy.signal import correlate

from editorbot.corpus import demo, practice_tracks
from editorbot.corpus.demo import perform_song, render_renditions
from editorbot.corpus.demo_catalogue import SONGS
from editorbot.corpus.practice_tracks import practice_track, render_practice_track
from editorbot.corpus.simulate import simulate
from editorbot.corpus.simulation.material import PEAK, Material, Passage, load_material
from editorbot.corpus.simulation.perform import Style, play
from editorbot.corpus.simulation.plan import Span, Take
from editorbot.corpus.simulation.record import record_session
from editorbot.corpus.simulation.renditions import (
    Rendition,
    list_of_renditions,
    read_renditions,
    write_renditions,
)
from editorbot.errors import EditorbotError
from editorbot.params import SimulateParams

RATE = 8000
BARS_S = np.arange(0, 25, 2.0)
LATE_S = BARS_S * 1.1 + 0.5


def clicks(bars_s, seconds, *, pitch):
    """A tone burst at each bar line, (1, T) float32."""
    audio = np.zeros((1, int(seconds * RATE)), np.float32)
    burst = 0.4 * np.sin(2 * np.pi * pitch * np.arange(400) / RATE) * np.hanning(400)
    for bar in bars_s:
        start = round(bar * RATE)
        room = audio[0, start : start + 400]
        room += burst[: len(room)]
    return audio


@pytest.fixture
def track(tmp_path):
    """A track and one rendition, that begins later and is slower."""
    path = tmp_path / "track.flac"
    played = [
        (clicks(BARS_S, 26, pitch=500), BARS_S.tolist()),
        (clicks(LATE_S, 29, pitch=1500), LATE_S.tolist()),
    ]
    write_renditions(path, played, sample_rate=RATE)
    return path


def read(track, **form):
    given = {"first": 0, "sample_rate": RATE, "channels": 1} | form
    return read_renditions(list_of_renditions(track), **given)


def test_a_rendition_tells_where_it_plays_what_the_track_plays(track):
    (other,) = read(track)
    for bar, late in zip(BARS_S, LATE_S, strict=True):
        assert other.at(round(bar * RATE)) == pytest.approx(late * RATE, abs=1)
    assert other.at(RATE) == pytest.approx(1.6 * RATE)  # halfway to the second bar line
    assert other.at(-RATE) == pytest.approx(-0.5 * RATE)
    assert other.at(30 * RATE) == pytest.approx((LATE_S[-1] + 6) * RATE)
    # Of an excerpt that begins at the third bar line.
    (other,) = read(track, first=round(BARS_S[2] * RATE))
    assert other.at(0) == pytest.approx(LATE_S[2] * RATE)


def test_a_track_is_its_own_rendition():
    own = Rendition.own(clicks(BARS_S, 26, pitch=500))
    assert [own.at(place) for place in (-5, 0, 7, 10**7)] == [-5, 0, 7, 10**7]
    assert not own.read(-10, 0).any() and own.read(-10, 400).shape == (1, 410)
    np.testing.assert_array_equal(own.read(-10, 400)[:, 10:], own.audio[:, :400])


def test_a_take_is_played_between_the_renditions_own_bars(track):
    (other,) = read(track)
    start, stop = (round(bar * RATE) for bar in BARS_S[[2, 5]])
    sound = play(start, stop, Style(other), lead=80, tail=40)
    assert sound.shape[1] == 80 + round((LATE_S[5] - LATE_S[2]) * RATE) + 40
    for bar in LATE_S[2:5]:
        at = 80 + round((bar - LATE_S[2]) * RATE)
        assert np.abs(sound[0, at : at + 400]).max() > 0.3
        assert np.abs(sound[0, at + 500 : at + 4000]).max() < 0.01


@pytest.fixture
def clicking():
    """Three playings of 24 s in passages of two bars, each of another pitch."""
    bars = tuple(round(bar * RATE) for bar in BARS_S)
    passages = tuple(
        Passage(bars[n], bars[n + 2], bars[n : n + 3]) for n in range(0, len(bars) - 2, 2)
    )
    others = tuple(
        Rendition(clicks(LATE_S, 29, pitch=pitch), np.array(bars, float), LATE_S * RATE)
        for pitch in (1500, 2500)
    )
    return Material(clicks(BARS_S, 26, pitch=500), RATE, passages, 0.5, others=others)


def recorded(material, events, seed=0):
    params = SimulateParams(room_tone_db=-90, tone_spread_db=0, level_spread_db=0, tempo_spread=0)
    return record_session(material, events, np.random.default_rng(seed), params)


def span_of(passage, number, kind="passage"):
    return Span(passage.start, passage.stop, kind, number, bars=passage.bars)


def pitch_of(recording, stretch):
    spectrum = np.abs(np.fft.rfft(recording.audio[0, stretch.start : stretch.stop]))
    return spectrum.argmax() * RATE / (stretch.stop - stretch.start)


def test_each_take_of_a_session_is_the_next_rendition(clicking):
    recording = recorded(clicking, [Take((span_of(clicking.passages[0], 0),))] * 4)
    pitches = [pitch_of(recording, stretch) for stretch in recording.stretches]
    np.testing.assert_allclose(pitches, [500, 1500, 2500, 500], atol=60)
    first, second, _, last = (np.diff(stretch.bars) for stretch in recording.stretches)
    np.testing.assert_array_equal(first, last)
    np.testing.assert_allclose(second, 1.1 * first, atol=1)


def test_a_vamp_is_played_anew_within_its_take(clicking):
    first, second = clicking.passages[:2]
    recording = recorded(clicking, [Take((span_of(first, 0), span_of(second, 1, "vamp")))])
    pitches = [pitch_of(recording, stretch) for stretch in recording.stretches]
    np.testing.assert_allclose(pitches, [500, 1500], atol=60)


def test_where_a_mistake_is_played_through_the_same_rendition_goes_on(clicking):
    first, second = clicking.passages[:2]
    good = Take((span_of(first, 0), span_of(second, 1)))
    wrong = Take((span_of(first, 0, "spoiled_take"), span_of(second, 1)))
    clean = recorded(clicking, [good]).audio
    for seed in range(10):
        recording = recorded(clicking, [wrong, wrong], seed)
        spoiled, after, _, later = recording.stretches
        lengths = [stretch.stop - stretch.start for stretch in (spoiled, after)]
        # Nobody gives up, but who stumbles is late.
        assert first.stop - first.start - 100 <= lengths[0] < first.stop - first.start + RATE
        assert lengths[1] == pytest.approx(second.stop - second.start, abs=100)
        assert np.abs(recording.audio[:, : lengths[0]] - clean[:, : lengths[0]]).max() > 0.01
        np.testing.assert_allclose(
            [pitch_of(recording, stretch) for stretch in (after, later)], [500, 1500], atol=60
        )


def test_another_sound_of_the_material_is_that_of_all_renditions():
    material = Material(np.full((1, 9), 0.1, np.float32), RATE, (), 0.5)
    other = Rendition(np.full((1, 5), 0.05, np.float32), np.zeros(1), np.zeros(1))
    changed = replace(material, others=(other,)).sounding(lambda audio: audio + np.float32(0.1))
    assert changed.audio.max() == pytest.approx(PEAK)
    assert changed.others[0].audio.max() == pytest.approx(PEAK * 0.15 / 0.2)


def lead_and_players(performance):
    lead = [[stroke.pitch for stroke in voice.strokes] for voice in performance.stems["vocals"]]
    return lead, {
        stem: [(voice.program, voice.pan) for voice in voices]
        for stem, voices in performance.stems.items()
    }


def test_a_band_plays_one_arrangement_anew():
    song = replace(SONGS[0], target_s=60.0)
    one, again, other = (
        perform_song(
            song, np.random.default_rng(seed), arrangement=np.random.default_rng(part), left_out=0.1
        )
        for seed, part in ((0, 0), (1, 0), (1, 1))
    )
    assert len(one.bars_s) == len(again.bars_s) and one.bars_s != again.bars_s
    # The lead leaves nothing out, so that it tells who plays which section.
    assert lead_and_players(one) == lead_and_players(again)
    assert lead_and_players(one)[0] != lead_and_players(other)[0]
    bass = [played.stems["bass"][0].strokes for played in (one, again)]
    assert [s.pitch for s in bass[0]] != [s.pitch for s in bass[1]]


def rendered(song, path):
    render_renditions(replace(song, target_s=60.0), path, renditions=2)


def practised(number, path):
    render_practice_track(replace(practice_track(number), seconds=60.0), path, renditions=2)


@pytest.mark.parametrize(
    ("room", "name", "render", "song"),
    [(demo, "perform_song", rendered, SONGS[0]), (practice_tracks, "perform", practised, 2)],
)
def test_renditions_are_one_arrangement(room, name, render, song, monkeypatch, tmp_path):
    played, perform = [], getattr(room, name)

    def noted(*given, **named):
        played.append(perform(*given, **named))
        return played[-1]

    monkeypatch.setattr(room, name, noted)
    monkeypatch.setattr(room, "sounded", lambda *_: None)  # what is played is told, not heard
    monkeypatch.setattr(room, "mixture", lambda _: np.ones((2, 9), np.float32))
    render(song, tmp_path / "track.flac")
    one, again = played
    assert one.bars_s != again.bars_s
    assert lead_and_players(one) == lead_and_players(again)


def simulated(track, folder, params, renditions):
    """The raw, (T, C)."""
    simulate(track, folder, song="song", seed=1, params=params, renditions=renditions)
    return soundfile.read(folder / "input/song_raw.wav")[0]


def test_demo_songs_have_renditions_that_sessions_are_made_of(tmp_path):
    song = replace(SONGS[0], target_s=30.0)
    path = tmp_path / "song.flac"
    render_renditions(song, path, renditions=2)
    assert sorted(x.name for x in tmp_path.iterdir()) == [
        "song.1.flac",
        "song.flac",
        "song_renditions.json",
    ]
    listed = list_of_renditions(path)
    params = SimulateParams(passage_s=5, break_share=0.8, spoiled_take_share=0.5)
    copied = params.model_copy(update={"repeats": "copies"})
    made = [
        simulated(path, tmp_path / name, habits, renditions)
        for name, habits, renditions in (
            ("played", params, listed),
            ("repeated", params, None),
            ("copied", copied, listed),
            ("copied too", copied, None),
        )
    ]
    assert len({len(raw) for raw in made[:2]}) == 2
    np.testing.assert_array_equal(made[2], made[3], err_msg="copies are of the track alone")

    # Of an excerpt, renditions are told from where it begins.
    excerpt = load_material(
        path,
        np.random.default_rng(0),
        params.model_copy(update={"max_track_s": 20.0}),
        renditions=listed,
    )
    whole, rate = soundfile.read(path)
    head = excerpt.audio[0, :rate]
    first = int(np.argmax(correlate(whole[:, 0], head, mode="valid")))
    bars_s = json.loads(listed.read_text())["track_bars_s"]
    assert first > rate
    np.testing.assert_allclose(
        excerpt.others[0].track_bars, np.array(bars_s) * rate - first, atol=1
    )

    # A rendition that was cut short ends it, with nothing half made.
    other = path.with_suffix(".1.flac")
    other.write_bytes(other.read_bytes()[:50_000])
    with pytest.raises(EditorbotError, match=r"song\.1\.flac"):
        simulated(path, tmp_path / "cut", params, listed)
    assert not list((tmp_path / "cut").rglob("*.*"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda listed: listed.pop("others"), "no renditions of a track: others: Field required"),
        (lambda listed: listed.update(track_bars_s=[]), "track_bars_s: Tuple should have at least"),
        (lambda listed: listed["track_bars_s"].reverse(), "track_bars_s: bar lines do not rise"),
        (
            lambda listed: listed["others"][0]["bars_s"].__setitem__(3, float("nan")),
            "others.0.bars_s.3: Input should be",
        ),
        (
            lambda listed: listed["others"][0]["bars_s"].__setitem__(-1, 31.0),
            "track.1.flac ends before its last bar line at 31.0 s",
        ),
        (lambda listed: listed["others"][0]["bars_s"].pop(), "has 12 bar lines"),
        (lambda listed: listed["others"][0].update(file="none.flac"), "none.flac"),
    ],
)
def test_a_list_that_cannot_be_used_is_refused(track, change, message):
    path = list_of_renditions(track)
    listed = json.loads(path.read_text())
    change(listed)
    path.write_text(json.dumps(listed))
    with pytest.raises(EditorbotError, match=message):
        read(track)


@pytest.mark.parametrize("content", ["", "[1]", "{"])
def test_what_is_no_list_is_refused(track, content):
    list_of_renditions(track).write_text(content)
    with pytest.raises(EditorbotError, match=r"track_renditions\.json"):
        read(track)


@pytest.mark.parametrize("form", [{"sample_rate": 44100}, {"channels": 2}])
def test_renditions_have_the_tracks_form(track, form):
    with pytest.raises(EditorbotError, match="8000 Hz and 1 channels, expected the track's"):
        read(track, **form)
