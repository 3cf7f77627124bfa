"""Beats and bars of a recording."""

from dataclasses import dataclass

import numpy as np

from editorbot.errors import AudioError

# Beat tracking looks at onsets below 5.5 kHz only, and a frame of 512 samples is 46 ms at this
# rate before interpolation by the tracker's own tempo grid; half of it places beats well enough.
BEAT_SAMPLE_RATE = 22_050
HOP_LENGTH = 256
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

    A bar begins at that one of its `beats_per_bar` phases whose beats carry the most onset
    strength, which finds the bar line of most popular music and a steady grid in any.

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
    strength = [envelope[frames[phase::beats_per_bar]].mean() for phase in range(beats_per_bar)]
    beats = np.round(frames * (HOP_LENGTH * sample_rate / BEAT_SAMPLE_RATE)).astype(np.int64)
    return BeatGrid(
        sample_rate=sample_rate,
        beats=beats,
        bars=beats[int(np.argmax(strength)) :: beats_per_bar],
        tempo_bpm=60.0 * sample_rate / float(np.median(np.diff(beats))),
    )
