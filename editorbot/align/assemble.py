"""From located pieces to the edit decision list: boundaries, fades and gains by least squares."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from editorbot.align.cuts import edge_fade, place_boundary
from editorbot.align.mastering import fit_playback
from editorbot.align.piece import Piece
from editorbot.align.playback import Playback
from editorbot.align.sides import Side
from editorbot.align.whiten import BLOCK_SAMPLES, slice_padded
from editorbot.edl.model import Edit, Fade, Segment, Source, with_ops
from editorbot.progress import track

UNITY_DB = 0.01
"""A gain nearer to 0 dB than this is 0 dB: the edit is a copy, not an amplification."""
ROUND_DB = 5e-5
"""A gain nearer than this to hundredths of a dB is that number, as rounding of samples blurs it."""
SETTLED = 0.003
"""Relative change of a gain that moves no fade."""
SHORTEST_PIECE_S = 0.01
"""What placing the cuts leaves of a piece must be longer, or it was not there."""


def assemble(
    pieces: list[Piece], raw: Side, edit: Side, *, source: Source, max_fade_s: float
) -> Edit:
    """The EDL of pieces, each boundary, fade and gain placed by least squares."""
    playback = fit_playback(raw.mono, edit.mono, pieces)
    placing = {"playback": playback, "edit": edit, "max_fade_s": max_fade_s}
    shortest = round(SHORTEST_PIECE_S * raw.rate)
    pieces = _without_remnants(_placed(pieces, range(1, len(pieces)), **placing), shortest)
    # A long fade hides the gain from the first estimate, and a wrong gain bends the fade.
    for _ in range(2):
        refitted = [_with_fitted_gain(piece, playback, edit.mono) for piece in pieces]
        moved = [abs(a.gain / b.gain - 1) > SETTLED for a, b in zip(refitted, pieces, strict=True)]
        pieces = refitted
        if not any(moved):
            break
        again = [i for i in range(1, len(pieces)) if moved[i - 1] or moved[i]]
        pieces = _without_remnants(_placed(pieces, again, **placing), shortest)
    copied = Playback(raw.mono)
    pieces = [_with_fitted_gain(piece, copied, edit.mono) for piece in pieces]
    segments = _joined([s for piece in pieces for s in _segments(piece, source.samples)])
    return Edit(
        sample_rate=raw.rate, samples=len(edit.mono), sources=(source,), segments=with_ops(segments)
    )


def _placed(
    pieces: list[Piece],
    boundaries: Sequence[int],
    *,
    playback: Playback,
    edit: Side,
    max_fade_s: float,
) -> list[Piece]:
    """Place the boundaries before the pieces of these numbers, and the edit's two ends."""
    pieces = list(pieces)
    options = {"rate": edit.rate, "max_fade_s": max_fade_s}
    for index in track(boundaries, "placing cuts"):
        before, after = pieces[index - 1], pieces[index]
        boundary = place_boundary(playback, edit.mono, before, after, **options)
        position = int(np.clip(boundary.position, before.start, after.stop))
        fade = boundary.fade
        pieces[index - 1] = replace(
            before, stop=position, fade_out=Fade() if before.lag is None else fade
        )
        pieces[index] = replace(
            after, start=position, fade_in=Fade() if after.lag is None else fade
        )
    if pieces[0].lag is not None:
        fade = edge_fade(playback, edit.mono, pieces[0], side="in", **options)
        pieces[0] = replace(pieces[0], fade_in=fade)
    if pieces[-1].lag is not None:
        fade = edge_fade(playback, edit.mono, pieces[-1], side="out", **options)
        pieces[-1] = replace(pieces[-1], fade_out=fade)
    return pieces


def _without_remnants(pieces: list[Piece], shortest: int) -> list[Piece]:
    """Give what is left of pieces that are not there to the piece before, or after."""
    kept: list[Piece] = []
    for piece in pieces:
        if piece.samples >= shortest or len(pieces) == 1:
            start = 0 if not kept else kept[-1].stop
            kept.append(replace(piece, start=start))
        elif kept:
            kept[-1] = replace(kept[-1], stop=piece.stop)
    return kept


