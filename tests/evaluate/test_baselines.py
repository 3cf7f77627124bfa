"""Trivial edits against what their rules say of a recording made for the purpose."""

import logging
from typing import get_args

import numpy as np
import pytest
from small_edits import source

from editorbot.audio.mel import MelSpectrogram
from editorbot.corpus.simulation.plan import Junk
from editorbot.edl.frames import FrameGrid
from editorbot.edl.model import Edit
from editorbot.edl.spans import edit_of_spans
from editorbot.evaluate import baselines
from editorbot.evaluate.metrics import CauseSpan
from editorbot.evaluate.playback import kept_steps
from editorbot.params import MelParams

RATE = 1000


def spans(edit: Edit) -> list[tuple[float, float]]:
    rate = edit.sources[0].sample_rate
    return [(s.src_start / rate, s.src_end / rate) for s in edit.segments]


def levels(*loudness: tuple[float, float], blocks: int = 1):
    """Levels of stereo sound, (seconds, amplitude) one after the other, read in some blocks."""
    mono = np.concatenate([np.full(round(s * RATE), a) for s, a in loudness])
    sound = np.stack([mono, mono / 2]).astype(np.float32)
    return baselines.measure_levels(np.array_split(sound, blocks, axis=1), sample_rate=RATE)


def test_levels_by_hand():
    found = levels((0.02, 0.5), (0.01, 1.0), (0.005, 0.2))
    assert found.hop_s == 0.01
    np.testing.assert_allclose(found.peak, [0.5, 0.5, 1.0, 0.2], rtol=1e-6)
    # The two channels have amplitudes a and a / 2; half of the last frame is filled up.
    np.testing.assert_allclose(found.power, np.array([0.25, 0.25, 1, 0.02]) * 0.625, rtol=1e-6)


@pytest.mark.parametrize("blocks", [2, 7, 30])
def test_levels_do_not_depend_on_the_blocks(blocks):
    whole, cut = (levels((0.5, 0.5), (0.305, 1.0), blocks=n) for n in (1, blocks))
    np.testing.assert_array_equal(whole.peak, cut.peak)
    np.testing.assert_allclose(whole.power, cut.power)


def test_keep_all_and_keep_first():
    raw = (source(10),)
    assert spans(baselines.keep_all(raw)) == [(0, 10)]
    assert spans(baselines.keep_first(raw, length_s=4.5)) == [(0, 4.5)]
    assert spans(baselines.keep_first(raw, length_s=40)) == [(0, 10)]


def test_loudest_beats_up_to_the_share():
    sound = levels((2, 0.1), (2, 0.5), (2, 0.3), (2, 0.9), (2, 0.2))
    beats = np.arange(1.0, 10.0)
    for share, expected in [
        (0.2, [(6, 8)]),
        (0.4, [(2, 4), (6, 8)]),
        (0.6, [(2, 8)]),
        (1.0, [(0, 10)]),
    ]:
        edit = baselines.loudest_beats((source(10),), sound, beat_times_s=beats, kept_share=share)
        assert spans(edit) == expected
        assert kept_steps(edit).mean() == pytest.approx(share)


def test_loudness_is_cut_with_margins_and_short_gaps_stay():
    # 28 dB below 1.0 is 0.04: 0.05 is loud, 0.03 is not.
    sound = levels((2, 0.0), (1, 1.0), (0.3, 0.0), (1, 0.05), (2, 0.03), (1, 0.5))
    edit = baselines.loudness_threshold((source(7.3),), sound)
    np.testing.assert_allclose(spans(edit), [(1.8, 4.5), (6.1, 7.3)])
    strict = baselines.loudness_threshold((source(7.3),), sound, silence_db=-10, margin_s=0)
    np.testing.assert_allclose(spans(strict), [(2, 3), (6.3, 7.3)])


def test_a_quiet_recording_is_cut_like_a_loud_one():
    loud, quiet = (levels((2, 0.0), (1, a), (2, a / 100)) for a in (1.0, 0.001))
    assert baselines.loudness_threshold((source(5),), loud) == baselines.loudness_threshold(
        (source(5),), quiet
    )


def test_the_oracle_drops_junk_and_nothing_else():
    causes = [
        CauseSpan(8, 10, "talk"),
        CauseSpan(0, 2, "tuning"),
        CauseSpan(1, 3, "dead_air"),
        CauseSpan(5, 6, "vamp"),
    ]
    assert spans(baselines.junk_oracle((source(10),), causes)) == [(3, 8)]
    assert spans(baselines.junk_oracle((source(10),), causes[3:])) == [(0, 10)]


def test_junk_is_what_the_simulation_calls_junk():
    assert set(get_args(Junk)) == baselines.JUNK


def test_spans_are_joined_and_kept_inside_the_source():
    assert spans(edit_of_spans([(-1, 2), (2, 3), (1, 2), (9, 12)], (source(10),))) == [
        (0, 3),
        (1, 2),
        (9, 10),
    ]
    with pytest.raises(ValueError, match=r"raw\.wav, got none"):
        edit_of_spans([(3, 3), (11, 12)], (source(10),))


def test_several_raws_are_edited_as_one():
    raws = (source(4, name="a"), source(2, sample_rate=2000, name="b"), source(4, name="c"))

    def played(edit):
        rates = [raw.sample_rate for raw in raws]
        return [
            (s.source, s.src_start / rates[s.source], s.src_end / rates[s.source])
            for s in edit.segments
        ]

    whole = baselines.keep_all(raws)
    assert played(whole) == [(0, 0, 4), (1, 0, 2), (2, 0, 4)]
    assert (whole.samples, whole.sample_rate) == (10 * RATE, RATE)
    assert kept_steps(whole).all()
    assert played(baselines.keep_first(raws, length_s=5)) == [(0, 0, 4), (1, 0, 1)]
    sound = levels((3, 0.1), (2, 0.5), (5, 0.2))
    beats = np.arange(1.0, 10.0)
    edit = baselines.loudest_beats(raws, sound, beat_times_s=beats, kept_share=0.2)
    assert played(edit) == [(0, 3, 4), (1, 0, 1)]
    strict = baselines.loudness_threshold(raws, sound, silence_db=-6, margin_s=0)
    assert played(strict) == [(0, 3, 4), (1, 0, 1)]
    oracle = baselines.junk_oracle(raws, [CauseSpan(3.5, 7, "talk")])
    assert played(oracle) == [(0, 0, 3.5), (2, 1, 4)]


def test_beats_of_a_click_track():
    clicks = np.zeros(22050 * 12, np.float32)
    clicks[4410 :: 22050 // 2] = 1.0
    mel = MelSpectrogram(MelParams())(clicks)
    times_s = FrameGrid(22050, 256).times(mel.shape[1])
    beats = baselines.beat_times_s(np.asarray(mel), times_s, sample_rate=22050, hop_length=256)
    assert len(beats) == pytest.approx(24, abs=1)
    # The clicks are at 0.2, 0.7, ... 11.7 s; beats beyond the last are made up by the tracker.
    heard = beats[beats < 11.5]
    np.testing.assert_allclose((heard - 0.2 + 0.25) % 0.5, 0.25, atol=0.05)


def test_without_a_pulse_each_half_second_is_a_beat_and_the_log_says_so(caplog):
    with caplog.at_level(logging.WARNING):
        beats = baselines.beat_times_s(
            np.full((16, 500), 0.3, np.float16),
            np.arange(500) / 100,
            sample_rate=10_000,
            hop_length=100,
        )
    np.testing.assert_allclose(beats, np.arange(0, 5, 0.5))
    assert "no pulse" in caplog.text
