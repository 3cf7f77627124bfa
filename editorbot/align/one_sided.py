"""Where a piece ends beside silence, or beside sound that no copy explains.

Only one side is known there, and a compressor turns up what fades: the end is told by how the
piece's share of the sound goes, not by what is left.
"""

import numpy as np

from editorbot.align.boundary import Boundary
from editorbot.align.gain_profile import fitted_end, measured_profile
from editorbot.align.piece import Piece
from editorbot.align.playback import Playback

SILENCE_BLOCK, SILENT_BLOCKS = 64, 8
"""Samples in which levels are compared where a piece may border on silence, and blocks of it that
make it silence."""
SILENT = 0.01
"""Of the piece's level: -40 dB, as noise that was added is hardly ever."""
EARLY, LATE = (0.05, 0.2), (0.3, 0.7)
"""Shares of its level at two instants of its rise from silence, by which its begin is told."""
STEEP_BLOCKS = 6
"""From the one late instant to the other, within a fade so short that only they count."""
FAINTEST = 1e-5
SHORTEST_PROFILE_S = 0.015
"""Shorter fades beside other sound are told better by what they leave."""
LONGEST_PROFILE_S = 1.5
REACH_S = 0.35


def silent_end(playback: Playback, pair: tuple[Piece, Piece]) -> int | None:
    """Where silence and a piece meet; None if there is no silence beside it.

    A fade that rises from silence grows evenly at first, so that where it began is told by two of
    its levels.
    """
    before, after = pair
    piece, towards = (after, 1) if before.lag is None else (before, -1)
    reach = round(REACH_S * playback.rate)
    first, last = max(before.start, before.stop - reach), min(after.stop, before.stop + reach)
    count = (last - first) // SILENCE_BLOCK
    if count == 0:
        return None
    stop = first + count * SILENCE_BLOCK
    sounds = playback.heard(first, stop), playback.played(piece, first, stop) * piece.gain
    heard, played = (_levels(sound.reshape(count, -1))[::towards] for sound in sounds)
    silent = _longest_run(heard < SILENT * played)
    if silent.stop - silent.start < SILENT_BLOCKS:
        return None
    level = heard[silent.start :] / played[silent.start :]
    begun, full, *late = (_first_above(level, share) for share in (*EARLY, *LATE))
    if late[1] is None:
        return None
    low, high = EARLY
    if late[1] - late[0] <= STEEP_BLOCKS:
        # What rings on after a hard cut is faint; what fades slowly is told by its faint part.
        (begun, full), (low, high) = late, LATE
    offset = round((silent.start + begun - (full - begun) * low / (high - low)) * SILENCE_BLOCK)
    return int(np.clip(first + offset if towards > 0 else stop - offset, before.start, after.stop))


def _levels(blocks: np.ndarray) -> np.ndarray:
    return np.sqrt(np.mean(blocks**2, axis=1) + FAINTEST**2)


def _longest_run(flags: np.ndarray) -> slice:
    """Where the longest run of true flags lies."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(int)))
    runs = [slice(int(a), int(b)) for a, b in edges.reshape(-1, 2)]
    return max(runs, key=lambda run: run.stop - run.start, default=slice(0, 0))


def _first_above(level: np.ndarray, share: float) -> int | None:
    above = level > share
    return int(above.argmax()) if above.any() else None


def faded_end(playback: Playback, pair: tuple[Piece, Piece], *, longest: int) -> Boundary | None:
    """Where the one copy of a pair ends, near their border, and its fade unless that is short."""
    before, after = pair
    copy, other, towards = (before, after, 1) if before.is_comparable else (after, before, -1)
    reach = round(REACH_S * playback.rate)
    longest = min(longest, copy.samples)
    reaches = (reach + min(longest, round(LONGEST_PROFILE_S * playback.rate)), 2 * reach)[::towards]
    border = before.stop
    first = max(before.start, border - reaches[0])
    last = min(after.stop, border + reaches[1])
    profile = measured_profile(playback, copy, first, last, outwards=towards)
    if profile is None:
        return None
    end, samples, curve = fitted_end(profile, longest=longest)
    if samples < SHORTEST_PROFILE_S * playback.rate:
        samples = 0
    position = first + end if towards > 0 else first + profile.samples - end
    if other.lag is not None:
        # The fade goes across: its end is not the boundary, which lies in its middle.
        position -= towards * (samples // 2)
    return Boundary(int(np.clip(position, before.start, after.stop)), samples, curve)
