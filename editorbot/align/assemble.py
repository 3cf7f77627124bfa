"""From located pieces to the edit decision list: boundaries, fades and gains by least squares."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from editorbot.align.continuity import with_continuity
from editorbot.align.cuts import adjusted_boundary, edge_fade, place_boundary
from editorbot.align.diagonals import Diagonal
from editorbot.align.gain_steps import with_gain_steps
from editorbot.align.hidden_cuts import with_hidden_cuts
from editorbot.align.mapped import release
from editorbot.align.mastering import fit_playback
from editorbot.align.piece import Piece, tape_pitch
from editorbot.align.playback import Playback
from editorbot.align.sides import Recording, Side
from editorbot.align.twins import told_by_fades
from editorbot.align.whiten import BLOCK_SAMPLES
from editorbot.audio.sources import source_of
from editorbot.edl.model import Edit, Fade, Segment, with_ops
from editorbot.progress import track

SAME_PLACE_S = 0.012
"""A frame: so far a stretched piece's ends may be off the raw's place where it goes on."""
UNITY_DB = 0.01
"""A gain nearer to 0 dB than this is 0 dB: the edit is a copy, not an amplification."""
ROUND_DB = 5e-5
"""A gain nearer than this to hundredths of a dB is that number, as rounding of samples blurs it."""
LEAST_BETWEEN = 1 / 8
"""Of a piece, the share between its fades that its gain is measured by at least."""
SETTLED, SETTLED_MASTERED = 0.003, 0.05
"""Relative change of a gain that moves no fade; beside a compressor, none of its own doing."""
SHORTEST_PIECE_S = 0.01
"""What placing the cuts leaves of a piece must be longer, or it was not there."""
EDGE = 5
"""... and so many times longer at the edit's ends without source, where fades are as quiet."""


def assemble(
    pieces: list[Piece],
    raw: Side,
    edit: Side,
    *,
    diagonals: Sequence[Diagonal],
    max_fade_s: float,
    clock: float = 1.0,
) -> Edit:
    """The EDL of pieces, each boundary, fade and gain placed by least squares.

    `diagonals` are those that the path chose from, and takes that are the same are found by.
    Pieces lie on an edit that was spread by `clock` (`open_pair`); the list takes that back.
    """
    playback = fit_playback(raw.mono, edit.mono, pieces, rate=raw.rate)
    placing = {"playback": playback, "max_fade_s": max_fade_s}
    shortest = round(SHORTEST_PIECE_S * raw.rate)
    pieces = _without_remnants(_placed(pieces, range(1, len(pieces)), **placing), shortest)
    if not playback.is_filtered:
        pieces = _of_the_right_takes(pieces, diagonals, placing)
        pieces = _with_gain_steps(pieces, raw, edit, placing)
    settled = SETTLED_MASTERED if playback.is_filtered else SETTLED
    # A long fade hides the gain from the first estimate, and a wrong gain bends the fade.
    for _ in range(2):
        refitted = _with_fitted_gains(pieces, playback)
        moved = [abs(a.gain / b.gain - 1) > settled for a, b in zip(refitted, pieces, strict=True)]
        pieces = refitted
        if not any(moved):
            break
        again = [i for i in range(1, len(pieces)) if moved[i - 1] or moved[i]]
        pieces = _without_remnants(_placed(pieces, again, **placing), shortest)
    # The list's gains are the editor's, not those of mastering.
    copied = replace(playback, taps=None)
    pieces = _with_fitted_gains(pieces, copied)
    if not playback.is_filtered:
        pieces = _adjusted(pieces, copied)
    pieces = with_continuity(pieces, raw.rate)
    samples = round(len(edit.mono) / clock)
    pieces = [_on_own_clock(piece, clock) for piece in pieces]
    segments = _joined([s for piece in pieces for s in _segments(piece, raw)])
    return Edit(
        sample_rate=raw.rate,
        samples=samples,
        sources=tuple(source_of(recording.info.path) for recording in raw.recordings),
        segments=with_ops(segments, tolerance=round(SAME_PLACE_S * raw.rate)),
    )


