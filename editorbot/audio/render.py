"""Turn an edit list into sound: streamed, in constant memory, from any number of recordings.

A sample that is played at 0 dB, at its own speed and outside any fade is copied, not computed: it
equals the source's sample bit for bit.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from editorbot.audio import io
from editorbot.audio.fades import Extent, extents, segment_weights
from editorbot.audio.players import Player, SourceReader, make_player
from editorbot.edl.model import Edit, Source
from editorbot.errors import AudioError
from editorbot.progress import track

BLOCK_SAMPLES = 2**16
_INTEGERS = {"PCM_S8", "PCM_U8", "PCM_16", "PCM_24"}
_BEYOND_FLOAT = {"PCM_32", "DOUBLE"}  # more bits than float32 holds


def render(
    edit: Edit, *, base: Path | None = None, block_samples: int = BLOCK_SAMPLES
) -> Iterator[np.ndarray]:
    """Play `edit` in blocks of at most `block_samples` samples; the result does not depend on them.

    Fades follow `editorbot.edl.model`; where a fade reaches beyond its recording, and in segments
    without source, there is silence. Sources at other rates are resampled; a source with other
    channels than the first is spread (mono), averaged (to mono), or keeps the channels that both
    have.

    Args:
        edit: What to play.
        base: Folder that relative source paths start from; the working directory if None.
        block_samples: Length of the blocks in output samples; memory grows with it.

    Yields:
        (C, T) with the first source's channels, one channel where nothing has a source; float64
        where a source is of 32-bit integers or 64-bit floats, else float32.

    Raises:
        AudioError: A source is missing, or is not the recording that the edit was made from.
    """
    paths = [_checked_path(source, base) for source in edit.sources]
    channels = edit.sources[0].channels if edit.sources else 1
    dtype = "float64" if _subtypes(paths) & _BEYOND_FLOAT else "float32"
    spans = extents(edit)
    players: dict[int, Player] = {}
    for start in range(0, edit.samples, block_samples):
        stop = min(start + block_samples, edit.samples)
        block = np.zeros((channels, stop - start), dtype)
        for number in _sounding(spans, start, stop):
            if number not in players:
                reader = _reader(edit, number, paths, channels, dtype)
                players[number] = _player(edit, number, spans[number], reader)
            _add(block, start, edit, number, spans[number], players[number])
            if spans[number].stop <= stop:
                del players[number]
        yield block


def render_to(
    edit: Edit, output: Path, *, base: Path | None = None, subtype: str | None = None
) -> None:
    """Write `edit` as a sound file, its format chosen by the suffix, with a progress bar.

    Args:
        edit: What to play.
        output: The file to write, whole or not at all.
        base: Folder that relative source paths start from.
        subtype: Sample format as soundfile names it, such as "PCM_16". By default a WAV takes one
            that holds the sources' samples exactly.

    Raises:
        AudioError: As `render`.
        EditorbotError: As `editorbot.audio.write.write`.
    """
    output = Path(output)
    channels = edit.sources[0].channels if edit.sources else 1
    if subtype is None and output.suffix.lower() == ".wav":
        subtype = _exact_subtype([_checked_path(source, base) for source in edit.sources])
    blocks = track(
        render(edit, base=base),
        f"Rendering {output.name}",
        total=-(-edit.samples // BLOCK_SAMPLES),
    )
    io.write(output, blocks, sample_rate=edit.sample_rate, channels=channels, subtype=subtype)


def _exact_subtype(paths: list[Path]) -> str:
    """A subtype of WAV that holds the samples of all these recordings exactly."""
    subtypes = _subtypes(paths)
    if subtypes <= _INTEGERS:
        return "PCM_24"
    if subtypes <= {*_INTEGERS, "PCM_32"}:
        return "PCM_32"
    return "DOUBLE" if subtypes & _BEYOND_FLOAT else "FLOAT"


def _subtypes(paths: list[Path]) -> set[str]:
    return {io.probe(path).subtype for path in paths}


def _checked_path(source: Source, base: Path | None) -> Path:
    path = Path(source.path) if base is None else Path(base) / source.path
    info = io.probe(path)
    got = (info.sample_rate, info.channels, info.samples)
    if got != (source.sample_rate, source.channels, source.samples):
        raise AudioError(
            f"{path} is not the recording that the edit was made from: expected {source.samples} "
            f"samples at {source.sample_rate} Hz in {source.channels} channels, got {got[2]} at "
            f"{got[0]} Hz in {got[1]}; give the original file or align again."
        )
    return path


def _sounding(spans: list[Extent], start: int, stop: int) -> list[int]:
    return [
        number for number, span in enumerate(spans) if max(span.start, start) < min(span.stop, stop)
    ]


def _reader(
    edit: Edit, number: int, paths: list[Path], channels: int, dtype: io.Dtype
) -> SourceReader:
    source = edit.segments[number].source
    samples = edit.sources[source].samples
    return SourceReader(paths[source], samples=samples, channels=channels, dtype=dtype)


def _player(edit: Edit, number: int, span: Extent, reader: SourceReader) -> Player:
    segment = edit.segments[number]
    source = edit.sources[segment.source]
    return make_player(
        segment,
        reader,
        rate_ratio=source.sample_rate / edit.sample_rate,
        first=span.start - segment.out_start,
    )


def _add(
    block: np.ndarray, start: int, edit: Edit, number: int, span: Extent, player: Player
) -> None:
    """Mix what segment `number` plays into the block that begins at output sample `start`."""
    segment = edit.segments[number]
    first = max(start, span.start)
    last = min(start + block.shape[1], span.stop)
    sound = player(first - segment.out_start, last - segment.out_start)
    gain = segment.polarity * 10.0 ** (segment.gain_db / 20.0)
    if gain != 1.0:
        sound = sound * sound.dtype.type(gain)
    weights = segment_weights(segment.fade_in, segment.fade_out, span, start=first, stop=last)
    if weights is not None:
        sound = sound * weights
    block[:, first - start : last - start] += sound
