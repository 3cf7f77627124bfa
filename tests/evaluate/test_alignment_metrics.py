"""Measures of alignment against values worked out by hand."""

import numpy as np
import pytest
import soundfile

from editorbot.audio.sources import source_of
from editorbot.edl.model import Edit, Fade, Segment, Source, with_ops
from editorbot.evaluate.alignment import (
    GRID,
    cut_errors_s,
    cut_f1,
    cut_times_s,
    no_source_f1,
    null_test_db,
    ops_f1,
    score_alignment,
)

RATE = 22050
HOP = GRID.hop_length


def edit(*runs: tuple[float, float | None], path: str = "raw.wav", raw_s: float = 60) -> Edit:
    """An edit of runs (length, source start) in seconds; None is without source."""
    segments, position = [], 0
    for seconds, start in runs:
        samples = round(seconds * RATE)
        first = None if start is None else round(start * RATE)
        segments.append(
            Segment(
                out_start=position,
                out_end=position + samples,
                source=None if start is None else 0,
                src_start=first,
                src_end=None if start is None else first + samples,
            )
        )
        position += samples
    samples = round(raw_s * RATE)
    source = Source(path=path, sample_rate=RATE, channels=1, samples=samples, sha256="0" * 64)
    return Edit(sample_rate=RATE, samples=position, sources=(source,), segments=with_ops(segments))


def test_the_truth_scores_full_marks():
    truth = edit((5, 0), (5, 20), (3, None), (4, 2))
    scores = score_alignment(truth, truth, wall_s=3.4)
    assert (scores.within_1, scores.within_2, scores.cut_f1) == (1, 1, 1)
    assert (scores.ops_f1, scores.no_source_f1) == (1, 1)
    assert scores.cut_error_median_ms == scores.cut_error_p90_ms == 0
    assert scores.real_time_factor == pytest.approx(17 / 3.4)
    assert scores.null_test_db is None and scores.within_1_or_repeat is None


@pytest.mark.parametrize(("frames", "within"), [(1, (1, 1)), (2, (0, 1)), (3, (0, 0))])
def test_frames_are_counted_within_one_and_two(frames, within):
    shift = frames * HOP / RATE
    scores = score_alignment(edit((10, 5)), edit((10, 5 + shift)))
    assert (scores.within_1, scores.within_2) == within


def test_a_wrong_half_counts_half_and_its_border_not_at_all():
    truth, found = edit((5, 0), (5, 20)), edit((5, 0), (5, 40))
    frames = GRID.frames(10 * RATE, sample_rate=RATE)
    cut = 5 * RATE / HOP
    counted = [f for f in range(frames) if abs(f - cut) > 2]
    expected = sum(f < cut for f in counted) / len(counted)
    assert score_alignment(truth, found).within_1 == pytest.approx(expected)


def test_cuts_are_jumps_of_the_list():
    assert cut_times_s(edit((5, 0), (5, 5), (5, 20), (1, None), (5, 25))).tolist() == [10, 15, 16]


def test_cut_f1_by_hand():
    truth = edit((5, 0), (5, 20), (5, 40))  # cuts at 5 and 10
    found = edit((5.04, 0), (3, 20), (2.02, 30), (4.94, 40))  # at 5.04, 8.04 and 10.06
    assert cut_f1(truth, found) == pytest.approx(2 * 1 / (2 + 3))
    assert cut_errors_s(truth, found) == pytest.approx([0.04, 0.06], abs=1e-4)


def test_errors_match_nearest_pairs_one_to_one():
    truth = edit((5, 0), (5, 20), (5, 40))
    found = edit((4.9, 0), (0.08, 50), (10.02, 20))  # 4.9 and 4.98: only one is the cut at 5
    assert cut_errors_s(truth, found) == pytest.approx([0.02], abs=1e-4)


def test_a_rival_of_a_matched_cut_hides_no_later_error():
    truth = edit((5, 0), (5, 20), (5, 40))  # cuts at 5 and 10
    found = edit((4.9, 0), (0.08, 50), (5.32, 20), (4.7, 40))  # at 4.9, 4.98 and 10.3
    assert cut_errors_s(truth, found) == pytest.approx([0.02, 0.3], abs=1e-4)


def test_nothing_to_find_is_found():
    one = edit((5, 0))
    assert cut_f1(one, one) == ops_f1(one, one) == 1
    assert score_alignment(one, one).cut_error_median_ms is None
    assert cut_f1(one, edit((2, 0), (3, 10))) == 0


def test_ops_f1_by_hand():
    truth = edit((5, 10), (5, 30), (5, 2))  # SKIP at 5; LOOP_END and LOOP_START at 10
    found = edit((5, 10), (5, 30), (5, 40))  # SKIP at 5 and at 10
    assert ops_f1(truth, found) == pytest.approx(2 * 1 / (3 + 2))


def test_a_fade_is_an_op():
    truth = edit((5, 10))
    faded = truth.segments[0].model_copy(update={"fade_in": Fade(samples=RATE)})
    assert ops_f1(truth.model_copy(update={"segments": (faded,)}), truth) == 0


