"""From the path's runs, in frames, to pieces of the edit, exact to the sample."""

from dataclasses import replace

import numpy as np

from editorbot.align.cuts import Piece, edge_fade, place_boundary
from editorbot.align.diagonals import Diagonal
from editorbot.align.features import HOP
from editorbot.align.offsets import block_gains, exact_lag, typical_gain
from editorbot.align.path import NOWHERE, WINDOW_FRAMES, Run
from editorbot.align.sides import ANALYSIS_RATE, Side
from editorbot.edl.model import Edit, Fade, Segment, Source, with_ops
from editorbot.progress import track

LAG_MARGIN = 2
"""Samples at the analysis rate by which a diagonal's lag may be wrong."""
SAME_LAG = 2
"""Samples: pieces that meet at lags no further apart are one, measured twice."""
UNITY_DB = 0.01
"""A gain nearer to 0 dB than this is 0 dB: the edit is a copy, not an amplification."""


def locate(
    runs: list[Run],
    diagonals: list[Diagonal],
    confidences: list[float | None],
    raw: Side,
    edit: Side,
) -> list[Piece]:
    """Pieces at the raw's rate, with exact lags and gains; boundaries are still the path's."""
    scale = raw.rate / ANALYSIS_RATE
    pieces: list[Piece] = []
    for run, confidence in zip(runs, confidences, strict=True):
        start = round(run.first * HOP * scale) if pieces else 0
        stop = len(edit.mono) if run is runs[-1] else round(run.last * HOP * scale)
        if stop <= start:
            continue
        piece = Piece(start, stop, None, confidence=confidence)
        if run.diagonal != NOWHERE:
            inner = _trimmed(start, stop, round(WINDOW_FRAMES / 2 * HOP * scale))
            lag = exact_lag(
                raw.mono,
                edit.mono,
                *inner,
                lag=round(diagonals[run.diagonal].lag * scale),
                margin=int(np.ceil(LAG_MARGIN * scale)),
            )
            piece = replace(piece, lag=lag)
        pieces.append(piece)
    return [_with_gain(piece, raw, edit) for piece in _joined(pieces)]


def _trimmed(start: int, stop: int, border: int) -> tuple[int, int]:
    """The run without its uncertain ends, as long as half of it is left."""
    border = min(border, (stop - start) // 4)
    return start + border, stop - border


def _joined(pieces: list[Piece]) -> list[Piece]:
    result: list[Piece] = []
    for piece in pieces:
        last = result[-1] if result else None
        if last is not None and _continues(last, piece):
            longer = max(last, piece, key=lambda p: p.stop - p.start)
            result[-1] = replace(longer, start=last.start, stop=piece.stop)
        else:
            result.append(piece)
    return result


def _continues(last: Piece, piece: Piece) -> bool:
    if last.lag is None or piece.lag is None:
        return last.lag is piece.lag
    return abs(last.lag - piece.lag) <= SAME_LAG


def _with_gain(piece: Piece, raw: Side, edit: Side) -> Piece:
    if piece.lag is None:
        return piece
    border = round(WINDOW_FRAMES / 2 * HOP * raw.rate / ANALYSIS_RATE)
    start, stop = _trimmed(piece.start, piece.stop, border)
    gain = typical_gain(*block_gains(raw.mono, edit.mono, start, stop, lag=piece.lag))
    # Silence against silence has no gain; one is as good as any and the simplest.
    return replace(piece, gain=gain if gain != 0 else 1.0)


def assemble(
    pieces: list[Piece], raw: Side, edit: Side, *, source: Source, max_fade_s: float
) -> Edit:
    """The EDL of pieces, each boundary and fade placed by least squares."""
    pieces = list(pieces)
    fades_in, fades_out = [Fade()] * len(pieces), [Fade()] * len(pieces)
    for index in track(range(1, len(pieces)), "placing cuts"):
        before, after = pieces[index - 1], pieces[index]
        boundary = place_boundary(
            raw.mono, edit.mono, before, after, rate=raw.rate, max_fade_s=max_fade_s
        )
        position = int(np.clip(boundary.position, before.start + 1, after.stop - 1))
        pieces[index - 1] = replace(before, stop=position)
        pieces[index] = replace(after, start=position)
        fades_out[index - 1] = boundary.fade if before.lag is not None else Fade()
        fades_in[index] = boundary.fade if after.lag is not None else Fade()
    for index, side, fades in ((0, "in", fades_in), (-1, "out", fades_out)):
        if pieces[index].lag is not None:
            fades[index] = edge_fade(
                raw.mono, edit.mono, pieces[index], rate=raw.rate, max_fade_s=max_fade_s, side=side
            )
    segments = []
    for piece, fade_in, fade_out in zip(pieces, fades_in, fades_out, strict=True):
        segments += _segments(piece, fade_in, fade_out, source.samples)
    return Edit(
        sample_rate=raw.rate, samples=len(edit.mono), sources=(source,), segments=with_ops(segments)
    )


def _segments(piece: Piece, fade_in: Fade, fade_out: Fade, raw_samples: int) -> list[Segment]:
    """The piece as a segment, with silence where it would reach beyond the raw's ends."""
    if piece.lag is None:
        return [_nothing(piece.start, piece.stop)]
    start = max(piece.start, -piece.lag)
    stop = min(piece.stop, raw_samples - piece.lag)
    if stop <= start:
        return [_nothing(piece.start, piece.stop)]
    gain_db = 20 * np.log10(abs(piece.gain) + 1e-9)
    segment = Segment(
        out_start=start,
        out_end=stop,
        source=0,
        src_start=start + piece.lag,
        src_end=stop + piece.lag,
        gain_db=0.0 if abs(gain_db) < UNITY_DB else round(float(gain_db), 4),
        polarity=-1 if piece.gain < 0 else 1,
        fade_in=fade_in,
        fade_out=fade_out,
        confidence=piece.confidence,
    )
    before = [_nothing(piece.start, start)] if start > piece.start else []
    after = [_nothing(stop, piece.stop)] if stop < piece.stop else []
    return [*before, segment, *after]


def _nothing(start: int, stop: int) -> Segment:
    return Segment(out_start=start, out_end=stop, source=None, src_start=None, src_end=None)
