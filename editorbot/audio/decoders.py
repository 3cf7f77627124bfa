"""Open any sound file by its content and decode it in blocks, in constant memory.

libsndfile reads wav, aiff, flac, ogg, opus and mp3; FFmpeg (PyAV) what it does not know, such as
m4a and video containers. A reading that starts in the middle gives the very samples that reading
from the beginning gives, which decides how each format is sought (found by trial, libsndfile
1.2.2):

- wav, aiff, flac: seeking is exact;
- ogg: the first block after a seek is wrong in one of 30 places, and opus needs some samples to
  settle, so decoding begins `_OGG_PREROLL` earlier;
- mp3: seeking misses the bit reservoir, and with a long way to settle some rates still differ in
  the last bit; decoded from the beginning (1,200 times real time on one core);
- PyAV's: AAC's noise depends on what was decoded before; from the beginning, too.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

import av
import numpy as np
import soundfile

from editorbot.errors import AudioError

Dtype = Literal["float32", "float64"]

_OGG_PREROLL = 2**16
_MOST_SAMPLES = 2**48  # libsndfile says 2**63 - 1 where a header leaves the length open
# No playlists, image sequences or devices: a file may not make FFmpeg open another one.
_CONTAINERS = (
    "mov,matroska,webm,mp4,m4a,avi,flv,asf,mpegts,mpeg,aac,ac3,eac3,amr,ape,caf,dsf,flac,mp3,ogg,"
    "tta,w64,wav,wv"
)
_FFMPEG_FRAME = 2**14  # samples handed over at once: AAC's own 1,024 cost more time than decoding


@dataclass(frozen=True)
class AudioInfo:
    """A sound file as decoding yields it."""

    path: Path
    sample_rate: int
    """Hz."""
    channels: int
    samples: int
    """Per channel, as many as decoding really yields."""
    format: str
    """Container by libsndfile's names ("WAV", "FLAC", "OGG"), else FFmpeg's ("mov,mp4,...")."""
    subtype: str
    """Coding by libsndfile's names ("PCM_16", "FLOAT", "VORBIS"), else FFmpeg's ("aac")."""

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return self.samples / self.sample_rate


class _UnsoughtFile(soundfile.SoundFile):
    """soundfile seeks to where it already is after each read of a seekable file.

    libsndfile's mp3 decoder loses its bit reservoir by that: wrong samples in most blocks.
    """

    def seekable(self) -> bool:
        return False


class SoundfileDecoder:
    """What libsndfile reads."""

    def __init__(self, path: Path) -> None:
        # By descriptor, for by name libsndfile guesses headerless formats from the suffix.
        self._descriptor = os.open(path, os.O_RDONLY)
        try:
            self._file = _UnsoughtFile(self._descriptor, closefd=False)
        except BaseException:
            os.close(self._descriptor)
            raise
        self.path = path
        self.sample_rate: int = self._file.samplerate
        self.channels: int = self._file.channels
        self.format: str = "WAV" if self._file.format == "WAVEX" else self._file.format
        self.subtype: str = self._file.subtype
        self.header_samples: int = self._file.frames
        """What the header says; may be an estimate for mp3."""

    @property
    def samples(self) -> int | None:
        """Length if it is known without decoding."""
        return None if self.format == "MP3" else self.header_samples

    def blocks(self, start: int, *, block_samples: int, dtype: Dtype) -> Iterator[np.ndarray]:
        """Yield (C, T) from sample `start` to the end."""
        position = length = 0
        try:
            position = self._seek(start)
            while True:
                length = min(block_samples, start - position) if position < start else block_samples
                block = self._file.read(length, dtype=dtype, always_2d=True)
                position += len(block)
                if not len(block):
                    return
                if position > start:
                    yield np.ascontiguousarray(block.T)
        except soundfile.LibsndfileError as error:
            # libsndfile keeps what it could decode of the block to itself.
            raise _damaged(self.path, (position + length) / self.sample_rate) from error

    def _seek(self, start: int) -> int:
        if self.format == "MP3" or start == 0:
            return 0
        preroll = _OGG_PREROLL if self.format == "OGG" else 0
        return self._file.seek(max(0, min(start, self.header_samples) - preroll))

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class ContainerDecoder:
    """What FFmpeg reads: the first audio stream of a container."""

    samples = None  # headers round the length, and count padding or not

    def __init__(self, path: Path) -> None:
        options = {"protocol_whitelist": "file", "format_whitelist": _CONTAINERS}
        # "file:" keeps a colon in a name from being read as a protocol.
        self._container = av.open(f"file:{path}", options=options, metadata_errors="replace")
        self.path = path
        if not self._container.streams.audio:
            self._container.close()
            raise AudioError(f"{path} holds no sound: expected a sound file or a video with sound")
        self._stream = self._container.streams.audio[0]
        # The index of a file that is cut off may name a stream and not say how it is coded.
        coding = self._stream.codec_context
        if coding is None or not (coding.rate and coding.channels):
            self._container.close()
            raise not_audio(path)
        self.sample_rate: int = coding.rate
        self.channels: int = coding.channels
        self.format: str = self._container.format.name
        self.subtype: str = coding.name
        self.header_samples = self._header_samples()
        """What the header says, to some hundred samples; None where it does not."""

    def _header_samples(self) -> int | None:
        if self._stream.duration is not None:
            return round(self._stream.duration * self._stream.time_base * self.sample_rate)
        # A film may outlast its sound.
        if self._container.duration is None or len(self._container.streams) > 1:
            return None
        return round(self._container.duration / av.time_base * self.sample_rate)

    def blocks(self, start: int, *, block_samples: int, dtype: Dtype) -> Iterator[np.ndarray]:
        """Yield (C, T) from sample `start` to the end."""
        for block in _in_blocks(_from(start, self._packed()), block_samples):
            yield np.ascontiguousarray(block.T, dtype=dtype)

    def _packed(self) -> Iterator[np.ndarray]:
        """Decode frames to (T, C); packed, since planar frames of 8 channels crash PyAV."""
        resampler, position = None, 0
        try:
            for frame in self._container.decode(self._stream):
                if resampler is None:
                    resampler = av.AudioResampler(
                        format="flt",
                        layout=frame.layout,
                        rate=frame.sample_rate,
                        frame_size=_FFMPEG_FRAME,
                    )
                position += frame.samples
                for packed in resampler.resample(frame):
                    yield packed.to_ndarray().reshape(-1, self.channels)
            for packed in resampler.resample(None) if resampler else ():
                yield packed.to_ndarray().reshape(-1, self.channels)
        except (av.FFmpegError, ValueError) as error:
            if not position:
                raise not_audio(self.path) from error
            raise _damaged(self.path, position / self.sample_rate) from error

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_decoder(path: Path | str) -> SoundfileDecoder | ContainerDecoder:
    """Open a sound file by its content; close the decoder, or use it as a context manager.

    Raises:
        AudioError: The file is missing, a folder, empty, not readable, or not sound.
    """
    path = Path(path)
    if path.is_dir():
        raise AudioError(f"{path} is a folder: expected a sound file")
    problem = not_audio
    try:
        if not path.stat().st_size:
            raise AudioError(f"{path} is empty (0 bytes): copy or export it again")
        decoder = SoundfileDecoder(path)
        # An interrupted recorder leaves a length of 0, a streaming encoder none: FFmpeg reads on.
        if 0 < decoder.header_samples < _MOST_SAMPLES:
            return decoder
        problem = no_samples
        decoder.close()
    except FileNotFoundError as error:
        raise AudioError(f"{path} does not exist: check the name and the folder") from error
    except OSError as error:
        raise AudioError(f"{path} could not be opened ({error.strerror})") from error
    except soundfile.LibsndfileError:
        pass  # FFmpeg knows more formats
    try:
        return ContainerDecoder(path)
    except (av.FFmpegError, ValueError) as error:
        raise problem(path) from error


def _from(start: int, parts: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Leave out the first `start` of a stream of (T, C)."""
    position = 0
    for part in parts:
        position += len(part)
        if position > start:
            yield part[-(position - start) :]


def _in_blocks(parts: Iterable[np.ndarray], length: int) -> Iterator[np.ndarray]:
    """Cut a stream of (T, C) into blocks of `length`; the last may be shorter."""
    waiting = None
    for part in parts:
        waiting = part if waiting is None else np.concatenate([waiting, part])
        while len(waiting) >= length:
            yield waiting[:length]
            waiting = waiting[length:]
    if waiting is not None and len(waiting):
        yield waiting


def no_samples(path: Path) -> AudioError:
    """Say that a sound file holds no samples."""
    return AudioError(f"{path} holds no samples (zero length): export it again")


def not_audio(path: Path) -> AudioError:
    """Say that a file is no sound file, or one whose index is missing."""
    with open(path, "rb") as file:
        is_mp4 = file.read(12)[4:8] == b"ftyp"
    if is_mp4:
        return AudioError(f"{path} is cut off or holds no sound: copy or export it again")
    return AudioError(
        f"{path} is not a sound file that can be read: expected wav, flac, aiff, ogg, opus, mp3 "
        "or m4a"
    )


def _damaged(path: Path, seconds: float) -> AudioError:
    return AudioError(
        f"{path} is damaged or cut off, it decodes only up to {seconds:.1f} s: copy or export it "
        "again"
    )