def _with_fitted_gain(piece: Piece, playback: Playback, edit: np.ndarray) -> Piece:
    """The piece with the least-squares gain of what it plays under its fades.

    Where fades reach across, another piece sounds too: those stretches are left out if enough
    else remains.
    """
    if piece.lag is None:
        return piece
    start, stop = piece.start + piece.fade_in.samples, piece.stop - piece.fade_out.samples
    if stop - start < piece.samples // 4:
        start, stop = piece.start, piece.stop
    product = energy = 0.0
    for first in range(start, stop, BLOCK_SAMPLES):
        last = min(first + BLOCK_SAMPLES, stop)
        played = playback.played(piece, first, last)
        heard = slice_padded(edit, first, last).astype(np.float64)
        # Of another waveform only the level can be compared.
        product += float(np.dot(heard, played if piece.is_copy else heard))
        energy += float(np.dot(played, played))
    gain = product / energy if product and energy else piece.gain
    return replace(piece, gain=gain if piece.is_copy else abs(gain) ** 0.5)


def _segments(piece: Piece, raw_samples: int) -> list[Segment]:
    """The piece as a segment, with silence where it would reach beyond the raw's ends."""
    if piece.lag is None:
        return [_nothing(piece.start, piece.stop)]
    start, stop = _inside_raw(piece, raw_samples)
    if stop <= start:
        return [_nothing(piece.start, piece.stop)]
    src_start, src_end = _source_run(piece, start, stop, raw_samples)
    treatment = piece.treatment
    gain_db = _round_gain_db(piece.gain)
    segment = Segment(
        out_start=start,
        out_end=stop,
        source=0,
        src_start=src_start,
        src_end=src_end,
        gain_db=gain_db,
        speed=treatment.speed,
        pitch_semitones=treatment.pitch_semitones,
        reverse=treatment.reverse,
        polarity=-1 if piece.gain < 0 else 1,
        fade_in=piece.fade_in,
        fade_out=piece.fade_out,
        confidence=piece.confidence,
    )
    before = [_nothing(piece.start, start)] if start > piece.start else []
    after = [_nothing(stop, piece.stop)] if stop < piece.stop else []
    return [*before, segment, *after]


def _round_gain_db(gain: float) -> float:
    gain_db = float(20 * np.log10(abs(gain) + 1e-9))
    if abs(gain_db) < UNITY_DB:
        return 0.0
    hundredths = round(gain_db, 2)
    return hundredths if abs(gain_db - hundredths) < ROUND_DB else round(gain_db, 7)


def _inside_raw(piece: Piece, raw_samples: int) -> tuple[int, int]:
    """The edit samples of the piece at which the raw has a sample to play."""
    slope = piece.treatment.slope
    first, last = (0, raw_samples) if slope > 0 else (raw_samples - 1, -1)
    start = int(np.ceil((first - piece.lag) / slope - 1e-6))
    stop = int(np.ceil((last - piece.lag) / slope - 1e-6))
    return max(piece.start, start), min(piece.stop, stop)


def _source_run(piece: Piece, start: int, stop: int, raw_samples: int) -> tuple[int, int]:
    """The raw's samples [first, last) that edit samples [start, stop) of the piece play."""
    ends = [round(piece.lag + piece.treatment.slope * t) for t in (start, stop)]
    first, last = (ends[1] + 1, ends[0] + 1) if piece.treatment.reverse else ends
    first = int(np.clip(first, 0, raw_samples - 1))
    return first, int(np.clip(last, first + 1, raw_samples))


def _joined(segments: list[Segment]) -> list[Segment]:
    """One segment for each stretch without source."""
    result: list[Segment] = []
    for segment in segments:
        if result and not segment.has_source and not result[-1].has_source:
            result[-1] = _nothing(result[-1].out_start, segment.out_end)
        else:
            result.append(segment)
    return result


def _nothing(start: int, stop: int) -> Segment:
    return Segment(out_start=start, out_end=stop, source=None, src_start=None, src_end=None)
