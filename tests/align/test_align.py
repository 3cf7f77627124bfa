"""Round trips: a known edit list is applied to a synthetic recording, and recovered from sound."""

import edit_pairs
import numpy as np
import pytest
import soundfile
import soxr
from edit_pairs import RATE, music, random_edit, rendered, write_pair
from scipy.signal import butter, lfilter

from editorbot.align.align import align
from editorbot.edl.model import Edit, Segment
from editorbot.errors import AudioError, EditorbotError
from editorbot.evaluate.alignment import cut_errors_s, cut_f1, null_test_db, score_alignment
from editorbot.params import AlignParams

PARAMS = AlignParams()
GAIN_TOLERANCE_DB = 0.05
FADE_TOLERANCE = 0.1
"""Of a fade's length: its ends are nearly silent."""
SHORT_FADE_S = 0.005
"""By so much even a short one may be wrong."""


@pytest.fixture(scope="module")
def raw() -> np.ndarray:
    return music(50, seed=1, channels=2)


def lags(edit: Edit) -> list[int | None]:
    return [s.src_start - s.out_start if s.has_source else None for s in edit.segments]


def starts(edit: Edit) -> list[int]:
    return [segment.out_start for segment in edit.segments]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_splices_come_back_to_the_sample(tmp_path, raw, seed):
    truth = random_edit(raw, seed=seed, segments=9, shortest_s=0.7, longest_s=5)
    raw_path, edit_path = write_pair(tmp_path, raw, rendered(truth, raw))
    found = align(raw_path, edit_path, params=PARAMS)
    assert lags(found.edit) == lags(truth)
    assert starts(found.edit) == starts(truth)
    assert all(s.gain_db == 0 and s.fade_in.samples == 0 for s in found.edit.segments)
    assert null_test_db(found.edit, edit_path) < -150
    assert found.info.explained_share > 0.999


@pytest.mark.parametrize("seed", [4, 5])
def test_loops_reorders_gains_and_fades_come_back(tmp_path, raw, seed):
    truth = random_edit(raw, seed=seed, segments=8, shortest_s=1.5, arranged=True)
    raw_path, edit_path = write_pair(tmp_path, raw, rendered(truth, raw))
    found = align(raw_path, edit_path, params=PARAMS)
    assert lags(found.edit) == lags(truth)
    assert cut_f1(truth, found.edit) == 1.0
    assert np.median(cut_errors_s(truth, found.edit)) < 0.0005
    for ours, theirs in zip(found.edit.segments, truth.segments, strict=True):
        assert ours.gain_db == pytest.approx(theirs.gain_db, abs=GAIN_TOLERANCE_DB)
        for side in ("fade_in", "fade_out"):
            fade, true_fade = getattr(ours, side), getattr(theirs, side)
            assert fade.samples == pytest.approx(
                true_fade.samples, rel=FADE_TOLERANCE, abs=SHORT_FADE_S * RATE
            )
    assert null_test_db(found.edit, edit_path) < -40


def test_continuity_decides_between_exact_repeats(tmp_path):
    verse, other, coda = (music(s, seed=n) for s, n in ((8, 10), (7, 11), (8, 12)))
    raw = np.concatenate([verse, other, verse, coda], axis=1)
    edited = raw[:, 9 * RATE : 30 * RATE]
    found = align(*write_pair(tmp_path, raw, edited), params=PARAMS).edit
    assert lags(found) == [9 * RATE]


def test_a_loop_of_one_second_is_found_each_time(tmp_path, raw):
    loop = raw[:, 8 * RATE : 9 * RATE]
    edited = np.concatenate(
        [raw[:, 5 * RATE : 9 * RATE], *[loop] * 3, raw[:, 20 * RATE : 24 * RATE]], 1
    )
    found = align(*write_pair(tmp_path, raw, edited), params=PARAMS).edit
    assert lags(found) == [n * RATE for n in (5, 4, 3, 2, 13)]
    assert [s.op for s in found.segments] == ["COPY", *["LOOP_START"] * 3, "SKIP"]


