"""Renditions of a track: the same music as its band plays it another time.

A recording tells one rendition. Where a band's playing is made, others can be made with it: then a
take is played by hand again, and is not the track's own sound, stretched.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import AfterValidator, BaseModel, Field, ValidationError

from editorbot.audio import io
from editorbot.errors import EditorbotError, first_problem
from editorbot.files import read_json, write_json


@dataclass(frozen=True)
class Rendition:
    """Sound (C, T) float32, and where in it what the track plays at `track_bars` is played.

    Both rows of bar lines are in samples, rising; between them time runs evenly, beyond them as in
    the track. A track is its own first rendition.
    """

    audio: np.ndarray
    track_bars: np.ndarray
    own_bars: np.ndarray

    @classmethod
    def own(cls, audio: np.ndarray) -> "Rendition":
        """The track itself."""
        return cls(audio, np.zeros(1), np.zeros(1))

    def at(self, sample: int) -> float:
        """Where this plays what the track plays at that sample."""
        beyond = min(sample - self.track_bars[0], 0) + max(sample - self.track_bars[-1], 0)
        return float(np.interp(sample, self.track_bars, self.own_bars) + beyond)

    def read(self, start: int, stop: int) -> np.ndarray:
        """Samples (C, stop - start) float32; zeros outside the recording."""
        low, high = max(0, start), min(self.audio.shape[1], stop)
        result = np.zeros((len(self.audio), stop - start), np.float32)
        if low < high:
            result[:, low - start : high - start] = self.audio[:, low:high]
        return result


def _rising(bars_s: tuple[float, ...]) -> tuple[float, ...]:
    if not np.all(np.diff(bars_s) > 0):
        raise ValueError("bar lines do not rise")
    return bars_s


_Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
_Bars = Annotated[tuple[_Seconds, ...], Field(min_length=1), AfterValidator(_rising)]


class OtherRendition(BaseModel, frozen=True):
    """A file, named from the folder of the list, and its bar lines in seconds."""

    file: str
    bars_s: _Bars


class RenditionList(BaseModel, frozen=True):
    """Bar lines of a track in seconds, and other renditions with the same bars."""

    track_bars_s: _Bars
    others: tuple[OtherRendition, ...]


def list_of_renditions(track: Path) -> Path:
    """Where the other renditions of a track are listed."""
    return track.with_name(f"{track.stem}_renditions.json")


def write_renditions(
    track: Path, played: Iterable[tuple[np.ndarray, Sequence[float]]], *, sample_rate: int
) -> None:
    """Write a track as FLAC of 16 bits, and further renditions and their list beside it.

    Args:
        track: Where to; the others are {stem}.1.flac and so on.
        played: Sound (C, T) float32 in [-1, 1) and bar lines in seconds, the track's own first.
        sample_rate: Of all, in Hz.

    Raises:
        EditorbotError: A file cannot be written.
    """
    bars = {}
    for number, (audio, bars_s) in enumerate(played):
        path = track.with_suffix(f".{number}{track.suffix}") if number else track
        io.write(path, audio, sample_rate=sample_rate, channels=len(audio), subtype="PCM_16")
        bars[path.name] = bars_s
    own = bars.pop(track.name)
    if bars:
        listed = tuple(OtherRendition(file=name, bars_s=times) for name, times in bars.items())
        content = RenditionList(track_bars_s=own, others=listed)
        write_json(list_of_renditions(track), content.model_dump())


def read_renditions(
    path: Path, *, first: int, sample_rate: int, channels: int
) -> tuple[Rendition, ...]:
    """The renditions of a list, for a track that is read from sample `first` on.

    Raises:
        EditorbotError: The list is not one, or a file of it is not sound in the track's form, or
            ends before its last bar line.
    """
    try:
        listed = RenditionList.model_validate(read_json(path))
    except ValidationError as error:
        raise EditorbotError(
            f"{path} lists no renditions of a track: {first_problem(error)}"
        ) from error
    track_bars = np.array(listed.track_bars_s) * sample_rate - first
    result = []
    for other in listed.others:
        file = path.parent / other.file
        if len(other.bars_s) != len(track_bars):
            raise EditorbotError(
                f"{path} has {len(other.bars_s)} bar lines for {other.file}, expected the track's "
                f"{len(track_bars)}: make the renditions again"
            )
        info, own_bars = io.probe(file), np.array(other.bars_s) * sample_rate
        if (info.sample_rate, info.channels) != (sample_rate, channels):
            raise EditorbotError(
                f"{file} has {info.sample_rate} Hz and {info.channels} channels, expected the "
                f"track's {sample_rate} Hz and {channels}: make the renditions again"
            )
        if info.samples < own_bars[-1]:
            raise EditorbotError(
                f"{file} ends before its last bar line at {other.bars_s[-1]:.1f} s: make the "
                "renditions again"
            )
        result.append(Rendition(io.read(file), track_bars, own_bars))
    return tuple(result)