def _of_the_right_takes(
    pieces: list[Piece], diagonals: Sequence[Diagonal], placing: dict[str, object]
) -> list[Piece]:
    """The pieces; of takes that are the same they play those that explain their fades."""
    told = told_by_fades(pieces, **placing)
    told = with_hidden_cuts(told, diagonals, **placing)
    known = {(piece.start, piece.lag) for piece in pieces}
    is_new = [(piece.start, piece.lag) not in known for piece in told]
    again = [i for i in range(1, len(told)) if is_new[i - 1] or is_new[i]]
    return _placed(told, again, **placing) if again else told


def _with_gain_steps(
    pieces: list[Piece], raw: Side, edit: Side, placing: dict[str, object]
) -> list[Piece]:
    """The pieces, divided at steps that only show once their ends are known."""
    known = {piece.start for piece in pieces}
    divided = with_gain_steps(pieces, raw, edit)
    new = [index for index, piece in enumerate(divided) if piece.start not in known]
    return _placed(divided, new, **placing) if new else pieces


def _adjusted(pieces: list[Piece], playback: Playback) -> list[Piece]:
    """The pieces, their boundaries moved by the few samples that the last gains ask for."""
    pieces = list(pieces)
    for index in range(1, len(pieces)):
        before, after = pieces[index - 1], pieces[index]
        if before.is_comparable and after.is_comparable:
            boundary = adjusted_boundary(playback, before, after)
            pieces[index - 1] = replace(before, stop=boundary.position, fade_out=boundary.fade)
            pieces[index] = replace(after, start=boundary.position, fade_in=boundary.fade)
    return _with_fitted_gains(pieces, playback)


def _on_own_clock(piece: Piece, clock: float) -> Piece:
    if clock == 1:
        return piece
    place = {"start": round(piece.start / clock), "stop": round(piece.stop / clock)}
    speed = piece.treatment.speed * clock
    pitch = piece.treatment.pitch_semitones + tape_pitch(clock)
    treatment = replace(piece.treatment, speed=speed, pitch_semitones=pitch)
    return replace(piece, **place, treatment=treatment)


def _placed(
    pieces: list[Piece],
    boundaries: Sequence[int],
    *,
    playback: Playback,
    max_fade_s: float,
) -> list[Piece]:
    """Place the boundaries before the pieces of these numbers, and the edit's two ends."""
    pieces = list(pieces)
    if pieces[0].lag is not None:
        fade = edge_fade(playback, pieces[0], side="in", max_fade_s=max_fade_s)
        pieces[0] = replace(pieces[0], fade_in=fade)
    if pieces[-1].lag is not None:
        fade = edge_fade(playback, pieces[-1], side="out", max_fade_s=max_fade_s)
        pieces[-1] = replace(pieces[-1], fade_out=fade)
    for index in track(boundaries, "placing cuts"):
        before, after = pieces[index - 1], pieces[index]
        boundary = place_boundary(playback, before, after, max_fade_s=max_fade_s)
        position = int(np.clip(boundary.position, before.start, after.stop))
        fade = boundary.fade
        pieces[index - 1] = replace(
            before, stop=position, fade_out=Fade() if before.lag is None else fade
        )
        pieces[index] = replace(
            after, start=position, fade_in=Fade() if after.lag is None else fade
        )
    return pieces


def _without_remnants(pieces: list[Piece], shortest: int) -> list[Piece]:
    """Give what is left of pieces that are not there to the piece before, or after."""
    kept: list[Piece] = []
    for piece in pieces:
        least = shortest if piece.lag is not None else EDGE * shortest
        at_edge = not kept or piece is pieces[-1]
        if piece.samples >= (least if at_edge else shortest) or len(pieces) == 1:
            start = 0 if not kept else kept[-1].stop
            kept.append(replace(piece, start=start))
        elif kept:
            kept[-1] = replace(kept[-1], stop=piece.stop)
    return kept


