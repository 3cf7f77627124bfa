"""Beats of a click track, and tracking by several processes at once."""

import os
import subprocess
import sys

import numpy as np
import pytest

from editorbot.audio.beats import beat_grid, count_beats, track_beats
from editorbot.errors import AudioError

RATE = 44100
MEL_RATE, HOP = 22050, 256


def clicks(seconds: float, *, bpm: float) -> np.ndarray:
    """(T,) float32 noise bursts on the beat, every fourth one louder."""
    sound = np.zeros(round(seconds * RATE), np.float32)
    burst = np.random.default_rng(0).normal(0, 1, 800) * np.exp(-np.arange(800) / 200)
    for number, start in enumerate(np.arange(0.5, seconds - 0.1, 60 / bpm)):
        level = 0.5 if number % 4 == 0 else 0.2
        sound[round(start * RATE) :][:800] += (level * burst).astype(np.float32)
    return sound


def test_the_beats_of_a_click_track():
    grid = beat_grid(clicks(20, bpm=120), sample_rate=RATE)
    assert abs(grid.tempo_bpm - 120) < 1
    distance = np.abs((grid.beats / RATE - 0.5 + 0.25) % 0.5 - 0.25)
    assert np.median(distance) < 0.012
    assert np.median(np.abs((grid.bars / RATE - 0.5 + 1) % 2 - 1)) < 0.02


def test_no_pulse_is_said():
    with pytest.raises(AudioError, match="beats were found"):
        beat_grid(np.zeros(RATE * 20, np.float32), sample_rate=RATE)


def test_frames_of_an_envelope():
    envelope = np.zeros(1000, np.float32)
    envelope[10::50] = 1
    frames = track_beats(envelope, sample_rate=22050, hop_length=256)
    assert np.median(np.diff(frames)) == 50


def ticking_mel(*parts: tuple[float, float]) -> np.ndarray:
    """(8, F) mel with an attack on every beat, in parts of so many seconds and beats a minute."""
    frame_s, loud = HOP / MEL_RATE, []
    for seconds, bpm in parts:
        since = np.arange(0, seconds, frame_s) % (60 / bpm)
        loud.append(np.exp(-since / 0.05))
    return np.tile(np.concatenate(loud), (8, 1)).astype(np.float16)


def counted(mel: np.ndarray, *, every: int = 8) -> np.ndarray:
    return count_beats(mel, every=every, sample_rate=MEL_RATE, hop_length=HOP)


def test_beats_are_counted_at_each_tempo_of_a_recording():
    counts = counted(ticking_mel((120, 96), (120, 132)))
    steps_per_s = MEL_RATE / HOP / 8
    for start, bpm in ((20, 96), (150, 132)):
        first, last = (round(s * steps_per_s) for s in (start, start + 60))
        assert counts[last] - counts[first] == pytest.approx(bpm, abs=0.5)
    assert (np.diff(counts) >= 0).all() and counts.dtype == np.float32


@pytest.mark.parametrize("frames", [1, 7, 100, 3000])
def test_where_there_is_no_pulse_nothing_is_counted(frames):
    np.testing.assert_array_equal(
        counted(np.zeros((8, frames), np.float16)), np.zeros(-(-frames // 8))
    )


def test_processes_may_compile_the_tracker_at_once(tmp_path):
    """Without a lock numba's cache ends up mixed, and a later process crashes (numba 10128)."""
    code = (
        "import numpy as np\n"
        "from editorbot.audio.beats import track_beats\n"
        "envelope = np.zeros(1000, np.float32); envelope[::50] = 1\n"
        "assert len(track_beats(envelope, sample_rate=22050, hop_length=256)) > 5\n"
    )
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}

    def start() -> subprocess.Popen:
        return subprocess.Popen([sys.executable, "-c", code], env=environment)

    assert [process.wait() for process in [start() for _ in range(3)]] == [0, 0, 0]
    assert start().wait() == 0
