"""Pieces that plain copies left without source, where the raw is played reversed or changed."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np

from editorbot.align.doubts import doubtful_stretches
from editorbot.align.offsets import Offset, exact_lag
from editorbot.align.piece import PLAIN, Piece, tape_pitch, trimmed
from editorbot.align.playback import treated
from editorbot.align.sides import Side
from editorbot.align.treated_search import SHORTEST_S, Taken, TreatedRun, TreatedSearch
from editorbot.align.whiten import TAPS, slice_padded
from editorbot.progress import track

BORDER_S = 0.3
"""A run that ends so near its stretch's end goes on to it: only analysis windows keep it off."""
LEAST_CORRELATION, SURE_CORRELATION = 0.3, 0.6
"""Of the whitened waveforms, for a reversed or tape-speed run to be a copy; and if the spectra are
not very alike, since a held note's waveform is like another's up to .5."""
ALIKE, SHARP_COUNTS = 0.88, 0.5
"""Mean cosine of the spectra, and so many times the sharpness, that a run must reach together to be
taken without the waveforms being very alike. Foreign sound was measured to reach .86."""
SHARP, VERY_SHARP = 0.2, 0.45
"""Sharpness of such runs; the sharpest need not be so alike, as under noise and reverb. Foreign
sound was measured to reach .37."""
PART_S, PART_MARGIN_S = 0.25, 0.05
"""Parts of a run that are compared one by one, and by how much the lag may be wrong there."""
ROUNDS_S = ((0.1, 0.02), (0.2, 0.005), (0.4, 0.002))
"""A run's lag is measured at its beginning and its end, so that its speed is known too: how long
these spots are, longer as the speed gets known, and by how much the lag may be wrong."""


def with_treated(pieces: list[Piece], raw: Side, edit: Side) -> list[Piece]:
    """The pieces, with treated runs where there is no source, or a doubtful one, and these fit."""
    searched = [
        (piece, [gap for gap in _gaps(piece, raw, edit) if _is_worth_it(gap, edit)])
        for piece in pieces
    ]
    if not any(gaps for _, gaps in searched):
        return pieces
    search = TreatedSearch(raw.wave, edit.wave)

    def found(gap: Piece) -> list[Piece]:
        ends_s = gap.start / raw.rate, gap.stop / raw.rate
        return search.find(*ends_s, lambda run: _taken(run, raw, edit))

    result: list[Piece] = []
    for piece, gaps in track(searched, "searching for treated runs"):
        runs = [(gap, found(gap)) for gap in gaps]
        result += _divided(piece, [(gap, some) for gap, some in runs if some], raw.rate)
    return result


def _gaps(piece: Piece, raw: Side, edit: Side) -> list[Piece]:
    return [piece] if piece.lag is None else doubtful_stretches(piece, raw, edit)


def _divided(piece: Piece, runs: list[tuple[Piece, list[Piece]]], rate: int) -> Iterator[Piece]:
    """The piece with its gaps, in order, filled by what was found in each."""
    position = piece.start
    for gap, found in runs:
        if gap.start > position:
            yield replace(piece, start=position, stop=gap.start)
        yield from _filled(gap, found, rate)
        position = gap.stop
    if position < piece.stop:
        yield replace(piece, start=position)


def _is_worth_it(gap: Piece, edit: Side) -> bool:
    sound = slice_padded(edit.mono, gap.start, gap.stop)
    return gap.samples >= SHORTEST_S * edit.rate and bool(np.abs(sound).max() > 1e-4)


def _filled(gap: Piece, found: list[Piece], rate: int) -> Iterator[Piece]:
    """The gap as treated pieces and what is left of it; slivers go to the pieces."""
    border = round(BORDER_S * rate)
    position = gap.start
    for number, piece in enumerate(found):
        if piece.start - position > border:
            yield replace(gap, start=position, stop=piece.start)
        else:
            piece = replace(piece, start=position)
        following = found[number + 1].start if number + 1 < len(found) else gap.stop
        if following - piece.stop <= border:
            piece = replace(piece, stop=following)
        yield piece
        position = piece.stop
    if position < gap.stop:
        yield replace(gap, start=position)