def test_no_source_f1_by_hand():
    truth, found = np.array([-1, -1, -1, 4, 5]), np.array([-1, 3, -1, -1, 5])
    assert no_source_f1(truth, found) == pytest.approx(2 * 2 / (3 + 3))
    assert no_source_f1(np.array([1, 2]), np.array([1, 2])) == 1


def test_an_exact_repeat_counts_in_its_own_column(tmp_path):
    rng = np.random.default_rng(0)
    verse = rng.normal(0, 0.1, 6 * RATE)
    raw = np.concatenate([verse, rng.normal(0, 0.1, 4 * RATE), verse])
    soundfile.write(tmp_path / "raw.wav", raw, RATE, subtype="FLOAT")
    truth, found = edit((5, 0.5), raw_s=16), edit((5, 10.5), raw_s=16)
    scores = score_alignment(truth, found, raw=tmp_path / "raw.wav")
    assert scores.within_1 == 0
    assert scores.within_1_or_repeat > 0.99
    wrong = score_alignment(truth, edit((5, 5.5), raw_s=16), raw=tmp_path / "raw.wav")
    assert wrong.within_1_or_repeat < 0.01


def of_takes(run: tuple[float, float], number: int, takes_s: tuple[float, ...]) -> Edit:
    """An edit of one run (length, start) of the take of that number."""
    one = edit(run)
    sources = [edit((1, 0), raw_s=seconds).sources[0] for seconds in takes_s]
    segments = (one.segments[0].model_copy(update={"source": number}),)
    return one.model_copy(update={"sources": tuple(sources), "segments": segments})


def test_a_repeat_may_be_in_another_raw(tmp_path):
    rng = np.random.default_rng(0)
    verse = rng.normal(0, 0.1, 6 * RATE)
    takes = {"1.wav": verse, "2.wav": np.concatenate([rng.normal(0, 0.1, 3 * RATE + 7), verse])}
    for name, sound in takes.items():
        soundfile.write(tmp_path / name, sound, RATE, subtype="FLOAT")
    raws, takes_s = [tmp_path / name for name in takes], (6, 9 + 7 / RATE)
    truth, found = of_takes((5, 0.5), 0, takes_s), of_takes((5, 3.5 + 7 / RATE), 1, takes_s)
    scores = score_alignment(truth, found, raw=raws)
    assert (scores.within_1, score_alignment(truth, truth, raw=raws).within_1) == (0, 1)
    assert scores.within_1_or_repeat > 0.99
    wrong = score_alignment(truth, of_takes((5, 3), 1, takes_s), raw=raws)
    assert wrong.within_1_or_repeat < 0.01
    with pytest.raises(ValueError, match="got 2 and 1 raws"):
        score_alignment(truth, edit((5, 0.5)))


def test_null_test_by_hand(tmp_path):
    rng = np.random.default_rng(1)
    raw = rng.normal(0, 0.1, 10 * RATE).astype(np.float32)
    soundfile.write(tmp_path / "raw.wav", raw, RATE, subtype="FLOAT")
    played = raw[2 * RATE : 7 * RATE]
    truth = edit((5, 2), path=str(tmp_path / "raw.wav"), raw_s=10)
    noise = rng.normal(0, 1, len(played))
    noise *= 0.01 * np.linalg.norm(played) / np.linalg.norm(noise)
    soundfile.write(tmp_path / "edit.wav", played, RATE, subtype="FLOAT")
    assert null_test_db(truth, tmp_path / "edit.wav") == -200
    soundfile.write(tmp_path / "noisy.wav", played + noise, RATE, subtype="FLOAT")
    assert null_test_db(truth, tmp_path / "noisy.wav") == pytest.approx(-40, abs=0.01)
    stereo = np.stack([1.2 * played, 0.8 * played], axis=1)
    soundfile.write(tmp_path / "stereo.wav", stereo, RATE, subtype="FLOAT")
    assert null_test_db(truth, tmp_path / "stereo.wav") < -120


def test_lists_of_different_edits_are_refused():
    with pytest.raises(ValueError, match=r"5\.00 s and 8\.00 s"):
        score_alignment(edit((5, 0)), edit((8, 0)))


def test_rounding_to_whole_numbers_is_no_error(tmp_path):
    rng = np.random.default_rng(5)
    raw, edited = tmp_path / "raw.wav", tmp_path / "edit.wav"
    soundfile.write(raw, rng.uniform(-0.5, 0.5, 8000).astype(np.float32), 8000, subtype="FLOAT")
    sound = soundfile.read(raw)[0] * 10 ** (-3 / 20)
    soundfile.write(edited, np.rint(sound * 2**15) / 2**15, 8000, subtype="PCM_16")
    segment = Segment(out_start=0, out_end=8000, source=0, src_start=0, src_end=8000, gain_db=-3.0)
    found = Edit(sample_rate=8000, samples=8000, sources=(source_of(raw),), segments=(segment,))
    # The steps of 16 bits alone are -88 dB of this sound.
    assert null_test_db(found, edited) < -110
    other = segment.model_copy(update={"gain_db": -3.01})
    assert null_test_db(found.model_copy(update={"segments": (other,)}), edited) > -65
