"""Simulated jams: the true edit list is exact, labels cover the raw, chance is the seed's alone."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import correlate

from editorbot.audio import io
from editorbot.audio.render import render
from editorbot.corpus.simulate import simulate
from editorbot.corpus.simulation import junk
from editorbot.corpus.simulation.coding import lossy_round_trip
from editorbot.corpus.simulation.editor import dropped_stretches, edit_recording
from editorbot.corpus.simulation.material import Material, Passage
from editorbot.corpus.simulation.plan import MAX_RETAKES, Span, Take, plan_session
from editorbot.corpus.simulation.record import record_session
from editorbot.corpus.simulation.tone import LIMITER_CEILING, master
from editorbot.corpus.simulation.voice import VOICE_SAMPLE_RATE, talk
from editorbot.edl.model import Source
from editorbot.edl.serialize import read_edit
from editorbot.errors import EditorbotError
from editorbot.files import sha256
from editorbot.params import SimulateParams

RATE = 16_000
BEAT_S = 0.5
CAUSES = {
    "talk",
    "noise",
    "tuning",
    "dead_air",
    "count_in",
    "false_start",
    "spoiled_take",
    "earlier_take",
    "vamp",
}
SMALL = {"passage_s": 4.0, "junk_scale": 0.4}


def music(seconds: float, *, rate: int = RATE, channels: int = 2, seed: int = 0) -> np.ndarray:
    """Plucked random chords on every beat, 120 a minute, the first of each bar loudest."""
    rng = np.random.default_rng(seed)
    audio = np.zeros((channels, round(seconds * rate)), np.float32)
    time = np.arange(round(0.6 * rate)) / rate
    for beat in range(int(seconds / BEAT_S)):
        strength = 0.3 if beat % 4 == 0 else 0.15
        pitches = 110 * 2 ** (rng.integers(0, 36, 3) / 12)
        pluck = sum(np.sin(2 * np.pi * pitch * time) for pitch in pitches) * np.exp(-time / 0.15)
        pluck += rng.standard_normal(len(time)) * np.exp(-time / 0.01)
        room = audio[:, round(beat * BEAT_S * rate) :][:, : len(time)]
        room += (strength * pluck * rng.uniform(0.5, 1, (channels, 1)))[:, : room.shape[1]]
    return 0.8 * audio / np.abs(audio).max()


@pytest.fixture(scope="module")
def track(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("tracks") / "finished.flac"
    io.write(path, music(30), sample_rate=RATE, channels=2)
    return path


@pytest.fixture(scope="module")
def material() -> Material:
    audio = music(20, rate=8000, channels=1)
    bars = [round(2 * bar * 8000) for bar in range(10)]
    passages = [Passage(bars[n], bars[n + 2], tuple(bars[n : n + 3])) for n in range(0, 8, 2)]
    return Material(audio * np.float32(0.5), 8000, tuple(passages), BEAT_S)


def files(directory: Path, song: str) -> list[Path]:
    return [
        directory / "input" / f"{song}_raw.wav",
        directory / "desired_output" / f"{song}_edit.wav",
        directory / "truth" / f"{song}_edit.json",
        directory / "truth" / f"{song}_causes.json",
    ]


def rendered(directory: Path, song: str) -> np.ndarray:
    truth = directory / "truth" / f"{song}_edit.json"
    return np.concatenate(list(render(read_edit(truth), base=truth.parent)), axis=1)


@pytest.mark.parametrize(
    ("level", "repeats", "bits"),
    [("splice", "copies", 16), ("arranged", "played_again", 16), ("arranged", "copies", 24)],
)
def test_the_edit_is_the_true_edit_list_rendered(track, tmp_path, level, repeats, bits):
    habits = ("loop_share", "reorder_share", "gain_step_share", "silence_share")
    shares = dict.fromkeys(habits, 0.6) if level == "arranged" else {}
    params = SimulateParams(level=level, repeats=repeats, bits=bits, **shares, **SMALL)
    simulate(track, tmp_path, song="a b ü", seed=1, params=params)
    raw, edit, truth, causes = files(tmp_path, "a b ü")
    assert all(path.is_file() for path in (raw, edit, truth, causes))
    step = 2.0 ** (bits - 1)
    expected = np.clip(rendered(tmp_path, "a b ü").astype(np.float64), -1, 1 - 1 / step)
    difference = np.abs(io.read(edit) - expected).max()
    assert difference <= 0.5 / step + 1e-9  # the rounding of the file, nothing else
    assert np.abs(expected).max() < 1 - 1 / step  # it never clipped
    source = read_edit(truth).sources[0]
    assert source.sha256 == sha256(raw)
    assert (source.channels, source.sample_rate) == (2, RATE)
    assert io.probe(raw).subtype == io.probe(edit).subtype == f"PCM_{bits}"


def test_same_seed_same_bytes_other_seed_or_song_other_sound(track, tmp_path):
    params = SimulateParams(**SMALL)
    for folder, song, seed in (("a", "x", 3), ("b", "x", 3), ("c", "x", 4), ("d", "y", 3)):
        simulate(track, tmp_path / folder, song=song, seed=seed, params=params)
    simulate(track, tmp_path / "b", song="x", seed=3, params=params)  # over the one before
    first = [path.read_bytes() for path in files(tmp_path / "a", "x")]
    assert first == [path.read_bytes() for path in files(tmp_path / "b", "x")]
    for folder, song in (("c", "x"), ("d", "y")):
        assert first[0] != files(tmp_path / folder, song)[0].read_bytes()
        assert first[1] != files(tmp_path / folder, song)[1].read_bytes()


def test_recordings_that_were_not_simulated_are_never_replaced(track, tmp_path):
    mine = files(tmp_path, "x")[1]
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"a day's work")
    with pytest.raises(EditorbotError, match=r"x_edit\.wav is there already and was not simulated"):
        simulate(track, tmp_path, song="x", seed=0, params=SimulateParams(**SMALL))
    assert mine.read_bytes() == b"a day's work"
    assert len(list(tmp_path.rglob("*.*"))) == 1


def test_a_plain_editor_gives_the_track_back(track, tmp_path):
    still = {"raw_tone_db": 0.0, "room_tone_db": -120.0, "cut_jitter_s": 0.0, "vamp_keep_share": 0}
    params = SimulateParams(level="splice", repeats="copies", **still, **SMALL)
    simulate(track, tmp_path, song="plain", seed=5, params=params)
    assert len(read_edit(files(tmp_path, "plain")[2]).segments) >= 3
    # The editor leaves a moment before the first and after the last note.
    original, edit = np.pad(io.read(track)[0], RATE), io.read(files(tmp_path, "plain")[1])[0]
    lag = int(np.argmax(correlate(original, edit, "valid")))
    assert np.corrcoef(original[lag : lag + len(edit)], edit)[0, 1] > 0.98


def test_an_arranger_cuts_the_same_raw_in_another_manner(track, tmp_path):
    habits = {"level": "splice", "vamp_share": 0.6, "vamp_keep_share": 0.0, "count_in_share": 0.8}
    for seed in range(3):
        for editor in ("comper", "arranger"):
            params = SimulateParams(editor=editor, cut_jitter_s=0.0, **habits, **SMALL)
            simulate(track, tmp_path / editor, song="x", seed=seed, params=params)
        raw, _, truth, causes = files(tmp_path / "arranger", "x")
        assert raw.read_bytes() == files(tmp_path / "comper", "x")[0].read_bytes()
        first, *rest = read_edit(truth).segments
        last_kept = max(segment.src_end for segment in rest)
        assert first.src_end == last_kept and first.src_start > rest[1].src_start
        # Longer runs are followed by a repeat of their end, two bars of two seconds.
        pairs = pairwise([first, *rest])
        tags = [tag for run, tag in pairs if tag.src_end == run.src_end]
        assert len(tags) > len(rest) / 4
        for tag in tags:
            assert (tag.src_end - tag.src_start) / RATE == pytest.approx(4, rel=0.1)
        dropped = {span["cause"] for span in json.loads(causes.read_text())}
        assert "vamp" not in dropped and "talk" in dropped
        kept = read_edit(files(tmp_path / "comper", "x")[2]).segments
        assert sum(s.src_end - s.src_start for s in kept) < last_kept


@pytest.mark.parametrize("codec", ["off", "ogg", "mp3"])
def test_mastering_and_coding_keep_time(track, tmp_path, codec):
    params = SimulateParams(level="mastered", codec=codec, **SMALL)
    simulate(track, tmp_path, song="m", seed=2, params=params)
    edit, dry = io.read(files(tmp_path, "m")[1]), rendered(tmp_path, "m")
    assert edit.shape == dry.shape
    for start in range(2 * RATE, edit.shape[1] - 4 * RATE, 5 * RATE):
        part = slice(start, start + RATE)
        wide = slice(start - 200, start + RATE + 200)
        lag = np.argmax(np.correlate(dry[0, wide], edit[0, part], "valid")) - 200
        assert abs(lag) <= 2  # equalisers delay low notes by a sample or so
    assert np.sqrt(np.mean((edit - dry) ** 2)) > 0.01  # and yet it was mastered


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    level=st.sampled_from(["splice", "arranged", "hard"]),
    repeats=st.sampled_from(["copies", "played_again"]),
    share=st.sampled_from([0.0, 0.4, 1.0]),
)
def test_every_part_of_the_raw_is_used_or_labelled(material, seed, level, repeats, share):
    names = "break", "false_start", "spoiled_take", "played_through", "vamp", "talk", "retake"
    params = SimulateParams(
        level=level,
        repeats=repeats,
        junk_scale=0.2,
        **{f"{name}_share": share for name in names},
    )
    rng = np.random.default_rng(seed)
    recording = record_session(material, plan_session(material, rng, params), rng, params)
    samples = recording.audio.shape[1]
    position = 0
    for stretch in recording.stretches:
        assert stretch.start == position < stretch.stop
        position = stretch.stop
    assert position == samples
    good = [s.passage for s in recording.stretches if s.cause is None and s.bars]
    assert good == list(range(len(material.passages)))

    source = Source(path="r", sample_rate=8000, channels=1, samples=samples, sha256="0")
    edit = edit_recording(recording, source, rng, params).edit
    covered = np.zeros(samples, int)
    for segment in edit.segments:
        if segment.has_source:
            covered[segment.src_start : segment.src_end] |= 1
            assert segment.samples == round((segment.src_end - segment.src_start) / segment.speed)
    for dropped in dropped_stretches(recording, edit):
        assert dropped["cause"] in CAUSES
        run = slice(round(dropped["start_s"] * 8000), round(dropped["end_s"] * 8000))
        assert not covered[run].any()
        covered[run] |= 2
    # Neither used nor labelled: slivers beside bar lines, at most one at each end of a clip.
    assert np.count_nonzero(covered == 0) <= 2 * len(edit.segments) * 0.02 * 8000


def test_all_causes_occur_and_takes_differ(material):
    params = SimulateParams(junk_scale=0.3, retake_share=0.5)
    seen = set()
    for seed in range(6):
        rng = np.random.default_rng(seed)
        recording = record_session(material, plan_session(material, rng, params), rng, params)
        seen |= {stretch.cause for stretch in recording.stretches}
        assert np.abs(recording.audio).max() <= 0.5
    assert seen == CAUSES | {None}


def test_hard_edits_use_every_operation(material):
    shares = {"treated_share": 1.0, "loop_share": 0.5, "break_share": 0.1, "drift_share": 0.0}
    params = SimulateParams(level="hard", junk_scale=0.2, **shares)
    reverse, speeds, pitches, polarities, silences, ops = set(), set(), set(), set(), 0, set()
    for seed in range(10):
        rng = np.random.default_rng(seed)
        recording = record_session(material, plan_session(material, rng, params), rng, params)
        samples = recording.audio.shape[1]
        source = Source(path="r", sample_rate=8000, channels=1, samples=samples, sha256="0")
        for segment in edit_recording(recording, source, rng, params).edit.segments:
            ops.add(segment.op)
            silences += not segment.has_source
            reverse.add(segment.reverse)
            polarities.add(segment.polarity)
            speeds.add(segment.speed != 1)
            pitches.add(segment.pitch_semitones != 0)
    assert reverse == speeds == pitches == {True, False}
    assert polarities == {1, -1}
    assert silences > 0
    assert ops == {"COPY", "SKIP", "LOOP_START", "INSERT"}


RETAKING = SimulateParams(
    break_share=0.0,
    false_start_share=0.0,
    vamp_share=0.0,
    spoiled_take_share=0.0,
    retake_share=1.0,
    junk_scale=0.2,
)


def takes_of(recording):
    """Passages and causes of what is played, from break to break."""
    takes = [[]]
    for stretch in recording.stretches:
        if stretch.passage is None:
            takes.append([])
        else:
            takes[-1].append((stretch.passage, stretch.cause))
    return [take for take in takes if take]


def test_of_what_is_played_well_again_the_last_is_kept(material):
    begun = set()
    for seed in range(20):
        rng = np.random.default_rng(seed)
        recording = record_session(material, plan_session(material, rng, RETAKING), rng, RETAKING)
        takes = takes_of(recording)
        assert len(takes) == 1 + MAX_RETAKES
        for number, take in enumerate(takes):
            passages = [passage for passage, _ in take]
            begun.add(passages[0])
            # Each retake goes on to the end.
            assert passages == list(range(passages[0], len(material.passages)))
            later = min((t[0][0] for t in takes[number + 1 :]), default=len(material.passages))
            for passage, cause in take:
                assert cause == (None if passage < later else "earlier_take")
    assert begun == set(range(len(material.passages)))


def test_a_band_plays_again_only_when_it_has_caught_up(material):
    params = RETAKING.model_copy(update={"break_share": 1.0, "retake_share": 0.5})
    begun = set()
    for seed in range(20):
        takes = [
            event.spans[0].passage
            for event in plan_session(material, np.random.default_rng(seed), params)
            if isinstance(event, Take)
        ]
        for number, (passage, following) in enumerate(pairwise(takes)):
            has_caught_up = passage == max(takes[: number + 1])
            assert following == passage + 1 or (following <= passage and has_caught_up)
            begun.add(passage - following)
    assert {-1, 0, 1, 2} <= begun


@pytest.mark.parametrize("is_spoiled", [True, False])
def test_what_stood_beside_a_mistake_was_spoiled_and_else_was_an_earlier_take(material, is_spoiled):
    first, second = material.passages[:2]
    played = [
        Span(p.start, p.stop, "passage", n, bars=p.bars) for n, p in enumerate((first, second))
    ]
    vamp = Span(first.bars[1], first.stop, "vamp", 0)
    wrong = Span(second.start, second.stop, "spoiled_take", 1)
    take = Take((played[0], vamp, wrong) if is_spoiled else (played[0], vamp))
    recording = record_session(
        material, [take, Take(tuple(played))], np.random.default_rng(0), RETAKING
    )
    causes = [stretch.cause for stretch in recording.stretches]
    expected = ["spoiled_take"] * 3 if is_spoiled else ["earlier_take"] * 2
    assert causes == [*expected, None, None]


def test_a_retake_that_is_given_up_leaves_what_was_good(material):
    shares = {"spoiled_take": 0.4, "retake": 0.8, "vamp": 0.3, "vamp_keep": 1.0}
    params = RETAKING.model_copy(update={f"{name}_share": x for name, x in shares.items()})
    last, given_up = len(material.passages) - 1, set()
    for seed in range(40):
        rng = np.random.default_rng(seed)
        recording = record_session(material, plan_session(material, rng, params), rng, params)
        takes = takes_of(recording)
        kept = [passage for take in takes for passage, cause in take if cause is None]
        assert kept == sorted(kept)
        assert set(kept) == set(range(last + 1))
        if takes[-1][-1] == (takes[-1][-1][0], "spoiled_take"):
            given_up.update(cause for _, cause in takes[-1])
    assert given_up == {"spoiled_take", "vamp"}


def test_a_band_that_plays_through_a_mistake_comes_back_to_it(material):
    shares = {"spoiled_take": 0.4, "played_through": 1.0}
    retaking = RETAKING.model_copy(update={f"{name}_share": x for name, x in shares.items()})
    params = retaking.model_copy(update={"retake_share": 0.0})
    last, takes_with_two = len(material.passages) - 1, 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        recording = record_session(material, plan_session(material, rng, params), rng, params)
        takes = takes_of(recording)
        begun = 0
        for take in takes:
            assert [passage for passage, _ in take] == list(range(take[0][0], last + 1))
            assert take[0][0] in {begun, max(begun - 1, 0)}
            wrong = [passage for passage, cause in take if cause == "spoiled_take"]
            takes_with_two += len(wrong) > 1
            begun = next((p for p in wrong if p >= begun), last + 1)
        kept = [passage for take in takes for passage, cause in take if cause is None]
        assert kept == list(range(last + 1))
        # What went wrong is mended before anything is played again for its own sake.
        rng = np.random.default_rng(seed)
        plan = plan_session(material, rng, retaking)
        first, second = [event for event in plan if isinstance(event, Take)][:2]
        wrong = [span.passage for span in first.spans if span.kind == "spoiled_take"]
        assert not wrong or second.spans[0].passage in {wrong[0], max(wrong[0] - 1, 0)}
    assert takes_with_two > 2


def test_dead_air_is_quiet_and_false_starts_come_again(material):
    params = SimulateParams(repeats="copies", false_start_share=1.0, junk_scale=0.3)
    rng = np.random.default_rng(0)
    events = plan_session(material, rng, params)
    takes = [event for event in events if isinstance(event, Take)]
    false_starts = 0
    for take, following in pairwise(takes):
        if take.spans[0].kind == "false_start":
            false_starts += 1
            assert following.spans[0].start == take.spans[0].start
    assert false_starts >= 2 * len(material.passages) / 3
    recording = record_session(material, events, rng, params)
    tail = 8000  # the take before rings out
    for stretch in recording.stretches:
        if stretch.cause == "dead_air" and stretch.stop - stretch.start > tail + 800:
            quiet = recording.audio[:, stretch.start + tail : stretch.stop - 200]
            assert np.sqrt(np.mean(quiet**2)) < 10 ** ((params.room_tone_db + 3) / 20)


def test_talk_and_tuning_are_now_far_quieter_now_as_loud_as_the_music(material):
    params = SimulateParams(break_share=1.0, talk_share=1.0, tuning_share=1.0, junk_scale=0.5)
    levels_db = {"talk": [], "tuning": []}
    for seed in range(6):
        rng = np.random.default_rng(seed)
        recording = record_session(material, plan_session(material, rng, params), rng, params)
        loudness = {
            stretch: np.sqrt(np.mean(recording.audio[:, stretch.start : stretch.stop] ** 2))
            for stretch in recording.stretches
        }
        music = np.mean([rms for stretch, rms in loudness.items() if stretch.cause is None])
        for stretch, rms in loudness.items():
            if stretch.cause in levels_db:
                levels_db[stretch.cause].append(20 * np.log10(rms / music))
    for cause, levels in levels_db.items():
        assert min(levels) < -9, cause
        assert max(levels) > -1, cause
        assert -8 < np.median(levels) < -3, cause


def test_talk_has_the_rhythm_and_harmonics_of_speech():
    for seed in range(4):
        rng = np.random.default_rng(seed)
        speech = talk(rng, seconds=8.0, sample_rate=VOICE_SAMPLE_RATE)
        power = np.abs(np.fft.rfft(speech)) ** 2
        flatness = np.exp(np.mean(np.log(power + 1e-12))) / np.mean(power)
        assert flatness < 0.1  # white noise has 0.56
        envelope = np.sqrt(np.mean(speech[: len(speech) // 160 * 160].reshape(-1, 160) ** 2, 1))
        modulation = np.abs(np.fft.rfft(envelope - envelope.mean()))
        hz = np.fft.rfftfreq(len(envelope), 0.01)
        syllables = modulation[(hz > 2) & (hz < 8)].mean()
        assert syllables > 2 * modulation[(hz > 12) & (hz < 40)].mean()
        assert np.mean(envelope < 0.1 * envelope.max()) > 0.08  # pauses


def test_count_in_lands_on_the_beat():
    sound = junk.count_in(np.random.default_rng(1), beat_s=0.5, sample_rate=RATE)
    loud = np.flatnonzero(np.abs(sound) > 0.3 * np.abs(sound).max())
    hits = loud[np.insert(np.diff(loud) > 0.2 * RATE, 0, True)] / RATE
    steps = np.diff(hits) / 0.5
    assert len(hits) in (4, 6)
    assert np.abs(steps - np.round(steps)).max() < 0.1
    assert len(sound) / RATE - hits[-1] == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("rate", [8000, 44100])
@pytest.mark.parametrize("codec", ["ogg", "mp3"])
def test_lossy_coding_stays_in_place(rate, codec):
    audio = music(3, rate=rate)
    coded = lossy_round_trip(audio, sample_rate=rate, codec=codec, compression_level=0.3)
    assert coded.shape == audio.shape
    assert np.corrcoef(coded[0], audio[0])[0, 1] > 0.9
    assert not np.array_equal(coded, audio)


def test_mastering_stays_below_its_ceiling():
    mastered = master(music(3), np.random.default_rng(0), tone_db=3.0, sample_rate=RATE)
    assert np.abs(mastered).max() <= LIMITER_CEILING + 1e-6


def test_bad_tracks_are_refused_in_one_sentence(tmp_path):
    def refused(name: str, audio: np.ndarray, match: str, **options) -> None:
        path = tmp_path / name
        io.write(path, audio.astype(np.float32), sample_rate=RATE, channels=len(audio))
        with pytest.raises(EditorbotError, match=match):
            simulate(path, tmp_path / "out", song="s", seed=0, params=SimulateParams(**options))

    refused("short.wav", music(5), r"short\.wav is 5\.0 s long, expected at least 15 s")
    refused("silent.wav", np.zeros((1, 20 * RATE)), r"silent\.wav is silent")
    refused("few.wav", music(20), r"few\.wav has \d passages.*smaller simulate", passage_s=40)
    (tmp_path / "text.wav").write_text("not sound")
    for name in ("text.wav", "missing.wav"):
        with pytest.raises(EditorbotError, match=name):
            simulate(tmp_path / name, tmp_path, song="s", seed=0, params=SimulateParams())
    assert not (tmp_path / "out").exists()


def test_causes_are_sorted_seconds(track, tmp_path):
    simulate(track, tmp_path, song="c", seed=8, params=SimulateParams(**SMALL))
    causes = json.loads(files(tmp_path, "c")[3].read_text())
    assert {frozenset(cause) for cause in causes} == {frozenset({"start_s", "end_s", "cause"})}
    starts = [cause["start_s"] for cause in causes]
    assert starts == sorted(starts)
    length_s = io.probe(files(tmp_path, "c")[0]).samples / RATE
    assert all(0 <= cause["start_s"] < cause["end_s"] <= length_s for cause in causes)
