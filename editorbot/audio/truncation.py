"""Does a sound file end before its own headers say it does?

Decoders are lenient: a wav that lost its second half is a shorter wav to them. Here the file's
structure is asked instead: RIFF and AIFF chunks, Ogg pages, MPEG frames.
Sources: EBU Tech 3306 (RF64), RFC 3533 (Ogg), ISO 11172-3 and the Xing/LAME tag (MPEG layer III).
"""

import struct
from pathlib import Path
from typing import BinaryIO

_LARGEST_OGG_PAGE = 27 + 255 + 255 * 255
_OGG_LAST_PAGE = 4
_UNKNOWN = (0, 0x7FFFF000, 0x7FFFFFFF, 0xFFFFFFFF)  # sizes written by programs that stream
_MP3_TAIL = 2**16
_KBITS = {  # MPEG layer III; by whether it is MPEG 1, then by index in the header
    True: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    False: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_MPEG_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}


def ends_early(path: Path) -> bool:
    """Tell whether bytes are missing at the end; False where the format does not show it."""
    size = path.stat().st_size
    with open(path, "rb") as file:
        head = file.read(12)
        if head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE":
            return _chunks_end_early(file, size, order="<")
        if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
            return _chunks_end_early(file, size, order=">")
        if head[:4] == b"riff":  # W64: a 16-byte id, then the size of the whole file
            return int.from_bytes((head + file.read(12))[16:24], "little") > size
        if head[:4] == b"OggS":
            return _ogg_ends_early(file, size)
        if head[:3] == b"ID3" or _mpeg_frame_length(head[:4]):
            return _mp3_ends_early(file, size)
    return False


def has_mpeg_length(path: Path) -> bool:
    """Tell whether an mp3's first frame is a Xing or Info tag that counts the frames."""
    with open(path, "rb") as file:
        head = file.read(10)
        start = 0
        if head[:3] == b"ID3":  # the size is in 4 bytes of 7 bits
            start = 10 + sum((head[6 + i] & 127) << (7 * (3 - i)) for i in range(4))
        file.seek(start)
        frame = file.read(2**12)
    place = max(frame.find(b"Xing"), frame.find(b"Info"))
    return place >= 0 and len(frame) > place + 8 and bool(frame[place + 7] & 1)


def _chunks_end_early(file: BinaryIO, size: int, *, order: str) -> bool:
    """Walk the chunks up to the samples; `order` is struct's sign of the byte order."""
    file.seek(12)
    long_size = None
    while len(header := file.read(8)) == 8:
        name, length = struct.unpack(f"{order}4sI", header)
        if name == b"ds64":
            long_size = struct.unpack("<QQ", file.read(16))[1]
            file.seek(-16, 1)
        if name in (b"data", b"SSND"):
            if length in _UNKNOWN:
                length = long_size or 0
            return file.tell() + length > size
        file.seek(length + length % 2, 1)
    return True


def _ogg_ends_early(file: BinaryIO, size: int) -> bool:
    """The last page must be whole and marked as the last."""
    file.seek(max(0, size - 2 * _LARGEST_OGG_PAGE))
    tail = file.read()
    page = tail.rfind(b"OggS")
    if page < 0 or len(tail) < page + 27:
        return True
    flags, segments = tail[page + 5], tail[page + 26]
    lengths = tail[page + 27 : page + 27 + segments]
    whole = len(tail) >= page + 27 + segments + sum(lengths)
    return not (whole and flags & _OGG_LAST_PAGE)


def _mp3_ends_early(file: BinaryIO, size: int) -> bool:
    """Follow the frames of the file's end: the last one must be whole."""
    file.seek(max(0, size - _MP3_TAIL))
    tail = file.read()
    position = _first_mpeg_frame(tail)
    if position is None:
        return False
    while length := _mpeg_frame_length(tail[position : position + 4]):
        position += length
    # What follows the frames is a tag (ID3, APE) or nothing; past the end, a frame is missing.
    return position > len(tail)


def _first_mpeg_frame(data: bytes) -> int | None:
    """Find a frame header that two more follow at the right distance."""
    for start in range(len(data) - 4):
        position, found = start, 0
        while found < 3 and (length := _mpeg_frame_length(data[position : position + 4])):
            position, found = position + length, found + 1
        if found == 3:
            return start
    return None


def _mpeg_frame_length(header: bytes) -> int:
    """Bytes of the layer III frame that begins with `header`, or 0 if none does."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return 0
    version, layer = header[1] >> 3 & 3, header[1] >> 1 & 3
    bit_rate, sample_rate, padding = header[2] >> 4, header[2] >> 2 & 3, header[2] >> 1 & 1
    if version == 1 or layer != 1 or bit_rate in (0, 15) or sample_rate == 3:
        return 0
    samples = 1152 if version == 3 else 576
    kbits = _KBITS[version == 3][bit_rate]
    return samples * kbits * 125 // _MPEG_RATES[version][sample_rate] + padding
