"""Reversed runs, other speeds and pitches, drift, gain steps and several raws, all recovered."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from edit_pairs import RATE, music, write_pair
from scipy.ndimage import uniform_filter1d
from scipy.signal import butter, sosfilt

from editorbot.align.align import align
from editorbot.align.piece import Piece, Treatment, tape_pitch
from editorbot.align.playback import treated
from editorbot.align.sides import ANALYSIS_RATE
from editorbot.align.treated import is_stretched_run, joined
from editorbot.align.treated_search import Taken, TreatedRun, TreatedSearch
from editorbot.audio.render import render
from editorbot.audio.sources import source_of
from editorbot.edl.model import Edit, Fade, Segment, with_ops
from editorbot.evaluate.alignment import cut_errors_s, null_test_db, score_alignment
from editorbot.params import AlignParams

PARAMS = AlignParams()
FADE = Fade(samples=220, curve="equal_power")


@pytest.fixture(scope="module")
def raw_wav(tmp_path_factory):
    path = tmp_path_factory.mktemp("raw") / "raw.wav"
    soundfile.write(path, music(50, seed=1)[0].astype(np.float32), RATE, subtype="FLOAT")
    return path


def segment(out: float, seconds: float, src: float, *, speed: float = 1.0, **how) -> Segment:
    """A segment by seconds, with short fades."""
    start, src_start = round(out * RATE), round(src * RATE)
    return Segment(
        out_start=start,
        out_end=start + round(seconds * RATE),
        source=how.pop("source", 0),
        src_start=src_start,
        src_end=src_start + round(seconds * RATE * speed),
        speed=speed,
        fade_in=FADE,
        fade_out=FADE,
        **how,
    )


def edited(folder, raws, segments) -> tuple[Edit, object]:
    """The list of these segments, and the file that it makes."""
    sources = tuple(source_of(raw) for raw in raws)
    truth = Edit(
        sample_rate=sources[0].sample_rate,
        samples=segments[-1].out_end,
        sources=sources,
        segments=with_ops(segments),
    )
    path = folder / "edit.wav"
    sound = np.concatenate(list(render(truth)), axis=1)
    soundfile.write(path, sound.T, truth.sample_rate, subtype="FLOAT")
    return truth, path


def noise(samples: int, *, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 1, samples)


TREATMENTS = {
    "reversed": {"reverse": True},
    "tape faster": {"speed": 1.17, "pitch_semitones": tape_pitch(1.17)},
    "tape slower": {"speed": 0.83, "pitch_semitones": tape_pitch(0.83)},
    "stretched": {"speed": 0.9},
    "compressed": {"speed": 1.2},
    "higher": {"pitch_semitones": 2.0},
    "lower": {"pitch_semitones": -1.0},
    "hardly compressed": {"speed": 1.008},
    "reversed and faster": {"reverse": True, "speed": 1.1, "pitch_semitones": tape_pitch(1.1)},
}


@pytest.mark.parametrize("how", TREATMENTS.values(), ids=TREATMENTS.keys())
def test_a_treated_run_is_found_for_what_it_is(tmp_path, raw_wav, how):
    plain = segment(0, 5, 10), segment(8, 5, 20)
    truth, path = edited(tmp_path, [raw_wav], [plain[0], segment(5, 3, 33.3, **how), plain[1]])
    found = align(raw_wav, path, params=PARAMS).edit
    assert len(found.segments) == 3
    played = found.segments[1]
    assert played.reverse == how.get("reverse", False)
    assert played.speed == pytest.approx(how.get("speed", 1.0), abs=0.004)
    assert played.pitch_semitones == pytest.approx(how.get("pitch_semitones", 0.0), abs=0.1)
    scores = score_alignment(truth, found)
    assert scores.within_1 == 1
    assert cut_errors_s(truth, found).max() < 0.02


def test_a_reversed_run_is_rebuilt_to_the_sample(tmp_path, raw_wav):
    segments = [segment(0, 4, 10), segment(4, 3, 33, reverse=True), segment(7, 4, 20)]
    _, path = edited(tmp_path, [raw_wav], segments)
    found = align(raw_wav, path, params=PARAMS).edit
    assert null_test_db(found, path) < -100


@pytest.mark.parametrize("drift_ppm", [0, 35, -180])
def test_drift_of_the_recorder(tmp_path, raw_wav, drift_ppm):
    speed = 1 + drift_ppm * 1e-6
    how = {"speed": speed, "pitch_semitones": tape_pitch(speed)}
    segments = [segment(0, 14, 2, **how), segment(14, 9, 30, **how)]
    truth, path = edited(tmp_path, [raw_wav], segments)
    found = align(raw_wav, path, params=PARAMS)
    assert found.info.clock_ppm == pytest.approx(drift_ppm, abs=2)
    assert found.edit.samples == truth.samples
    assert [s.src_start for s in found.edit.segments] == pytest.approx(
        [s.src_start for s in truth.segments], abs=3
    )
    assert (found.info.clock_ppm == 0) == (drift_ppm == 0)


def test_steps_of_gain_inside_a_run(tmp_path, raw_wav):
    places = [(0, 4, 5, 0.0), (4, 3, 9, -4.5), (7, 2, 12, 1.3), (9, 4, 30, 1.3)]
    segments = [segment(out, s, src, gain_db=gain) for out, s, src, gain in places]
    _, path = edited(tmp_path, [raw_wav], segments)
    found = align(raw_wav, path, params=PARAMS).edit
    assert [s.gain_db for s in found.segments] == pytest.approx([0, -4.5, 1.3, 1.3], abs=1e-4)
    assert [s.src_start / RATE for s in found.segments] == pytest.approx([5, 9, 12, 30], abs=1e-3)
    assert null_test_db(found, path) < -90


def test_polarity_turns_over_inside_a_run(tmp_path, raw_wav):
    segments = [segment(0, 4, 5), segment(4, 2, 9, polarity=-1), segment(6, 3, 11)]
    _, path = edited(tmp_path, [raw_wav], segments)
    found = align(raw_wav, path, params=PARAMS).edit
    assert [s.polarity for s in found.segments] == [1, -1, 1]
    assert null_test_db(found, path) < -90


def test_a_fade_is_not_taken_for_steps(tmp_path, raw_wav):
    whole = segment(0, 12, 5).model_copy(update={"fade_in": Fade(samples=3 * RATE, curve="linear")})
    _, path = edited(tmp_path, [raw_wav], [whole])
    found = align(raw_wav, path, params=PARAMS).edit
    assert len(found.segments) == 1
    assert found.segments[0].fade_in.samples == pytest.approx(3 * RATE, abs=2)


def test_several_raws_of_different_rates(tmp_path, raw_wav):
    other = tmp_path / "other.wav"
    sound = music(30, seed=2, rate=44100)[0].astype(np.float32)
    soundfile.write(other, sound, 44100, subtype="FLOAT")
    first, last = segment(0, 5, 10), segment(9, 5, 40)
    between = segment(5, 4, 0, source=1)
    between = between.model_copy(update={"src_start": 44100 * 12, "src_end": 44100 * 16})
    truth, path = edited(tmp_path, [raw_wav, other], [first, between, last])
    found = align([raw_wav, other], path, params=PARAMS)
    assert [s.source for s in found.edit.segments] == [0, 1, 0]
    assert [s.src_start for s in found.edit.segments] == pytest.approx(
        [s.src_start for s in truth.segments], abs=2
    )
    assert found.info.raw_s == pytest.approx(80, abs=0.01)


def test_a_short_foreign_part_in_a_run_has_no_source(tmp_path, raw_wav):
    raw = soundfile.read(raw_wav)[0][None]
    foreign = 0.6 * music(1, seed=5)[:, : round(0.8 * RATE)]
    parts = [raw[:, : 6 * RATE], foreign, raw[:, round(6.8 * RATE) : 12 * RATE]]
    paths = write_pair(tmp_path, raw, np.concatenate(parts, axis=1))
    found = align(*paths, params=PARAMS).edit
    assert [s.has_source for s in found.segments] == [True, False, True]
    starts = [s.out_start / RATE for s in found.segments]
    assert starts == pytest.approx([0, 6, 6.8], abs=0.02)


def test_a_reversed_run_is_found_beside_a_short_plain_one(tmp_path, raw_wav):
    """The stretch without source begins inside the plain run, whose sound is no measure of it."""
    segments = [segment(0, 1.5, 0), segment(1.5, 4.5, 5.5, reverse=True)]
    segments = [s.model_copy(update={"fade_in": Fade(), "fade_out": Fade()}) for s in segments]
    _, path = edited(tmp_path, [raw_wav], segments)
    found = align(raw_wav, path, params=PARAMS).edit
    assert [s.reverse for s in found.segments] == [False, True]
    assert null_test_db(found, path) < -100


def test_half_of_what_looks_like_one_short_run_is_reversed(tmp_path):
    """For so short a run the path rather keeps to its neighbour's lag."""
    raw_wav = tmp_path / "raw.wav"
    soundfile.write(raw_wav, music(40, seed=3)[0].astype(np.float32), RATE, subtype="FLOAT")
    segments = [segment(0, 1.5, 0), segment(1.5, 1.5, 17.4, reverse=True)]
    segments = [s.model_copy(update={"fade_in": Fade(), "fade_out": Fade()}) for s in segments]
    truth, path = edited(tmp_path, [raw_wav], segments)
    found = align(raw_wav, path, params=PARAMS).edit
    assert [s.reverse for s in found.segments] == [False, True]
    assert score_alignment(truth, found).within_1 == 1
    assert null_test_db(found, path) < -100


