"""Time-stretching that streams: a phase vocoder with identity phase locking.

`librosa.effects.time_stretch` needs the whole signal in memory, turns the phases of each channel
on their own, which moves the stereo image, and loops over all frames to do so. Here frames are made
one after the other from any part of a recording, and one rotation serves all channels.
Source: Laroche and Dolson, Improved phase vocoder time-scale modification of audio (1999).
"""

from collections.abc import Callable

import numpy as np

# Four-fold overlap, at which squared Hann windows sum to 3/2.
OVERLAP = 4
WINDOW_POWER = 1.5
FRAMES_AT_ONCE = 32


class Stretcher:
    """Plays a recording at `speed` source samples per output sample, pitch kept.

    Output sample `t` sounds like source sample `t * speed`. Reads must go forward: the phase of
    each frame follows from the frame before it.

    Args:
        read: `read(start, stop)` gives source samples (C, stop - start) float32; positions
            outside the recording give zeros.
        speed: Source samples per output sample.
        start: First output sample that will be read.
        n_fft: Frame length in samples; 43 ms at 48 kHz by default.
    """

    def __init__(
        self,
        read: Callable[[int, int], np.ndarray],
        *,
        speed: float,
        start: int = 0,
        n_fft: int = 2048,
    ):
        self._source, self._speed, self._n_fft = read, speed, n_fft
        self._hop = n_fft // OVERLAP
        self._window = np.hanning(n_fft + 1)[:-1]
        # Frame j is centred on output sample j * hop; this is the first that reaches `start`.
        self._frame = (start - n_fft // 2) // self._hop
        self._ready = self._frame * self._hop - n_fft // 2
        self._sum: np.ndarray | None = None
        self._synthesis_phase: np.ndarray | None = None

    def read(self, start: int, stop: int) -> np.ndarray:
        """Output samples (C, stop - start) float32."""
        # Sample t is complete once all frames centred up to t + n_fft / 2 are added.
        while self._frame * self._hop - self._n_fft // 2 < stop:
            self._add_frames()
        played = self._sum[:, start - self._ready : stop - self._ready].copy()
        # Crossfades never read backwards, so what lies before `start` is done with.
        self._sum, self._ready = self._sum[:, start - self._ready :], start
        return played

    def _add_frames(self) -> None:
        numbers = range(self._frame, self._frame + FRAMES_AT_ONCE)
        lefts = [round(j * self._hop * self._speed) - self._n_fft // 2 for j in numbers]
        begin = lefts[0] - self._hop
        samples = self._source(begin, lefts[-1] + self._n_fft)
        windows = np.lib.stride_tricks.sliding_window_view(samples, self._n_fft, axis=1)
        at = np.array(lefts) - begin
        now = np.fft.rfft(windows[:, at] * self._window)
        before = np.fft.rfft(windows[:, at - self._hop] * self._window)
        turns = self._turns(before.sum(axis=0), now.sum(axis=0))
        frames = np.fft.irfft(now * np.exp(1j * turns)) * (self._window / WINDOW_POWER)
        self._overlap_add(frames.astype(np.float32))

    def _turns(self, before: np.ndarray, now: np.ndarray) -> np.ndarray:
        """Angles (frames, bins) by which to turn each frame's spectrum.

        Each partial then goes on from where the last output frame left it: its phase advances as
        it does in the recording from `before`, one hop earlier, to `now`.
        """
        phases, advances = np.angle(now), np.angle(now) - np.angle(before)
        turns = np.zeros_like(phases)
        for index, (phase, advance) in enumerate(zip(phases, advances, strict=True)):
            if self._synthesis_phase is not None:
                carried = self._synthesis_phase + advance - phase
                turns[index] = carried[_nearest_peak(np.abs(now[index]))]
            self._synthesis_phase = phase + turns[index]
        return turns

    def _overlap_add(self, frames: np.ndarray) -> None:
        """Add frames (C, frames, n_fft), a hop apart, to what is already summed."""
        at = self._frame * self._hop - self._n_fft // 2 - self._ready
        if self._sum is None:
            self._sum = np.zeros((len(frames), 0), np.float32)
        missing = at + (FRAMES_AT_ONCE - 1) * self._hop + self._n_fft - self._sum.shape[1]
        growth = np.zeros((len(frames), max(0, missing)), np.float32)
        self._sum = np.concatenate([self._sum, growth], axis=1)
        for index in range(FRAMES_AT_ONCE):
            first = max(0, -at)
            self._sum[:, at + first : at + self._n_fft] += frames[:, index, first:]
            at += self._hop
        self._frame += FRAMES_AT_ONCE


def _nearest_peak(magnitude: np.ndarray) -> np.ndarray:
    """For each bin the index of the spectral peak whose region it belongs to."""
    inner = magnitude[2:-2]
    is_peak = (
        (inner > magnitude[1:-3])
        & (inner >= magnitude[3:-1])
        & (inner > magnitude[:-4])
        & (inner >= magnitude[4:])
    )
    peaks = np.flatnonzero(is_peak) + 2
    if len(peaks) == 0:
        return np.arange(len(magnitude))
    borders = (peaks[1:] + peaks[:-1]) / 2
    return peaks[np.searchsorted(borders, np.arange(len(magnitude)))]


def stretch(audio: np.ndarray, *, speed: float) -> np.ndarray:
    """Stretch a whole signal (C, T) to (C, round(T / speed)) float32, pitch kept."""

    def read(start: int, stop: int) -> np.ndarray:
        result = np.zeros((len(audio), stop - start), np.float32)
        low, high = max(0, start), min(audio.shape[1], stop)
        if low < high:
            result[:, low - start : high - start] = audio[:, low:high]
        return result

    return Stretcher(read, speed=speed).read(0, round(audio.shape[1] / speed))