def _with_fitted_gains(pieces: list[Piece], playback: Playback) -> list[Piece]:
    """The pieces with the least-squares gain of what they play between their fades.

    Where fades reach across, another piece sounds too: those stretches are left out if enough
    else remains.
    """
    around = [None, *pieces, None]
    threes = zip(around[:-2], pieces, around[2:], strict=True)
    return [_with_fitted_gain(*three, playback) for three in threes]


def _with_fitted_gain(
    before: Piece | None, piece: Piece, after: Piece | None, playback: Playback
) -> Piece:
    if piece.lag is None:
        return piece

    def inside(fade: Fade, neighbour: Piece | None) -> int:
        # A fade from one piece to the next lies half in each.
        across = neighbour is not None and neighbour.lag is not None
        return fade.samples - fade.samples // 2 if across else fade.samples

    start = piece.start + inside(piece.fade_in, before)
    stop = piece.stop - inside(piece.fade_out, after)
    if stop - start < LEAST_BETWEEN * piece.samples:
        start, stop = piece.start, piece.stop
    product = energy = 0.0
    for first in range(start, stop, BLOCK_SAMPLES):
        last = min(first + BLOCK_SAMPLES, stop)
        played = playback.played(piece, first, last)
        heard = playback.heard(first, last)
        # Of another waveform only the level can be compared.
        product += float(np.dot(heard, played if piece.is_copy else heard))
        energy += float(np.dot(played, played))
        release(playback.raw, playback.edit)
    gain = product / energy if product and energy else piece.gain
    return replace(piece, gain=gain if piece.is_copy else abs(gain) ** 0.5)


def _segments(piece: Piece, raw: Side) -> list[Segment]:
    """The piece as a segment, with silence where it would reach beyond its raw's ends."""
    if piece.lag is None:
        return [_nothing(piece.start, piece.stop)]
    number, recording = _recording_of(piece, raw)
    piece = replace(piece, lag=piece.lag - recording.start)
    start, stop = _inside_raw(piece, recording.samples)
    if stop <= start:
        return [_nothing(piece.start, piece.stop)]
    src_start, src_end = _source_run(piece, start, stop, recording, raw.rate)
    treatment = piece.treatment
    gain_db = _round_gain_db(piece.gain)
    segment = Segment(
        out_start=start,
        out_end=stop,
        source=number,
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


def _recording_of(piece: Piece, raw: Side) -> tuple[int, Recording]:
    """The raw, and its number, in which the middle of what the piece plays lies."""
    middle = piece.lag + piece.treatment.slope * (piece.start + piece.stop) / 2
    starts = [recording.start for recording in raw.recordings]
    number = max(0, int(np.searchsorted(starts, middle, side="right")) - 1)
    return number, raw.recordings[number]


def _inside_raw(piece: Piece, raw_samples: int) -> tuple[int, int]:
    """The edit samples of the piece at which the raw has a sample to play."""
    slope = piece.treatment.slope
    first, last = (0, raw_samples) if slope > 0 else (raw_samples - 1, -1)
    start = int(np.ceil((first - piece.lag) / slope - 1e-6))
    stop = int(np.ceil((last - piece.lag) / slope - 1e-6))
    return max(piece.start, start), min(piece.stop, stop)


def _source_run(
    piece: Piece, start: int, stop: int, recording: Recording, rate: int
) -> tuple[int, int]:
    """The raw's own samples [first, last) that edit samples [start, stop) of the piece play."""
    ends = [piece.lag + piece.treatment.slope * t for t in (start, stop)]
    first, last = (ends[1] + 1, ends[0] + 1) if piece.treatment.reverse else ends
    scale, samples = recording.info.sample_rate / rate, recording.info.samples
    first = int(np.clip(round(first * scale), 0, samples - 1))
    return first, int(np.clip(round(last * scale), first + 1, samples))


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