def held_notes(seconds: float, *, seed: int) -> np.ndarray:
    """(T,) chords that swell and die away over seconds, with a breath of noise."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * RATE)) / RATE
    sound = 0.01 * noise(len(t), seed=seed)
    for at in np.arange(0, seconds, 1.2):
        envelope = np.exp(-(((t - at - rng.normal(0, 0.1)) / 0.8) ** 2))
        for pitch in rng.choice(220 * 2 ** (np.arange(24) / 12), 3, replace=False):
            for k in range(1, 5):
                sound += envelope * np.sin(2 * np.pi * pitch * k * t + rng.uniform(0, 6.28)) / k
    return 0.5 * sound / np.abs(sound).max()


@pytest.mark.parametrize("seed", [2, 3])
def test_held_notes_reversed_are_not_taken_for_stretched(tmp_path, seed):
    """How fast a chord swells tells little of its speed; its waveform does."""
    raw_wav = tmp_path / "raw.wav"
    soundfile.write(raw_wav, held_notes(40, seed=seed).astype(np.float32), RATE, subtype="FLOAT")
    places = [(0, 4, 5, False), (4, 1, 30, True), (5, 4, 20, False)]
    segments = [segment(out, s, src, reverse=back) for out, s, src, back in places]
    truth, path = edited(tmp_path, [raw_wav], segments)
    found = align(raw_wav, path, params=PARAMS).edit
    assert [(s.reverse, s.speed) for s in found.segments] == [(False, 1), (True, 1), (False, 1)]
    assert score_alignment(truth, found).within_1 == 1


def test_what_is_refused_at_its_beginning_may_be_found_later():
    raw = music(30, seed=4, rate=ANALYSIS_RATE)[0].astype(np.float32)
    edit = raw[8 * ANALYSIS_RATE : 20 * ANALYSIS_RATE][::-1]
    refused, tried = 1, []

    def take(run: TreatedRun) -> Taken | None:
        tried.append(run)
        piece = Piece(0, 1, run.lag_s, treatment=run.treatment)
        return Taken(run.start_s, run.stop_s, piece) if len(tried) > refused else None

    pieces = TreatedSearch(raw, edit).find(0, 12, take)
    assert [piece.treatment.reverse for piece in pieces] == [True]
    assert (tried[-1].start_s, tried[-1].stop_s) == pytest.approx((0, 12), abs=0.1)


NEIGHBOURS = {
    "two at the beginning": [(3.4, 8.2, True), (2.6, 20.1, True), (4.2, 0, False)],
    "two between copies": [(2.8, 0, False), (3.7, 32.7, True), (1.5, 0, True), (3.9, 25.6, False)],
    "two at the end": [(3.9, 4.7, False), (2.4, 31.2, True), (4.4, 15.6, True)],
}


@pytest.mark.parametrize("runs", NEIGHBOURS.values(), ids=NEIGHBOURS.keys())
def test_neighbouring_reversed_runs_are_told_apart(tmp_path, runs):
    """Spectra of one song are alike enough for either to grow over the other, at a wrong speed."""
    raw_wav = tmp_path / "raw.wav"
    soundfile.write(raw_wav, music(40, seed=3)[0].astype(np.float32), RATE, subtype="FLOAT")
    starts = np.cumsum([0] + [seconds for seconds, *_ in runs])
    segments = [
        segment(out, seconds, src, reverse=back)
        for out, (seconds, src, back) in zip(starts, runs, strict=False)
    ]
    truth, path = edited(tmp_path, [raw_wav], segments)
    found = align(raw_wav, path, params=PARAMS).edit
    assert [s.reverse for s in found.segments] == [back for *_, back in runs]
    assert score_alignment(truth, found).within_1 == 1


def tape(start: int, stop: int, *, lag: float, speed: float) -> Piece:
    return Piece(start, stop, lag, treatment=Treatment(True, speed, tape_pitch(speed)))


def test_a_run_found_in_two_halves_is_one():
    # A sample apart at the beginning, 2.8 at the end.
    whole = tape(0, 5000, lag=70000, speed=1.1), tape(5100, 9000, lag=70001, speed=1.1002)
    assert joined(list(whole), same=5, border=300) == [tape(0, 9000, lag=70000, speed=1.1)]


@pytest.mark.parametrize(
    "other",
    [
        tape(5100, 9000, lag=70020, speed=1.1),
        tape(5100, 9000, lag=70000, speed=1.11),
        tape(5400, 9000, lag=70000, speed=1.1),
        Piece(5100, 9000, 70000, treatment=Treatment(False, 1.1, tape_pitch(1.1))),
    ],
    ids=["elsewhere", "other speed", "far apart", "forward"],
)
def test_runs_that_do_not_go_on_are_two(other):
    first = tape(0, 5000, lag=70000, speed=1.1)
    assert joined([first, other], same=5, border=300) == [first, other]


def test_nothing_is_played_of_a_tape_where_nothing_is_asked_for():
    piece = tape(100, 100, lag=50, speed=1.1)
    assert len(treated(np.ones(1000, np.float32), piece, 100, 100)) == 0


def test_going_on_after_a_stretched_run_is_no_jump(tmp_path, raw_wav):
    src = [10, 15, 15 + 3 * 0.9]
    plain = segment(0, 5, src[0]), segment(8, 5, src[2])
    _, path = edited(tmp_path, [raw_wav], [plain[0], segment(5, 3, src[1], speed=0.9), plain[1]])
    found = align(raw_wav, path, params=PARAMS).edit
    assert [s.op for s in found.segments] == ["COPY", "COPY", "COPY"]
    assert [s.src_end for s in found.segments[:2]] == [s.src_start for s in found.segments[1:]]


def test_of_near_repeats_the_copy_is_chosen(tmp_path):
    """Two places that are alike below 5 kHz, where alignment searches, and differ above."""
    sound = music(40, seed=7, rate=44100)[0]
    hiss = sosfilt(butter(8, 8000, "high", fs=44100, output="sos"), noise(len(sound), seed=1))
    place, repeat, length = 5 * 44100, 25 * 44100, 6 * 44100
    sound[repeat : repeat + length] = sound[place : place + length]
    sound += 0.02 * hiss
    paths = [tmp_path / "raw.wav", tmp_path / "edit.wav"]
    parts = sound[: 2 * 44100], sound[repeat : repeat + length], sound[35 * 44100 :]
    for path, samples in zip(paths, (sound, np.concatenate(parts)), strict=True):
        soundfile.write(path, samples.astype(np.float32), 44100, subtype="FLOAT")
    found = align(*paths, params=PARAMS).edit
    assert [s.src_start for s in found.segments] == [0, repeat, 35 * 44100]


def mastered(folder, edit: np.ndarray, *, window: int, floor: float, exponent: float) -> Path:
    """The edit, compressed by its power over a window and equalised, as a file of 16 bits."""
    edit = edit * (uniform_filter1d(edit**2, window) + floor) ** exponent
    edit = np.convolve(edit, [0.2, -0.5, 1.0, 0.4, 0.1], "same")
    soundfile.write(folder / "edit.wav", 0.5 * edit / np.abs(edit).max(), RATE, subtype="PCM_16")
    return folder / "edit.wav"


def test_a_hard_cut_in_a_compressed_edit(tmp_path, raw_wav):
    raw = soundfile.read(raw_wav)[0]
    edit = np.concatenate([raw[2 * RATE : 8 * RATE], 0.4 * raw[20 * RATE : 28 * RATE]])
    path = mastered(tmp_path, edit, window=RATE // 20, floor=1e-4, exponent=-0.3)
    found = align(raw_wav, path, params=PARAMS).edit
    assert len(found.segments) == 2
    assert found.segments[1].out_start / RATE == pytest.approx(6, abs=0.001)


def test_a_gain_that_goes_over_into_another(tmp_path, raw_wav):
    ramp = Fade(samples=round(0.9 * RATE), curve="linear")
    segments = [segment(0, 4, 5), segment(4, 5, 9, gain_db=-5.0), segment(9, 3, 40)]
    segments[0] = segments[0].model_copy(update={"fade_out": ramp})
    segments[1] = segments[1].model_copy(update={"fade_in": ramp})
    _, path = edited(tmp_path, [raw_wav], segments)
    found = align(raw_wav, path, params=PARAMS).edit
    assert [s.gain_db for s in found.segments] == pytest.approx([0, -5, 0], abs=1e-3)
    assert found.segments[1].out_start / RATE == pytest.approx(4, abs=0.002)
    assert found.segments[1].fade_in.samples == pytest.approx(ramp.samples, rel=0.01)
    assert null_test_db(found, path) < -80


def test_a_gain_between_two_long_fades_across(tmp_path, raw_wav):
    long = Fade(samples=round(0.8 * RATE), curve="equal_power")
    segments = [segment(0, 4, 5, gain_db=-4.4), segment(4, 1.8, 30), segment(5.8, 4, 15)]
    segments[0] = segments[0].model_copy(update={"fade_out": long})
    segments[1] = segments[1].model_copy(update={"fade_in": long, "fade_out": long})
    segments[2] = segments[2].model_copy(update={"fade_in": long})
    _, path = edited(tmp_path, [raw_wav], segments)
    found = align(raw_wav, path, params=PARAMS).edit
    assert [s.gain_db for s in found.segments] == pytest.approx([-4.4, 0, 0], abs=1e-3)
    assert null_test_db(found, path) < -80


def test_a_long_fade_across_whose_second_piece_a_compressor_turns_down(tmp_path, raw_wav):
    raw = soundfile.read(raw_wav)[0]
    samples, fade = 14 * RATE, round(0.5 * RATE)
    w = np.clip((np.arange(samples) - 7 * RATE + fade / 2) / fade, 0, 1)
    before, after = raw[2 * RATE :][:samples], raw[22 * RATE :][:samples]
    edit = np.cos(np.pi / 2 * w) * before + 2.0 * np.sin(np.pi / 2 * w) * after
    path = mastered(tmp_path, edit, window=RATE // 10, floor=1e-3, exponent=-0.3)
    found = align(raw_wav, path, params=PARAMS).edit
    assert len(found.segments) == 2
    assert found.segments[1].out_start / RATE == pytest.approx(7, abs=0.012)


def test_a_gain_is_the_editors_and_not_the_compressors(tmp_path, raw_wav):
    raw = soundfile.read(raw_wav)[0]
    parts = [(2, 1.0), (20, 0.4), (10, 1.0), (32, 0.4)]
    edit = np.concatenate([gain * raw[at * RATE : (at + 9) * RATE] for at, gain in parts])
    path = mastered(tmp_path, edit, window=RATE // 10, floor=1e-3, exponent=-0.25)
    found = align(raw_wav, path, params=PARAMS).edit
    assert len(found.segments) == 4
    gains_db = np.array([s.gain_db for s in found.segments])
    assert gains_db[::2] - gains_db[1::2] == pytest.approx(20 * np.log10(1 / 0.4), abs=2.5)


def test_what_is_turned_down_to_nothing_has_no_source(tmp_path, raw_wav):
    _, path = edited(tmp_path, [raw_wav], [segment(0, 12, 5)])
    sound, rate = soundfile.read(path, dtype="float32")
    sound[5 * rate : 6 * rate] *= 0.001
    soundfile.write(path, sound, rate, subtype="FLOAT")
    found = align(raw_wav, path, params=PARAMS).edit
    without = [s for s in found.segments if not s.has_source]
    assert [round(s.out_start / rate, 2) for s in without] == [5]
    assert [round(s.out_end / rate, 2) for s in without] == [6]


def test_a_bar_that_is_ducked_has_its_own_gain(tmp_path, raw_wav):
    """Neither of its two steps explains much without the other."""
    _, path = edited(tmp_path, [raw_wav], [segment(0, 30, 5)])
    sound, rate = soundfile.read(path, dtype="float32")
    sound[20 * rate : 22 * rate] *= 0.5
    soundfile.write(path, sound, rate, subtype="FLOAT")
    found = align(raw_wav, path, params=PARAMS).edit.segments
    assert [round(s.out_start / rate, 3) for s in found] == [0, 20, 22]
    assert [round(s.gain_db, 1) for s in found] == [0, -6, 0]


@pytest.mark.parametrize(
    ("score", "sharpness", "speed", "semitones", "right"),
    [
        (0.92, 0.25, 1.1, 0.0, True),
        (0.92, 0.1, 1.1, 0.0, False),
        (0.6, 0.5, 1.1, 0.3, True),
        # Less alike, or less sharp, only as an editor would have set it.
        (0.69, 0.32, 1.0, 3.0, True),
        (0.69, 0.32, 1.0, 2.7, False),
        (0.69, 0.32, 0.782, 3.0, False),
        (0.86, 0.18, 1.08, 0.0, True),
        (0.63, 0.28, 1.08, 0.0, False),
    ],
)
def test_a_stretched_run_must_be_alike_and_sharp(score, sharpness, speed, semitones, right):
    run = TreatedRun(10.0, 12.0, 30.0, Treatment(False, speed, semitones), score, sharpness)
    assert is_stretched_run(run) == right
