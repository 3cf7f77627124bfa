"""Simulated edits after the cutting: whatever is done to the sound, the list says where it is."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from test_simulate import BEAT_S, RATE, SMALL, files, music, rendered

from editorbot.audio import io
from editorbot.corpus.simulate import simulate
from editorbot.corpus.simulation.editor import Decided, edit_recording
from editorbot.corpus.simulation.finish import MP3_PADDINGS, finish, is_repeat
from editorbot.corpus.simulation.material import Material, Passage
from editorbot.corpus.simulation.plan import plan_session
from editorbot.corpus.simulation.record import record_session
from editorbot.edl.model import Edit, Segment, Source
from editorbot.edl.serialize import read_edit
from editorbot.errors import EditorbotError
from editorbot.files import sha256
from editorbot.params import SimulateParams

FINISHES = (
    "padding_share",
    "raw_codec_share",
    "edit_rate_share",
    "channels_share",
    "leading_share",
    "treated_share",
    "foreign_share",
    "reverb_share",
    "noise_added_share",
    "drift_share",
    "silence_share",
    "gain_step_share",
)
DRY = dict.fromkeys(FINISHES, 0.0)
DELAY_SAMPLES = 3  # of the mastering's equaliser, in low notes


@pytest.fixture(scope="module")
def track(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("tracks") / "finished.flac"
    io.write(path, music(40), sample_rate=RATE, channels=2)
    return path


def made(track: Path, folder: Path, *, seed: int = 2, **params) -> tuple[Edit, np.ndarray, int]:
    """The true list, the edit (C, T) and its sample rate."""
    simulate(
        track, folder, song="s", seed=seed, params=SimulateParams(**{**SMALL, **DRY, **params})
    )
    _, path, truth, _ = files(folder, "s")
    return read_edit(truth), io.read(path), io.probe(path).sample_rate


def lags(edit: Edit, played: np.ndarray, heard: np.ndarray, *, reach: int = 1500) -> list[int]:
    """By how many samples each long segment of `heard` comes later than in `played`, (T,) both."""
    found = []
    for segment in edit.segments:
        inside = slice(segment.out_start + reach, segment.out_end - reach)
        if not segment.has_source or inside.stop - inside.start < RATE // 4:
            continue
        wide = np.diff(np.pad(heard, reach)[inside.start : inside.stop + 2 * reach])
        likeness = np.correlate(wide, np.diff(played[inside]), "valid")
        found.append(int(np.argmax(np.abs(likeness))) - reach)
    return found


@pytest.mark.parametrize("seed", range(3))
def test_a_hard_edit_has_every_run_where_its_list_says(track, tmp_path, seed):
    shares = dict.fromkeys(FINISHES, 0.5) | {"edit_rate_share": 0.0, "channels_share": 0.0}
    edit, audio, rate = made(track, tmp_path, seed=seed, level="hard", codec="mp3", **shares)
    assert rate == RATE
    assert audio.shape[1] == edit.samples
    found = lags(edit, rendered(tmp_path, "s").mean(axis=0), audio.mean(axis=0))
    assert len(found) >= 3
    assert np.abs(found).max() <= DELAY_SAMPLES


@pytest.mark.parametrize("rate_share", [0.0, 1.0])
def test_a_coders_padding_is_a_part_without_source(track, tmp_path, rate_share):
    options = {"codec": "mp3", "padding_share": 1.0, "edit_rate_share": rate_share}
    edit, audio, rate = made(track, tmp_path, level="mastered", **options)
    assert (rate != RATE) == bool(rate_share)
    first, last = edit.segments[0], edit.segments[-1]
    assert not first.has_source and not last.has_source
    assert first.samples in [round(padding * RATE / rate) for padding in MP3_PADDINGS]
    assert audio.shape[1] / rate == pytest.approx(edit.samples / RATE, abs=1 / RATE)
    heard = io.read_mono(files(tmp_path, "s")[1], sample_rate=RATE)
    found = lags(edit, rendered(tmp_path, "s").mean(axis=0), heard)
    assert np.abs(found).max() <= DELAY_SAMPLES


def test_an_edit_may_be_mono_or_have_its_channels_swapped(track, tmp_path):
    seen = set()
    for seed in range(8):
        options = {"level": "mastered", "codec": "off", "channels_share": 1.0, "seed": seed}
        _, audio, _ = made(track, tmp_path / str(seed), **options)
        seen.add(len(audio))
        if len(audio) == 2:
            dry = rendered(tmp_path / str(seed), "s")
            own, other = (np.corrcoef(audio[0], dry[channel])[0, 1] for channel in (0, 1))
            assert other > own
    assert seen == {1, 2}


def test_silence_may_lead(track, tmp_path):
    options = {"level": "mastered", "codec": "off", "leading_share": 1.0, "leading_s": 1.5}
    edit, audio, _ = made(track, tmp_path, **options)
    first = edit.segments[0]
    assert not first.has_source
    assert 0.02 <= first.samples / RATE <= 1.5
    assert not audio[:, : first.samples - 200].any()


def test_only_a_lossy_copy_of_the_raw_may_be_kept(track, tmp_path):
    plain = made(track, tmp_path / "plain", level="mastered", codec="off")
    lossy = made(track, tmp_path / "lossy", level="mastered", codec="off", raw_codec_share=1.0)
    assert np.array_equal(plain[1], lossy[1])  # it was cut from the original
    raws = [io.read(files(tmp_path / name, "s")[0]) for name in ("plain", "lossy")]
    assert raws[0].shape == raws[1].shape
    assert 0.8 < np.corrcoef(raws[0][0], raws[1][0])[0, 1] < 1 - 1e-6
    assert lossy[0].sources[0].sha256 == sha256(files(tmp_path / "lossy", "s")[0])


@pytest.mark.parametrize("seed", [1, 2])
def test_a_session_in_several_files(track, tmp_path, seed):
    params = SimulateParams(raws=3, raw_rate_share=0.5, raw_gain_db=6.0, **SMALL)
    simulate(track, tmp_path, song="s", seed=seed, params=params)
    truth = files(tmp_path, "s")[2]
    edit = read_edit(truth)
    assert [source.path for source in edit.sources] == [
        f"../input/s_raw.{number}.wav" for number in (1, 2, 3)
    ]
    for source in edit.sources:
        path = truth.parent / source.path
        info = io.probe(path)
        assert (info.sample_rate, info.samples) == (source.sample_rate, source.samples)
        assert sha256(path) == source.sha256
    assert len({segment.source for segment in edit.segments if segment.has_source}) >= 2
    edited = io.read(files(tmp_path, "s")[1])
    assert np.abs(edited - rendered(tmp_path, "s")).max() <= 0.5 / 2**15 + 1e-7

    simulate(track, tmp_path / "one", song="s", seed=seed, params=SimulateParams(**SMALL))
    one = read_edit(files(tmp_path / "one", "s")[2])  # the same session, on one tape
    assert [s.out_start for s in one.segments] == [s.out_start for s in edit.segments]
    session_s = one.sources[0].samples / RATE
    parts_s = [source.samples / source.sample_rate for source in edit.sources]
    assert sum(parts_s) == pytest.approx(session_s, abs=1e-3)
    starts_s = np.cumsum([0, *parts_s])
    for whole, part in zip(one.segments, edit.segments, strict=True):
        if part.has_source:
            rate = edit.sources[part.source].sample_rate
            at_s = starts_s[part.source] + part.src_start / rate
            assert at_s == pytest.approx(whole.src_start / RATE, abs=1e-3)


def test_a_session_in_fewer_files_leaves_none_of_the_others(track, tmp_path):
    for raws in (2, 1, 3):
        simulate(track, tmp_path, song="s", seed=1, params=SimulateParams(raws=raws, **SMALL))
        names = sorted(path.name for path in (tmp_path / "input").iterdir())
        numbers = [".1", ".2", ".3"][:raws] if raws > 1 else [""]
        assert names == [f"s_raw{number}.wav" for number in numbers]
    files(tmp_path, "s")[2].unlink()  # without the list, it is somebody's recording
    with pytest.raises(EditorbotError, match=r"s_raw\.1\.wav is there already"):
        simulate(track, tmp_path, song="s", seed=1, params=SimulateParams(**SMALL))


BARS = tuple(round(2 * bar * 8000) for bar in range(10))


@pytest.fixture(scope="module")
def material() -> Material:
    passages = (Passage(BARS[0], BARS[4], BARS[:5]), Passage(BARS[4], BARS[9], BARS[4:]))
    return Material(music(20, rate=8000, channels=1) * np.float32(0.5), 8000, passages, BEAT_S)


def decided(material: Material, seed: int, **params) -> Decided:
    settings = SimulateParams(junk_scale=0.2, break_share=0.0, **params)
    rng = np.random.default_rng(seed)
    recording = record_session(material, plan_session(material, rng, settings), rng, settings)
    samples = recording.audio.shape[1]
    source = Source(path="r", sample_rate=8000, channels=1, samples=samples, sha256="0")
    return edit_recording(recording, source, rng, settings)


def test_gain_steps_lie_inside_what_goes_on(material):
    steps = 0
    for seed in range(6):
        options = {"level": "arranged", "gain_step_share": 1.0, "loop_share": 0.0}
        segments = decided(material, seed, **options).edit.segments
        for before, after in pairwise(segments):
            if before.has_source and before.src_end == after.src_start:
                steps += abs(before.gain_db - after.gain_db) >= 1
                assert before.fade_out == after.fade_in
                assert after.fade_in.curve == "linear"  # powers would add up to a bump
    assert steps >= 6


def test_drift_is_one_tape_speed_throughout(material):
    seen = []
    for seed in range(4):
        options = {"level": "hard", "drift_share": 1.0, "treated_share": 0.0, "drift_ppm": 150.0}
        edit = decided(material, seed, **options).edit
        speeds = {segment.speed for segment in edit.segments if segment.has_source}
        assert len(speeds) == 1
        speed = speeds.pop()
        assert 0 < abs(speed - 1) <= 150e-6
        for segment in edit.segments:
            if segment.has_source:
                assert segment.pitch_semitones == pytest.approx(12 * np.log2(speed), abs=1e-9)
                assert segment.samples == round((segment.src_end - segment.src_start) / speed)
        seen.append(speed)
    assert min(seen) < 1 < max(seen)


def finished(material: Material, audio: np.ndarray, **params) -> np.ndarray:
    """A second of sound, a second and a half without source, and sound again, finished."""
    source = Source(path="r", sample_rate=8000, channels=1, samples=80000, sha256="0")
    runs = [(0, 8000, 0), (8000, 20000, None), (20000, 28000, 40000)]
    segments = [
        Segment(
            out_start=start,
            out_end=stop,
            source=None if place is None else 0,
            src_start=place,
            src_end=None if place is None else place + stop - start,
        )
        for start, stop, place in runs
    ]
    edit = Edit(sample_rate=8000, samples=28000, sources=(source,), segments=tuple(segments))
    settings = SimulateParams(**{"level": "hard", "codec": "off", **DRY, **params})
    foreign = (1,) if params.get("foreign_share") else ()
    return finish(Decided(edit, foreign), audio, material, np.random.default_rng(0), settings).audio


@pytest.fixture
def gapped(material) -> np.ndarray:
    audio = material.audio[:, :28000].copy()
    audio[:, 8000:20000] = 0
    return audio


def test_foreign_sound_is_as_loud_as_the_music_and_not_from_the_track(material, gapped):
    audio = finished(material, gapped, foreign_share=1.0)
    inside, outside = audio[:, 8000:20000], np.delete(audio, np.s_[8000:20000], axis=1)
    difference_db = 20 * np.log10(np.std(inside) / np.std(outside))
    assert abs(difference_db) < 8
    assert not is_repeat(inside, material)


def test_a_repeat_is_told_from_a_held_back_part(material):
    again = 0.3 * material.audio[:, 30001:42001] + 0.01
    assert is_repeat(again, material)
    noise = np.random.default_rng(0).standard_normal((1, 24000)).astype(np.float32)
    assert not is_repeat(noise, material)


def test_reverb_rings_into_what_follows_and_falls(material, gapped):
    dry = finished(material, gapped)
    assert np.abs(dry[:, 8200:19800]).max() < 1e-5
    wet = finished(material, gapped, reverb_share=1.0, reverb_s=0.8)
    early, late = (np.std(wet[:, start : start + 400]) for start in (8000, 14000))
    assert early > 0.005 * np.std(wet)  # a pluck's end was sent, not its attack
    assert late < 0.1 * early


def test_added_noise_stays_far_below_the_music(material, gapped):
    audio = finished(material, gapped, noise_added_share=1.0, noise_db=20.0)
    inside, outside = audio[:, 9000:19000], np.delete(audio, np.s_[8000:20000], axis=1)
    below_db = 20 * np.log10(np.std(outside) / np.std(inside))
    assert 17 < below_db < 45  # compression raises what is quiet by a few dB