def _taken(run: TreatedRun, raw: Side, edit: Side) -> Taken | None:
    piece = _piece(run, raw, edit)
    return None if piece is None else Taken(piece.start / raw.rate, piece.stop / raw.rate, piece)


def _piece(run: TreatedRun, raw: Side, edit: Side) -> Piece | None:
    """The run at the raw's rate, to the sample where it is a copy; None if it only sounds alike."""
    piece = Piece(
        round(run.start_s * raw.rate),
        round(run.stop_s * raw.rate),
        run.lag_s * raw.rate,
        confidence=round(float(np.clip(run.score, 0, 1)), 4),
        treatment=run.treatment,
    )
    sounds_alike = run.score + SHARP_COUNTS * run.sharpness >= ALIKE
    if run.treatment.is_tape:
        least = LEAST_CORRELATION if sounds_alike else SURE_CORRELATION
        exact = _measured(piece, raw, edit, least=least)
        # Parts of a run that is stretched a little are like the raw as it is.
        if exact is not None or run.treatment == PLAIN:
            return exact
        part = _alike_part(piece, raw, edit)
        return None if part is None else _measured(part, raw, edit, least=least)
    is_sharp = run.sharpness >= (SHARP if sounds_alike else VERY_SHARP)
    return replace(piece, is_copy=False) if is_sharp else None


def _alike_part(piece: Piece, raw: Side, edit: Side) -> Piece | None:
    """The longest part in which the waveforms are alike; None if there is none, or it is all.

    Spectra of other parts of a song are alike enough for a run to grow over its neighbours.
    """
    count = piece.samples // round(PART_S * raw.rate)
    margin = round(PART_MARGIN_S * raw.rate)
    ends = np.linspace(piece.start, piece.stop, count + 1).astype(int)
    strengths = [
        abs(_offset(piece, raw, edit, int(start), int(stop), margin=margin).strength)
        for start, stop in pairwise(ends)
    ]
    alike = np.array(strengths) >= SURE_CORRELATION
    steps = np.flatnonzero(np.diff(alike, prepend=False, append=False)).reshape(-1, 2)
    first, last = max(steps, key=lambda step: step[1] - step[0], default=(0, 0))
    if first == last or last - first == count:
        return None
    return replace(piece, start=int(ends[first]), stop=int(ends[last]))


def _measured(piece: Piece, raw: Side, edit: Side, *, least: float) -> Piece | None:
    """The piece with lag and speed by its waveform; None if the waveforms are not alike."""
    start, stop = trimmed(piece.start, piece.stop, round(BORDER_S * raw.rate))
    for spot_s, margin_s in ROUNDS_S:
        spot = min(round(spot_s * raw.rate), (stop - start) // 2)
        ends = (start, start + spot), (stop - spot, stop)
        margin = round(margin_s * raw.rate)
        offsets = [_offset(piece, raw, edit, *end, margin=margin) for end in ends]
        piece = _corrected(piece, [(sum(e) / 2, o.lag) for e, o in zip(ends, offsets, strict=True)])
    strengths = [abs(offset.strength) for offset in offsets]
    return piece if min(strengths) >= least else None


def _offset(piece: Piece, raw: Side, edit: Side, start: int, stop: int, *, margin: int) -> Offset:
    """By how many samples later [start, stop) plays than the piece says."""
    reach = margin + TAPS
    played = treated(raw.mono, piece, start - reach, stop + reach)
    heard = slice_padded(edit.mono, start - reach, stop + reach)
    return exact_lag(
        played, heard, reach, reach + stop - start, lag=0, margin=margin, sample_rate=raw.rate
    )


def _corrected(piece: Piece, offsets: list[tuple[float, int]]) -> Piece:
    """The piece moved by offsets measured at two instants; speed 1 and its whole lag stay so."""
    (at, offset), (at_end, offset_end) = offsets
    treatment = piece.treatment
    if treatment.speed == 1:
        moved = round((offset + offset_end) / 2)
        return replace(piece, lag=float(round(piece.lag + treatment.slope * moved)))
    drift = (offset_end - offset) / (at_end - at)
    lag = piece.lag + treatment.slope * (offset - drift * at)
    speed = treatment.speed * (1 + drift)
    pitch = tape_pitch(speed)
    return replace(piece, lag=lag, treatment=replace(treatment, speed=speed, pitch_semitones=pitch))
