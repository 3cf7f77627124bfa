"""Write sound files block by block, whole or not at all."""

import struct
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import soundfile

from editorbot.audio.truncation import ends_early
from editorbot.errors import EditorbotError
from editorbot.files import replacing

_FORMATS = {  # by suffix: libsndfile's format and what is written unless asked otherwise
    ".wav": ("RF64", "FLOAT"),
    ".w64": ("W64", "FLOAT"),
    ".flac": ("FLAC", "PCM_24"),
    ".aiff": ("AIFF", "PCM_24"),
    ".aif": ("AIFF", "PCM_24"),
    ".ogg": ("OGG", "VORBIS"),
    ".opus": ("OGG", "OPUS"),
    ".mp3": ("MP3", "MPEG_LAYER_III"),
}
_BITS = {"PCM_S8": 8, "PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32}
_BLOCK_SAMPLES = 2**14  # libvorbis keeps a block on the stack: long ones crash it
_LARGEST_RIFF = 2**32 - 1  # bytes
_RF64_HEADER = 104  # bytes, as libsndfile writes it: RF64, ds64, extensible fmt, data


def write(
    path: Path | str,
    audio: np.ndarray | Iterable[np.ndarray],
    *,
    sample_rate: int,
    channels: int,
    subtype: str | None = None,
) -> None:
    """Write (C, T) audio, whole or as a stream of blocks; the suffix chooses the format.

    A wav of more than 4 GB becomes RF64, which keeps the suffix. The same samples give the same
    bytes (but for ogg and opus, whose streams carry a random number). Integer formats round to the
    nearest step and clip at full scale; samples that were read from as many bits or fewer are
    written bit-identically.

    Args:
        path: wav, w64, flac, aiff, ogg, opus or mp3.
        audio: (C, T) float32 or float64, or blocks of it.
        sample_rate: Hz.
        channels: C.
        subtype: Coding by libsndfile's names, such as "PCM_16"; by default FLOAT for wav and
            w64, PCM_24 for flac and aiff.

    Raises:
        EditorbotError: The suffix is not known, the format does not take this rate, number of
            channels or subtype, an integer format is given NaN, or the file cannot be written.
        ValueError: A block has not `channels` channels.
    """
    path = Path(path)
    if path.suffix.lower() not in _FORMATS:
        raise EditorbotError(
            f"{path} cannot be written: its suffix is none of {', '.join(sorted(_FORMATS))}"
        )
    container, default = _FORMATS[path.suffix.lower()]
    subtype = subtype or default
    blocks = [audio] if isinstance(audio, np.ndarray) else audio
    with replacing(path) as temporary:
        try:
            file = soundfile.SoundFile(
                temporary, "w", sample_rate, channels, subtype=subtype, format=container
            )
        except (soundfile.LibsndfileError, ValueError) as error:
            # libsndfile reports a refused folder in the same way as a refused format.
            open(temporary, "wb").close()
            raise EditorbotError(
                f"{path} cannot be written as {subtype} with {channels} channels at {sample_rate} "
                "Hz: choose another format, such as wav"
            ) from error
        with file:
            samples = sum(_write_block(file, block, path) for block in blocks)
        _check_whole(temporary, samples)
        if container == "RF64":
            _prefer_riff(temporary, channels)


def _write_block(file: soundfile.SoundFile, block: np.ndarray, path: Path) -> int:
    if block.ndim != 2 or block.shape[0] != file.channels:
        raise ValueError(f"expected blocks ({file.channels}, T), got {block.shape}")
    for start in range(0, block.shape[1], _BLOCK_SAMPLES):
        part = np.ascontiguousarray(block[:, start : start + _BLOCK_SAMPLES].T)
        if file.subtype in _BITS:
            if np.isnan(part).any():
                raise EditorbotError(
                    f"{path} cannot be written as {file.subtype}, for its sound holds NaN: export "
                    "the recording that it comes from again"
                )
            part = _to_integers(part, bits=_BITS[file.subtype])
        try:
            file.write(part)
        except (soundfile.LibsndfileError, AssertionError) as error:
            # soundfile asserts that all was written; libsndfile keeps the system's reason.
            raise _not_all_written(path) from error
    return block.shape[1]


def _to_integers(samples: np.ndarray, *, bits: int) -> np.ndarray:
    """The nearest integers of so many bits, as the upper bits of int32, which libsndfile keeps.

    Its own way from floats cuts off what lies below the last bit: half a step too low on average,
    and twice the error.
    """
    full_scale = 2 ** (bits - 1)
    steps = np.rint(samples.astype(np.float64) * full_scale)
    return np.clip(steps, -full_scale, full_scale - 1).astype(np.int32) << (32 - bits)


def _check_whole(path: Path, samples: int) -> None:
    """Read the last sample back: libsndfile does not tell what was lost in closing a file."""
    if not samples:
        return
    try:
        with soundfile.SoundFile(path) as file:
            if file.format != "MP3":  # whose length is an estimate
                file.seek(samples - 1)
            if not ends_early(path) and len(file.read(1)) == 1:
                return
    except soundfile.LibsndfileError as error:
        raise _not_all_written(path) from error
    raise _not_all_written(path)


def _not_all_written(path: Path) -> OSError:
    return OSError(None, "the disk is full or took no more", str(path))


def _prefer_riff(path: Path, channels: int) -> None:
    """Turn a fresh RF64 into plain RIFF where 32-bit sizes suffice, as EBU Tech 3306 describes.

    The length of a stream shows at its end, RF64 leaves room for both headers. Up to stereo, the
    extensible format chunk becomes the short one that any program reads; what is freed is junk.
    """
    size = path.stat().st_size
    if size > _LARGEST_RIFF:
        return
    with open(path, "r+b") as file:
        header = file.read(_RF64_HEADER)
        fmt = header[56:96]
        if header[:4] != b"RF64" or header[48:52] != b"fmt " or header[96:100] != b"data":
            raise RuntimeError(f"{path} has a header that libsndfile did not use to write")
        data_bytes = struct.unpack("<Q", header[28:36])[0]
        tag, frame_bytes = fmt[24:26], struct.unpack("<H", fmt[12:14])[0]
        if channels <= 2:
            fmt = struct.pack("<4sI", b"fmt ", 16) + tag + fmt[2:16]
            fmt += struct.pack("<4sII", b"fact", 4, data_bytes // frame_bytes)
        else:
            fmt = header[48:96]
        junk = _RF64_HEADER - 12 - 8 - len(fmt) - 8
        file.seek(0)
        file.write(struct.pack("<4sI4s", b"RIFF", size - 8, b"WAVE") + fmt)
        file.write(struct.pack("<4sI", b"JUNK", junk) + bytes(junk))
        file.write(struct.pack("<4sI", b"data", data_bytes))
