"""Beats and bars of a recording."""

from dataclasses import dataclass

import numpy as np

from editorbot.errors import AudioError

# A hop of 11.6 ms, half of librosa's default, so that beats fall within 6 ms of their place.
BEAT_SAMPLE_RATE = 22_050
HOP_LENGTH = 256
# By how much tracked beats come after clicks, measured on click tracks.
LATENESS_S = 0.018
MIN_BEATS = 8


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


def beat_grid(mono: np.ndarray, *, sample_rate: int, beats_per_bar: int = 4) -> BeatGrid:
    """Track beats with `librosa.beat.beat_track` (Ellis 2007) and choose where bars begin.

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
    _, frames = librosa.beat.beat_track(
        onset_envelope=envelope, sr=BEAT_SAMPLE_RATE, hop_length=HOP_LENGTH, trim=False
    )
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