def test_silence_and_foreign_sound_have_no_source(tmp_path, raw):
    foreign = music(3, seed=99, channels=2)
    nothing = np.zeros((2, 2 * RATE))
    parts = [nothing, raw[:, : 6 * RATE], foreign, raw[:, 10 * RATE : 15 * RATE], nothing]
    found = align(*write_pair(tmp_path, raw, np.concatenate(parts, axis=1)), params=PARAMS)
    assert lags(found.edit) == [None, -2 * RATE, None, -RATE, None]
    true_starts = np.array([0, 2, 8, 11, 16]) * RATE
    assert np.abs(np.array(starts(found.edit)) - true_starts).max() < 0.02 * RATE
    assert found.info.no_source_s == pytest.approx(7, abs=0.1)


def test_inverted_polarity_is_found(tmp_path, raw):
    edited = np.concatenate([raw[:, : 5 * RATE], -0.5 * raw[:, 9 * RATE : 15 * RATE]], axis=1)
    found = align(*write_pair(tmp_path, raw, edited), params=PARAMS).edit
    assert [s.polarity for s in found.segments] == [1, -1]
    assert found.segments[1].gain_db == pytest.approx(-6.02, abs=GAIN_TOLERANCE_DB)


@pytest.mark.parametrize(("edit_rate", "subtype"), [(16000, "PCM_16"), (44100, "PCM_24")])
def test_rates_and_channels_may_differ(tmp_path, raw, edit_rate, subtype):
    truth = random_edit(raw, seed=7, segments=6, shortest_s=2)
    raw_path, edit_path = write_pair(tmp_path, raw, rendered(truth, raw))
    mono = soxr.resample(rendered(truth, raw).mean(axis=0), RATE, edit_rate)
    soundfile.write(edit_path, mono, edit_rate, subtype=subtype)
    found = align(raw_path, edit_path, params=PARAMS).edit
    assert found.sample_rate == RATE
    assert lags(found) == lags(truth)
    assert cut_errors_s(truth, found).max() < 0.001


def test_a_raw_of_8_khz_is_enough(tmp_path, raw):
    truth = random_edit(raw, seed=8, segments=5, shortest_s=3)
    raw_path, edit_path = write_pair(tmp_path, raw, rendered(truth, raw))
    soundfile.write(raw_path, soxr.resample(raw.mean(axis=0), RATE, 8000), 8000)
    found = align(raw_path, edit_path, params=PARAMS).edit
    assert found.sample_rate == 8000
    assert cut_f1(truth, found) == 1.0
    assert cut_errors_s(truth, found).max() < 0.005


def test_mastering_moves_no_cut_far(tmp_path, raw):
    truth = random_edit(raw, seed=9, segments=7, shortest_s=2)
    bright = lfilter(*butter(1, 400, "high", fs=RATE), rendered(truth, raw), axis=1)
    noise = np.random.default_rng(0).normal(0, 0.002, bright.shape)
    paths = write_pair(tmp_path, raw, 0.7 * np.tanh(3 * bright) + noise)
    scores = score_alignment(truth, align(*paths, params=PARAMS).edit)
    assert scores.within_1 == 1.0
    assert scores.cut_f1 == 1.0
    assert scores.cut_error_median_ms < 2


def test_an_unrelated_edit_is_refused_in_one_sentence(tmp_path, raw):
    paths = write_pair(tmp_path, raw, music(20, seed=77, channels=2))
    with pytest.raises(EditorbotError) as caught:
        align(*paths, params=PARAMS)
    message = str(caught.value)
    assert str(paths[0]) in message and str(paths[1]) in message and "0%" in message
    assert "\n" not in message


def test_a_low_threshold_lets_an_unrelated_edit_pass_as_foreign(tmp_path, raw):
    paths = write_pair(tmp_path, raw, music(10, seed=77, channels=2))
    found = align(*paths, params=PARAMS.model_copy(update={"min_explained_share": 0.0}))
    assert lags(found.edit) == [None]


def test_silence_is_refused_by_name(tmp_path, raw):
    paths = write_pair(tmp_path, raw, np.zeros((1, 5 * RATE)))
    with pytest.raises(AudioError, match=r"edit\.wav"):
        align(*paths, params=PARAMS)


