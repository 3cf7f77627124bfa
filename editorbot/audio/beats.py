"""Beats and bars of a recording."""

import getpass
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from filelock import FileLock

from editorbot.errors import AudioError

# A hop of 11.6 ms, half of librosa's default, so that beats fall within 6 ms of their place.
BEAT_SAMPLE_RATE = 22_050
HOP_LENGTH = 256
# By how much tracked beats come after clicks, measured on click tracks.
LATENESS_S = 0.018
MIN_BEATS = 8
PART_S = 120.0


@dataclass(frozen=True)
class BeatGrid:
    """Musical time of a recording, in samples at `sample_rate` Hz.

    `beats` are the beat positions, rising; `bars` the positions of the first beat of each bar;
    `tempo_bpm` the median tempo.
    """

    sample_rate: int
    beats: np.ndarray
    bars: np.ndarray
    tempo_bpm: float


def track_beats(envelope: np.ndarray, *, sample_rate: int, hop_length: int) -> np.ndarray:
    """(K,) int64 frames of the beats in an onset envelope (F,), by `librosa.beat.beat_track`.

    The method is Ellis's (2007, "Beat tracking by dynamic programming").
    """
    import librosa

    _compile_tracker()
    _, frames = librosa.beat.beat_track(
        onset_envelope=envelope, sr=sample_rate, hop_length=hop_length, trim=False
    )
    return frames


def beats_in_mel(mel: np.ndarray, *, sample_rate: int, hop_length: int) -> np.ndarray:
    """(K,) int64 frames of the beats in a prepared (M, F) mel in [0, 1].

    Two minutes or so are tracked at a time: a recording may hold several tempos, and the tracker's
    memory grows with what it is given.
    """
    import librosa

    parts = max(1, round(mel.shape[1] * hop_length / sample_rate / PART_S))
    found, start = [], 0
    for part in np.array_split(mel, parts, axis=1):
        # The tracker compares rises in dB; 80 dB is the mel's usual range, and scale is all it
        # does.
        decibels = part.astype(np.float32) * 80.0
        strength = librosa.onset.onset_strength(S=decibels, sr=sample_rate, hop_length=hop_length)
        frames = track_beats(strength, sample_rate=sample_rate, hop_length=hop_length)
        found.append(start + frames)
        start += part.shape[1]
    return np.concatenate(found)


def count_beats(mel: np.ndarray, *, every: int, sample_rate: int, hop_length: int) -> np.ndarray:
    """(F / every,) float32 beats before every so many frames of an (M, F) mel, with fractions.

    Constant before the first beat and after the last, and where there is no pulse at all.
    """
    beats = beats_in_mel(mel, sample_rate=sample_rate, hop_length=hop_length)
    places = np.arange(0, mel.shape[1], every)
    if len(beats) == 0:
        return np.zeros(len(places), np.float32)
    return np.interp(places, beats, np.arange(len(beats))).astype(np.float32)


@cache
def _compile_tracker() -> None:
    """Have numba compile librosa's functions, or load them, while no other process does.

    Two processes that fill numba's cache at once leave there what crashes whoever loads it
    (numba issue 10128).
    """
    import librosa

    clicks = np.zeros(1000, np.float32)
    clicks[::50] = 1
    lock = Path(tempfile.gettempdir()) / f"editorbot-numba-{getpass.getuser()}.lock"
    with FileLock(lock):
        librosa.beat.beat_track(onset_envelope=clicks, sr=BEAT_SAMPLE_RATE, hop_length=HOP_LENGTH)


def beat_grid(mono: np.ndarray, *, sample_rate: int, beats_per_bar: int = 4) -> BeatGrid:
    """Track beats and choose where bars begin.

    A bar begins at that one of its `beats_per_bar` phases whose beats are accented most, which
    finds the bar line of much popular music and a steady grid in any.

    Args:
        mono: (T,) float32.
        sample_rate: Of `mono`, in Hz.
        beats_per_bar: Beats from one bar line to the next.

    Raises:
        AudioError: Fewer than 8 beats are found (too short, too quiet, or without pulse).
    """
    import librosa
    import soxr

    signal = soxr.resample(mono, sample_rate, BEAT_SAMPLE_RATE, quality="MQ")
    envelope = librosa.onset.onset_strength(y=signal, sr=BEAT_SAMPLE_RATE, hop_length=HOP_LENGTH)
    frames = track_beats(envelope, sample_rate=BEAT_SAMPLE_RATE, hop_length=HOP_LENGTH)
    if len(frames) < MIN_BEATS:
        raise AudioError(
            f"only {len(frames)} beats were found in {len(mono) / sample_rate:.1f} s of sound, "
            f"expected at least {MIN_BEATS}: give longer music with a pulse."
        )
    beats = frames * (HOP_LENGTH / BEAT_SAMPLE_RATE) - LATENESS_S
    beats = np.maximum(0, np.round(beats * sample_rate)).astype(np.int64)
    # Loudness tells bar lines better than the onset envelope, which is logarithmic and saturates.
    loudness = librosa.feature.rms(y=signal, hop_length=HOP_LENGTH)[0]
    rise = np.maximum(0, np.diff(loudness, prepend=0))
    accent = np.max([np.roll(rise, shift)[frames] for shift in range(-4, 5)], axis=0)
    strength = [accent[phase::beats_per_bar].mean() for phase in range(beats_per_bar)]
    return BeatGrid(
        sample_rate=sample_rate,
        beats=beats,
        bars=beats[int(np.argmax(strength)) :: beats_per_bar],
        tempo_bpm=60.0 * sample_rate / float(np.median(np.diff(beats))),
    )
