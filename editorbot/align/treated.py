"""Pieces that plain copies left without source, where the raw is played reversed or changed."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from editorbot.align.doubts import doubtful_stretches
from editorbot.align.piece import PLAIN, Piece, Treatment
from editorbot.align.sides import Side
from editorbot.align.tape import alike_part, measured
from editorbot.align.treated_search import (
    SHORTEST_S,
    Taken,
    TreatedRun,
    TreatedSearch,
)
from editorbot.align.whiten import slice_padded
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
NATURAL_SPEEDS, NATURAL_SHARP_COUNTS, NATURAL_ALIKE = (0.79, 1.265), 2.0, 1.2
"""The same of stretched runs as an editor would make them, at such a speed and transposed by whole
semitones: all of 91 right ones were, and of 345 others 129, which reached 1.19 at most."""
SAME_PLACE_S, SAME_PITCH = 0.005, 0.1
"""Two runs that are so near at both ends, and in pitch (semitones), are one."""


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
    found = joined(found, same=round(SAME_PLACE_S * rate), border=border)
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


def joined(pieces: list[Piece], *, same: int, border: int) -> list[Piece]:
    """The pieces, those that play on where the one before ended made one with it.

    Both numbers are samples: by how much two may disagree, and lie apart.
    """
    result: list[Piece] = []
    for piece in pieces:
        last = result[-1] if result else None
        if last and piece.start - last.stop <= border and _goes_on(last, piece, same):
            longer = max(last, piece, key=lambda p: p.samples)
            result[-1] = replace(longer, start=last.start, stop=piece.stop)
        else:
            result.append(piece)
    return result


def _goes_on(last: Piece, piece: Piece, same: int) -> bool:
    """Whether both play one run: they agree where the first begins and where the other ends."""
    one, two = last.treatment, piece.treatment
    if (one.reverse, last.is_copy) != (two.reverse, piece.is_copy):
        return False
    if abs(one.pitch_semitones - two.pitch_semitones) > SAME_PITCH:
        return False
    apart = (last.lag - piece.lag + (one.slope - two.slope) * at for at in (last.start, piece.stop))
    return all(abs(distance) <= same for distance in apart)


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
    if run.treatment.is_tape:
        border = round(BORDER_S * raw.rate)
        least = LEAST_CORRELATION if _sounds_alike(run) else SURE_CORRELATION
        exact = measured(piece, raw, edit, border=border, least=least)
        # Parts of a run that is stretched a little are like the raw as it is.
        if exact is not None or run.treatment == PLAIN:
            return exact
        part = alike_part(piece, raw, edit)
        if part is None:
            return None
        return measured(part, raw, edit, border=border, least=least)
    return replace(piece, is_copy=False) if is_stretched_run(run) else None


def is_stretched_run(run: TreatedRun) -> bool:
    """Whether a run of which only the spectra can be compared is what it seems to be."""
    if run.sharpness >= (SHARP if _sounds_alike(run) else VERY_SHARP):
        return True
    alike = run.score + NATURAL_SHARP_COUNTS * run.sharpness >= NATURAL_ALIKE
    return alike and _is_natural(run.treatment)


def _sounds_alike(run: TreatedRun) -> bool:
    return run.score + SHARP_COUNTS * run.sharpness >= ALIKE


def _is_natural(treatment: Treatment) -> bool:
    low, high = NATURAL_SPEEDS
    return low < treatment.speed < high and treatment.pitch_semitones.is_integer()
