"""A finished list played once more beside the edit, on the whitened waveforms."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from editorbot.align.features import HOP, Features
from editorbot.align.mapped import release
from editorbot.align.path import (
    HIGHEST_CORRELATION,
    WINDOW_FRAMES,
    delayed,
    windowed_correlations,
)
from editorbot.align.piece import PLAIN, Piece, Treatment, tape_pitch
from editorbot.align.playback import treated
from editorbot.align.sides import ANALYSIS_RATE, Side
from editorbot.align.whiten import slice_padded
from editorbot.edl.model import Edit, Segment

BLOCK_FRAMES = 512
"""6 s: of longer runs so much is played at once."""
NUDGE = 1e-9
"""Added to a speed of 1, for that would be played at whole samples of the analysis rate."""
SAME_SPEED, SAME_PITCH = 1e-7, 1e-5


class Sound(NamedTuple):
    """Features of both sides."""

    raw: Features
    edit: Features


@dataclass(frozen=True)
class Replay:
    """A list beside the sound it is about.

    Attributes:
        raw, edit: Both sides, the edit spread by the clock.
        played, heard: Features of the raw and of the edit.
        pieces: The list's segments at `ANALYSIS_RATE`, on the spread edit.
        segments: The list's segments.
    """

    raw: Side
    edit: Side
    played: Features
    heard: Features
    pieces: list[Piece]
    segments: tuple[Segment, ...]


def replay_of(found: Edit, raw: Side, edit: Side, sound: Sound, *, clock: float) -> Replay:
    """The finished list `found`, which is on the edit's own clock, beside both sides."""
    scale = ANALYSIS_RATE / raw.rate
    pieces = [_piece(segment, found, raw, clock=clock, scale=scale) for segment in found.segments]
    return Replay(raw, edit, sound.raw, sound.edit, pieces, found.segments)


def _piece(segment: Segment, found: Edit, raw: Side, *, clock: float, scale: float) -> Piece:
    start, stop = (round(end * clock * scale) for end in (segment.out_start, segment.out_end))
    fades = {
        side: getattr(segment, side).model_copy(
            update={"samples": round(getattr(segment, side).samples * scale)}
        )
        for side in ("fade_in", "fade_out")
    }
    bare = Piece(start, stop, None, **fades)
    if not segment.has_source:
        return bare
    treatment = _treatment(segment, clock)
    recording = raw.recordings[segment.source]
    per_sample = raw.rate / found.sources[segment.source].sample_rate
    first, last = (
        recording.start + end * per_sample for end in (segment.src_start, segment.src_end)
    )
    begin = segment.out_start * clock
    lag = last - 1 if treatment.reverse else first
    lag = (lag - treatment.slope * begin) * scale
    # Only waveforms of tapes can be compared.
    return replace(bare, lag=lag, treatment=treatment, is_copy=treatment.is_tape)


def _treatment(segment: Segment, clock: float) -> Treatment:
    """How the segment is played on the spread edit; a tape's pitch is exactly that of its speed."""
    speed = segment.speed / clock
    pitch = segment.pitch_semitones - tape_pitch(clock)
    speed = 1.0 if abs(speed - 1) < SAME_SPEED else speed
    if abs(pitch - tape_pitch(speed)) < SAME_PITCH:
        pitch = tape_pitch(speed)
    return Treatment(segment.reverse, speed, pitch)


def inner_frames(piece: Piece) -> tuple[int, int]:
    """Frames [first, last) that hear nothing else, at least the one in the middle."""
    half = WINDOW_FRAMES * HOP // 2
    start = piece.start + half + piece.fade_in.samples
    stop = piece.stop - half - piece.fade_out.samples
    if stop - start < piece.samples // 4:
        start, stop = (3 * piece.start + piece.stop) // 4, (piece.start + 3 * piece.stop) // 4
    first = -(-start // HOP)
    return first, max(first + 1, stop // HOP)


def sounding(replay: Replay, piece: Piece, first: int, last: int) -> np.ndarray:
    """(F,) bool, whether the edit sounds at frames [first, last), or what `piece` plays there."""
    frames = np.arange(first, last)
    there = np.round(piece.lag / HOP + piece.treatment.slope * frames).astype(int)
    there = np.clip(there, 0, len(replay.played.quiet) - 1)
    return ~(replay.heard.quiet[frames] & replay.played.quiet[there])


def evidence_along(replay: Replay, piece: Piece, first: int, last: int) -> np.ndarray:
    """(F,) evidence of edit frames [first, last), if `piece` plays there."""
    last = min(last, len(replay.heard.quiet))
    half = WINDOW_FRAMES * HOP // 2
    parts = [np.zeros(0)]
    for start in range(first, last, BLOCK_FRAMES):
        stop = min(start + BLOCK_FRAMES, last)
        ends = start * HOP - half, (stop - 1) * HOP + half
        heard, played = slice_padded(replay.edit.white, *ends), played_again(replay, piece, *ends)
        c = windowed_correlations(heard, played)
        parts.append(-0.5 * np.log(1 - np.minimum(np.abs(c), HIGHEST_CORRELATION) ** 2))
        release(replay.raw.white, replay.edit.white)
    return np.concatenate(parts)


def played_again(replay: Replay, piece: Piece, start: int, stop: int) -> np.ndarray:
    """(stop - start,) the raw, whitened, as `piece` plays it."""
    if piece.treatment == PLAIN:
        return delayed(replay.raw.white, piece.lag, start, stop)
    treatment = piece.treatment
    if treatment.speed == 1:
        speed = 1 + NUDGE
        treatment = replace(treatment, speed=speed, pitch_semitones=tape_pitch(speed))
    return treated(replay.raw.white, replace(piece, treatment=treatment), start, stop)
