"""The mel spectrogram: one class for preparation, training and inference.

Slaney mels of the power spectrum of mono sound, centred frames padded with zeros (librosa's
definition: `librosa.feature.melspectrogram`, then `power_to_db(ref=max)`), in dB below the
recording's own maximum, or that of all recordings of a store together, mapped so that the maximum
is 1 and `top_db` below it is 0.
"""

import math
import tempfile
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import numpy as np
import scipy.sparse
import torch
import torchaudio

from editorbot.audio import store
from editorbot.audio.check import CheckedReading
from editorbot.audio.decode import analysis_blocks
from editorbot.audio.parts import of_length, part_lengths, part_spans
from editorbot.audio.resample import downmix_blocks, resample_blocks, resampled_length
from editorbot.params import DecodeParams, MelParams
from editorbot.progress import SHORT_S, track

FRAMES_PER_CHUNK = 4096
"""Frames per chunk of the store: 1 MB in float16."""

_FLOOR = 1e-10  # of power, librosa's `amin`
FRAMES_AT_ONCE = 256
"""Always so many frames are transformed at once, so that a streamed and a whole signal go through
the very same arithmetic, and memory stays small."""


class MelSpectrogram:
    """Mel spectrogram of mono sound at `params.sample_rate`.

    The level is relative to the maximum of the whole recording, so that the first value can be
    given only after the last sample was seen: levels are computed once and wait, in memory
    (`__call__`) or in a temporary file (`normalise_stream`), for the maximum.
    """

    def __init__(self, params: MelParams) -> None:
        self.params = params
        self._window = torch.hann_window(params.n_fft)
        bank = torchaudio.functional.melscale_fbanks(
            n_freqs=params.n_fft // 2 + 1,
            f_min=0,
            f_max=params.sample_rate / 2,
            n_mels=params.n_mels,
            sample_rate=params.sample_rate,
            norm="slaney",
            mel_scale="slaney",
        )
        # (M, n_fft // 2 + 1); at most two filters share a bin, so dense products are mostly zeros.
        self._bank = scipy.sparse.csr_array(bank.numpy().T)

    def frames(self, samples: int) -> int:
        """Number of frames F of so many samples: 1 + T // hop."""
        return 1 + samples // self.params.hop_length

    def __call__(self, audio: np.ndarray | torch.Tensor) -> np.ndarray | torch.Tensor:
        """Compute the mel spectrogram (M, F) in [0, 1] of `audio` (T,).

        Returns float32, a tensor for a tensor and an array for an array.
        """
        samples = np.asarray(audio, dtype=np.float32)
        if samples.ndim != 1:
            raise ValueError(f"expected mono sound (T,), got {samples.shape}")
        levels = np.concatenate(list(self.levels([samples])), axis=1)
        mel = self.normalise(levels, maximum_db=float(levels.max()))
        return torch.from_numpy(mel) if isinstance(audio, torch.Tensor) else mel

    def normalise_stream(
        self, levels: Iterable[np.ndarray], *, maximum_db: float | None = None
    ) -> Iterator[np.ndarray]:
        """Map a stream of levels in dB to [0, 1], by its own maximum if none is given.

        Of the levels of a whole signal this yields the same, to the bit, as `__call__`, in parts
        and in constant memory.

        Args:
            levels: (..., M, F) float32 of any F, such as `levels` yields.
            maximum_db: Level that becomes 1.
        """
        # dB as float32: three hours take 480 MB, on disk.
        with tempfile.TemporaryFile() as waiting:
            highest, leading = -np.inf, ()
            for part in levels:
                highest, leading = max(highest, float(part.max())), part.shape[:-1]
                waiting.write(np.moveaxis(part, -1, 0).tobytes())
            waiting.seek(0)
            maximum_db = highest if maximum_db is None else maximum_db
            chunk_bytes = 4 * math.prod(leading) * FRAMES_PER_CHUNK
            while data := waiting.read(chunk_bytes):
                frames_first = np.frombuffer(data, np.float32).reshape(-1, *leading)
                yield self.normalise(np.moveaxis(frames_first, 0, -1), maximum_db=maximum_db)

    def levels(self, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Yield the level in dB (M, F) of a stream, relative to full scale, in small parts."""
        n_fft, hop = self.params.n_fft, self.params.hop_length
        advance = FRAMES_AT_ONCE * hop
        enough = advance + max(0, n_fft - hop)
        edge = np.zeros(n_fft // 2, np.float32)
        samples, waiting, done = 0, [edge], 0
        length = len(edge)
        for block in blocks:
            block = np.asarray(block, np.float32).reshape(-1)
            samples += len(block)
            waiting.append(block)
            length += len(block)
            if length < enough:
                continue
            signal = np.concatenate(waiting)
            start = 0
            while len(signal) - start >= enough:
                yield self._level(signal[start : start + enough])
                start, done = start + advance, done + FRAMES_AT_ONCE
            waiting, length = [signal[start:]], length - start
        left = self.frames(samples) - done
        signal = np.concatenate([*waiting, edge])
        for start in range(0, left * hop, advance):
            count = min(FRAMES_AT_ONCE, left - start // hop)
            yield self._level(signal[start : start + (count - 1) * hop + n_fft])

    def normalise(self, levels: np.ndarray, *, maximum_db: float) -> np.ndarray:
        """Map levels in dB to [0, 1]: `maximum_db` to 1, `top_db` below it to 0.

        A recording without any sound is 0 throughout, where librosa would make it 1.
        """
        top_db = np.float32(self.params.top_db)
        if maximum_db <= 10 * np.log10(_FLOOR):
            return np.zeros_like(levels)
        return np.clip((levels - np.float32(maximum_db) + top_db) / top_db, 0, 1)

    def _level(self, signal: np.ndarray) -> np.ndarray:
        spectrum = torch.stft(
            torch.from_numpy(np.ascontiguousarray(signal)),
            self.params.n_fft,
            self.params.hop_length,
            window=self._window,
            center=False,  # padding is done once for the whole stream
            return_complex=True,
        )
        # abs() takes a root that the power undoes: 4 times slower.
        power = spectrum.real.square().addcmul_(spectrum.imag, spectrum.imag)
        mels = self._bank @ power.numpy()
        return 10 * np.log10(np.maximum(mels, np.float32(_FLOOR)))


def mel_store(decoded: Path | str, output: Path | str, *, params: MelParams) -> None:
    """Store the mel spectrogram of a decoded copy, in constant memory.

    The store's array is "mel", (M, F) float16, with the attributes `sample_rate`, `hop_length`,
    `n_fft` and `sources`. Each source has its own frames, one source's after the other's, and 1 is
    the maximum over all of them.

    Args:
        decoded: What `editorbot.audio.decode.decode` wrote.
        output: The store, `*.zarr.zip`.
        params: Of the mel spectrogram.

    Raises:
        EditorbotError: `decoded` cannot be read or `output` not be written.
    """
    audio = store.open_array(decoded, "audio")
    sources, rate = audio.attrs["sources"], audio.attrs["sample_rate"]
    mel = MelSpectrogram(params)
    lengths = part_lengths(sources, sample_rate=params.sample_rate)
    spans = part_spans(sources, sample_rate=rate)
    levels = chain.from_iterable(
        mel.levels(of_length(_mono(audio, span, params), length))
        for span, length in zip(spans, lengths, strict=True)
    )
    total = count_parts(mel, lengths)
    with store.create(
        output,
        name="mel",
        shape=(params.n_mels, sum(map(mel.frames, lengths))),
        dtype=np.float16,
        chunks=(params.n_mels, FRAMES_PER_CHUNK),
        attrs={**frame_attrs(params), "sources": sources},
    ) as writer:
        tracked = track(levels, "Computing mels", total=total, after_s=SHORT_S)
        for part in mel.normalise_stream(tracked):
            writer.append(part)


def count_parts(mel: MelSpectrogram, lengths: Iterable[int]) -> int:
    """How many parts `MelSpectrogram.levels` yields for streams of so many samples together."""
    return sum(math.ceil(mel.frames(samples) / FRAMES_AT_ONCE) for samples in lengths)


def _mono(audio, span: tuple[int, int], params: MelParams) -> Iterator[np.ndarray]:
    start, stop = span
    return mono_blocks(
        store.array_blocks(audio, start=start, stop=stop),
        source_rate=audio.attrs["sample_rate"],
        channels=audio.shape[0],
        params=params,
    )


def frame_attrs(params: MelParams) -> dict[str, int]:
    """What a store of mel spectrograms says about its frames."""
    return {
        "sample_rate": params.sample_rate,
        "hop_length": params.hop_length,
        "n_fft": params.n_fft,
    }


def mel_of_file(path: Path | str, *, decode: DecodeParams, params: MelParams) -> np.ndarray:
    """Compute the mel spectrogram (M, F) float32 of a sound file without storing anything.

    The same, but for the rounding to float16, as `mel_store` of the file's decoded copy.

    Raises:
        AudioError: As `editorbot.audio.check.check`.
    """
    with CheckedReading(path) as reading:
        kept = {"sample_rate": decode.sample_rate, "channels": decode.channels}
        blocks = mono_blocks(
            analysis_blocks(reading, **kept),
            source_rate=decode.sample_rate,
            channels=min(decode.channels, reading.channels),
            params=params,
        )
        mono = np.concatenate(list(blocks), axis=1)
        rates = {"source_rate": reading.sample_rate, "target_rate": params.sample_rate}
        samples = resampled_length(reading.info().samples, **rates)
    return MelSpectrogram(params)(np.concatenate([*of_length([mono], samples)], axis=1)[0])


def mono_blocks(
    blocks: Iterable[np.ndarray], *, source_rate: int, channels: int, params: MelParams
) -> Iterator[np.ndarray]:
    """Turn a stream of (C, T) at `source_rate` into (1, T) at the rate of the mel spectrogram."""
    mono = downmix_blocks(blocks, source_channels=channels, channels=1)
    return resample_blocks(
        mono, source_rate=source_rate, target_rate=params.sample_rate, channels=1
    )