@pytest.mark.parametrize("seconds", [0.7, 1.5])
def test_short_edits(tmp_path, raw, seconds):
    edited = raw[:, 12 * RATE : int((12 + seconds) * RATE)]
    found = align(*write_pair(tmp_path, raw, edited), params=PARAMS).edit
    assert lags(found) == [12 * RATE]


def test_a_recording_too_short_to_be_found_again_is_named(tmp_path, raw):
    paths = write_pair(tmp_path, raw, raw[:, : RATE // 2])
    with pytest.raises(EditorbotError, match=r"edit\.wav lasts 0\.50 s"):
        align(*paths, params=PARAMS)


def test_an_edit_longer_than_its_raw(tmp_path):
    raw = music(4, seed=5)
    found = align(*write_pair(tmp_path, raw, np.tile(raw, 3)), params=PARAMS).edit
    assert lags(found) == [0, -4 * RATE, -8 * RATE]


def test_the_generator_is_a_second_answer_to_render(tmp_path, raw):
    truth = random_edit(raw, seed=3, arranged=True, path=str(tmp_path / "raw.wav"))
    _, edit_path = write_pair(tmp_path, raw, rendered(truth, raw))
    assert null_test_db(truth, edit_path) < -120


def test_segments_past_the_raws_end_are_cut_short(tmp_path, raw):
    # The renderer plays silence there; alignment must not point at samples that do not exist.
    total = raw.shape[1]
    truth = Edit(
        sample_rate=RATE,
        samples=8 * RATE,
        sources=random_edit(raw, seed=1).sources,
        segments=(
            Segment(
                out_start=0,
                out_end=8 * RATE,
                source=0,
                src_start=total - 8 * RATE,
                src_end=total,
            ),
        ),
    )
    longer = np.pad(edit_pairs.rendered(truth, raw), ((0, 0), (0, 3 * RATE)))
    found = align(*write_pair(tmp_path, raw, longer), params=PARAMS).edit
    assert lags(found) == [total - 8 * RATE, None]
    assert found.segments[0].src_end == total


def test_of_a_loops_many_rounds_that_is_chosen_which_goes_on(tmp_path):
    rng = np.random.default_rng(9)
    rounds = np.tile(music(2, seed=12)[0], 30)
    raw = rounds + 0.15 * rounds.std() * rng.normal(size=len(rounds))
    # What comes before and after the loop is nowhere else.
    raw = np.concatenate([music(20, seed=13)[0], raw, music(20, seed=14)[0]])
    edit = raw[40 * RATE : 90 * RATE]
    soundfile.write(tmp_path / "raw.wav", raw.astype(np.float32), RATE, subtype="FLOAT")
    edit = edit + 0.1 * edit.std() * rng.normal(size=len(edit))
    soundfile.write(tmp_path / "edit.wav", edit.astype(np.float32), RATE, subtype="FLOAT")
    found = align(tmp_path / "raw.wav", tmp_path / "edit.wav", params=AlignParams()).edit
    assert [round(s.src_start / RATE, 2) for s in found.segments] == [40]


@pytest.mark.parametrize("seconds", [3, 8])
def test_a_copy_goes_on_through_the_raws_own_silence(tmp_path, raw, seconds):
    """Its notes ring out before it, and begin at once after it."""
    pause = np.zeros((len(raw), seconds * RATE))
    fading = raw[:, : 15 * RATE] * np.minimum(1, np.linspace(5, 0, 15 * RATE))
    whole = np.concatenate([fading, pause, raw[:, 15 * RATE :]], axis=1)
    start, stop = 4 * RATE, (15 + seconds) * RATE
    through = align(*write_pair(tmp_path, whole, whole[:, start : stop + 8 * RATE]), params=PARAMS)
    assert lags(through.edit) == [start]
    # ... and to its very end.
    parts = [whole[:, start:stop], whole[:, 6 * RATE : 11 * RATE]]
    found = align(*write_pair(tmp_path, whole, np.concatenate(parts, axis=1)), params=PARAMS).edit
    assert starts(found)[0] == 0 and found.segments[0].has_source
    assert found.segments[0].out_end == pytest.approx(stop - start, abs=0.02 * RATE)
