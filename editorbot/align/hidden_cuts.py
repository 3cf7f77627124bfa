"""Cuts from one take to another that is the same, where a fade shows that there is one.

The path takes the fewest cuts: where a take that was replaced goes on as the later one does, it
goes on with the replaced one. Inside a copy that leaves nothing else unexplained, one fade of some
milliseconds remains, in which what comes before the later take is heard.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from scipy.ndimage import uniform_filter1d

from editorbot.align.diagonals import Diagonal
from editorbot.align.fade_model import AUDIBLE
from editorbot.align.features import HOP
from editorbot.align.offsets import exact_lag
from editorbot.align.piece import PLAIN, Piece
from editorbot.align.playback import Playback
from editorbot.align.sides import ANALYSIS_RATE
from editorbot.align.twins import CLEARLY_LESS, left_beside, left_between
from editorbot.align.whiten import slice_padded
from editorbot.edl.model import Fade

BLOCK_S = 0.005
"""Sound is compared in such blocks."""
NEAR_BLOCKS = 21
"""Blocks whose mean energy says what is loud beside a block."""
UNEXPLAINED, LEAST = 1e-4, 1e-6
"""Share of the energy near a block, and of the whole piece's, that is left where a fade is."""
MOST_UNEXPLAINED = 0.02
"""Share of a piece's blocks; where it is more, the piece is no exact copy."""
LONGEST_FADE_S = 0.1
"""Fades from take to take that nobody is to hear are not longer."""
COMPARED_S = 1.0
"""How much of another take must be the same, beside the fade."""
LAG_MARGIN = 4
"""Samples at the analysis rate by which a diagonal's lag may be wrong."""
BLOCKS_AT_ONCE = 2**12


def with_hidden_cuts(
    pieces: Sequence[Piece],
    diagonals: Sequence[Diagonal],
    *,
    playback: Playback,
    max_fade_s: float,
) -> list[Piece]:
    """Pieces with boundaries placed -> the same, divided where a fade shows that there is a cut.

    `diagonals` are those that the path chose from; what is divided has boundaries yet to be placed.
    """
    placing = {"playback": playback, "max_fade_s": max_fade_s}
    result: list[Piece] = []
    for index, piece in enumerate(pieces):
        result.append(piece)
        around = result[-2:-1], list(pieces[index + 1 : index + 2])
        for fade in _unexplained(playback, piece):
            last = result[-1]
            options = list(_divided(playback, last, fade, diagonals))
            left = [_left(halves, *around, **placing) for halves in options]
            own = left_beside(last, *around, **placing).energy + _energy(playback, last, fade)
            if left and min(left) < CLEARLY_LESS * own:
                result[-1:] = options[int(np.argmin(left))]
                around = result[-2:-1], around[1]
    return result


def _unexplained(playback: Playback, piece: Piece) -> list[slice]:
    """Short stretches of edit samples that the piece does not explain, if it does all others."""
    block, longest = (round(s * playback.rate) for s in (BLOCK_S, LONGEST_FADE_S))
    start, stop = piece.start + piece.fade_in.samples, piece.stop - piece.fade_out.samples
    if piece.lag is None or piece.treatment != PLAIN or stop - start < 3 * longest:
        return []
    # What is beside the piece's own boundaries is theirs.
    start, stop = start + longest, stop - longest
    left, heard = _energies(playback, piece, start, stop, block)
    near = uniform_filter1d(heard, NEAR_BLOCKS, mode="nearest")
    is_left = (left > UNEXPLAINED * near) & (left > LEAST * heard.mean())
    if is_left.mean() > MOST_UNEXPLAINED:
        return []
    found = np.flatnonzero(is_left)
    groups = np.split(found, np.flatnonzero(np.diff(found) * block > longest) + 1)
    stretches = [slice(start + g[0] * block, start + (g[-1] + 1) * block) for g in groups if len(g)]
    return [s for s in stretches if s.stop - s.start <= longest]


def _energies(
    playback: Playback, piece: Piece, start: int, stop: int, block: int
) -> tuple[np.ndarray, np.ndarray]:
    """(N,) what the piece leaves of each block of edit samples from `start` on, and these's own."""
    left, heard = [], []
    for first in range(start, stop - block + 1, BLOCKS_AT_ONCE * block):
        last = min(first + BLOCKS_AT_ONCE * block, first + (stop - first) // block * block)
        sound = playback.heard(first, last)
        rest = sound - piece.gain * playback.played(piece, first, last)
        left.append((rest**2).reshape(-1, block).sum(axis=1))
        heard.append((sound**2).reshape(-1, block).sum(axis=1))
    return np.concatenate(left), np.concatenate(heard)


def _energy(playback: Playback, piece: Piece, fade: slice) -> float:
    """What the piece leaves of a stretch."""
    left, _ = _energies(playback, piece, fade.start, fade.stop, fade.stop - fade.start)
    return float(left[0])


def _divided(
    playback: Playback, piece: Piece, fade: slice, diagonals: Sequence[Diagonal]
) -> Iterator[list[Piece]]:
    """The piece in two parts, of which one plays another take that is the same there."""
    compared = round(COMPARED_S * playback.rate)
    place = (fade.start + fade.stop) // 2
    first = replace(piece, stop=place, fade_out=Fade(), twins=())
    second = replace(piece, start=place, fade_in=Fade(), twins=())
    for lag in _same_elsewhere(playback, piece, fade.start - compared, fade.start, diagonals):
        yield [replace(first, lag=lag), second]
    for lag in _same_elsewhere(playback, piece, fade.stop, fade.stop + compared, diagonals):
        yield [first, replace(second, lag=lag)]


def _same_elsewhere(
    playback: Playback, piece: Piece, start: int, stop: int, diagonals: Sequence[Diagonal]
) -> list[int]:
    """Other lags at which the raw is the same as what the piece plays at [start, stop)."""
    if start < piece.start or stop > piece.stop:
        return []
    scale = playback.rate / ANALYSIS_RATE
    margin = int(np.ceil(LAG_MARGIN * scale))
    middle = (start + stop) / 2 / (HOP * scale)
    found: dict[int, None] = {}
    for diagonal in diagonals:
        lag = round(diagonal.lag * scale)
        if not diagonal.first <= middle < diagonal.last or abs(lag - piece.lag) <= margin:
            continue
        spot = {"lag": lag, "margin": margin, "sample_rate": playback.rate}
        exact = exact_lag(playback.raw, playback.edit, start, stop, **spot).lag
        if _is_same(playback.raw, start, stop, piece.lag, exact):
            found[exact] = None
    return list(found)


def _is_same(raw: np.ndarray, start: int, stop: int, lag: int, other: int) -> bool:
    here, there = (slice_padded(raw, start + x, stop + x).astype(np.float64) for x in (lag, other))
    rest = here - there
    return float(rest @ rest) <= AUDIBLE * float(here @ here)


def _left(halves: list[Piece], before: list[Piece], after: list[Piece], **placing: object) -> float:
    """Energy that is left at the three boundaries of a piece that is divided."""
    first, second = halves
    ends = (first, before, []), (second, [], after)
    between = left_between((first, second), around=first.stop, **placing)
    return between.energy + sum(left_beside(*end, **placing).energy for end in ends)
