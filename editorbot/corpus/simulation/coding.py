"""Lossy coding and back, in memory, with time kept in place."""

import io as memory

import numpy as np
import soundfile
from scipy.signal import correlate

# libvorbis keeps a block on the stack: long ones crash it.
BLOCK_SAMPLES = 2**14
MP3_SAMPLE_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
# Decoders put up to 2,257 samples of padding before an mp3 where its header does not tell.
MAX_PADDING = 4096


def lossy_round_trip(
    audio: np.ndarray, *, sample_rate: int, codec: str, compression_level: float
) -> np.ndarray:
    """Code (C, T) float32 as "ogg" or "mp3" and decode it: the same shape, the same timing.

    `compression_level` is libsndfile's: 0 least to 1 most. Mp3 takes up to two channels at its
    own rates; other sound is coded as ogg.
    """
    mp3 = codec == "mp3" and len(audio) <= 2 and sample_rate in MP3_SAMPLE_RATES
    form = {"format": "MP3"} if mp3 else {"format": "OGG", "subtype": "VORBIS"}
    file = memory.BytesIO()
    with soundfile.SoundFile(
        file, "w", sample_rate, len(audio), compression_level=compression_level, **form
    ) as coder:
        for start in range(0, audio.shape[1], BLOCK_SAMPLES):
            coder.write(np.ascontiguousarray(audio[:, start : start + BLOCK_SAMPLES].T))
    file.seek(0)
    decoded = soundfile.read(file, dtype="float32", always_2d=True)[0].T
    late = _lateness(decoded, audio)
    decoded = decoded[:, late:] if late >= 0 else np.pad(decoded, ((0, 0), (-late, 0)))
    missing = max(0, audio.shape[1] - decoded.shape[1])
    return np.pad(decoded, ((0, 0), (0, missing)))[:, : audio.shape[1]]


def _lateness(decoded: np.ndarray, audio: np.ndarray) -> int:
    """By how many samples `decoded` comes later than `audio`, from their loudest 2**17 samples."""
    mono, other = audio.mean(axis=0), decoded.mean(axis=0)
    length = min(2**17, len(mono) - 2 * MAX_PADDING, len(other) - 2 * MAX_PADDING)
    energy = np.convolve(mono[:: 2**10] ** 2, np.ones(max(1, length >> 10)), "valid")
    start = min(int(np.argmax(energy)) << 10, len(mono) - MAX_PADDING - length)
    start = max(MAX_PADDING, start)
    around = other[start - MAX_PADDING : start + length + MAX_PADDING]
    return int(np.argmax(correlate(around, mono[start : start + length], "valid"))) - MAX_PADDING
