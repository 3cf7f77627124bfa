"""What the confidence of a segment rests on: how like the edit it is, and what could mislead.

What waveforms cannot tell, as of stretched runs, spectra must.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.ndimage import uniform_filter1d

from editorbot.align.features import HOP, Features, compute_features
from editorbot.align.path import WINDOW_FRAMES
from editorbot.align.piece import PLAIN, Piece
from editorbot.align.playback import treated
from editorbot.align.replay import Replay, evidence_along, inner_frames, sounding
from editorbot.align.sides import ANALYSIS_RATE
from editorbot.align.whiten import slice_padded

STRETCHED_S = 8.0
"""Of a stretched run so much around its middle is compared."""
SMOOTH_FRAMES, LONG_FRAMES = 21, 43
LEAST_PERCENTILE = 5
NOTES = (-20, -15, -10, 10, 15, 20)
"""Frames, .12 to .23 s: held notes are as alike there, a right run is not."""
LEAST_PLACE, MOST_OF_TWINS = 1 / 16, 0.5
BRIDGED = (0.75, 1.3)
"""Speeds at which the raw may have gone on under what was not found."""


class CopyGrounds(NamedTuple):
    """Of a run of which the waveform is the raw's.

    Attributes:
        likeness: Mean evidence per frame, -1/2 log(1 - c^2) of the local correlation c.
        least: A quarter of a second's, of all such the 5th percentile.
        lowest: The lowest of half a second, over that of all copies in the edit, at most 1.
        relative: Likeness over that of all copies in the edit, at most 2.
        evidence: Log of one plus the evidence of all independent frames together.
        place: Binary logarithm of the probability of its place among those that sound alike, -4
            at least: 0 of one, -1 of either of two; 0 if treated.
        treated: Whether it is reversed or at a tape's speed.
        silent: Share of its frames that are quiet on both sides, which says nothing.
        gain: By how many tens of decibels it is louder or quieter than most; at most 3.
    """

    likeness: float
    least: float
    lowest: float
    relative: float
    evidence: float
    place: float
    treated: float
    silent: float
    gain: float


class StretchedGrounds(NamedTuple):
    """Of a run that is stretched or transposed: its waveform is nobody's.

    Attributes:
        alike: Mean cosine of the spectra's shapes.
        sharp: By how much it falls a note further on, times the root of its seconds.
        score: Mean cosine that the search for treated runs had found.
        seconds: Logarithm of its length in seconds.
    """

    alike: float
    sharp: float
    score: float
    seconds: float


class NothingGrounds(NamedTuple):
    """Of a run without source.

    Attributes:
        level: Decibels over the edit's loud frames (95th percentile), in tens, -8 at least.
        silent: Share of its frames that are quiet.
        seconds: Logarithm of its length in seconds.
        leads: Highest evidence per frame of its neighbours, if they went on here.
        typical: Median evidence per frame of the edit's copies: noise hides what is there.
        at_end: Whether the edit begins or ends here.
        bridged: Whether the raw is taken up again about where it would be, had it gone on.
        missing: Share of the edit's sounding frames that have no source.
    """

    level: float
    silent: float
    seconds: float
    leads: float
    typical: float
    at_end: float
    bridged: float
    missing: float


SegmentGrounds = CopyGrounds | StretchedGrounds | NothingGrounds


def strengths_of(replay: Replay, piece: Piece) -> np.ndarray:
    """(F,) evidence of a copy's frames that sound on either side, without its ends and fades."""
    if not piece.is_comparable:
        return np.zeros(0)
    first, last = inner_frames(piece)
    evidence = evidence_along(replay, piece, first, last)
    return evidence[sounding(replay, piece, first, first + len(evidence))]


def segment_grounds(
    replay: Replay, strengths: Sequence[np.ndarray], typical: float
) -> tuple[SegmentGrounds, ...]:
    """Of each segment, given all segments' `strengths_of` and the median of all of them."""
    found: list[SegmentGrounds] = []
    for number, (piece, segment) in enumerate(zip(replay.pieces, replay.segments, strict=True)):
        if piece.lag is None:
            found.append(_nothing_grounds(replay, number, typical))
        elif piece.is_copy:
            found.append(_copy_grounds(replay, number, strengths[number], typical))
        else:
            found.append(_stretched_grounds(replay, piece, segment.confidence))
    return tuple(found)


def _copy_grounds(
    replay: Replay, number: int, strengths: np.ndarray, typical: float
) -> CopyGrounds:
    piece, segment = replay.pieces[number], replay.segments[number]
    first, last = inner_frames(piece)
    silent = 1 - len(strengths) / max(1, min(last, len(replay.heard.quiet)) - first)
    strengths = strengths if len(strengths) else np.zeros(1)
    is_plain = piece.treatment == PLAIN
    # One place in two or more is known by at most a half; higher is the score of a treated search.
    known = segment.confidence if is_plain and segment.confidence is not None else 1.0
    probability = known if known <= MOST_OF_TWINS else 1.0
    gains = [s.gain_db for s in replay.segments if s.has_source]
    return CopyGrounds(
        likeness=float(strengths.mean()),
        least=float(np.percentile(_smooth(strengths, SMOOTH_FRAMES), LEAST_PERCENTILE)),
        lowest=min(1.0, float(_smooth(strengths, LONG_FRAMES).min()) / max(typical, 1e-3)),
        relative=min(2.0, float(strengths.mean()) / max(typical, 1e-3)),
        evidence=float(np.log1p(strengths.sum() / WINDOW_FRAMES)),
        place=float(np.log2(max(probability, LEAST_PLACE))),
        treated=float(not is_plain),
        silent=silent,
        gain=min(3.0, float(abs(segment.gain_db - np.median(gains))) / 10),
    )


def _smooth(values: np.ndarray, frames: int) -> np.ndarray:
    return uniform_filter1d(values, min(frames, len(values)), mode="nearest")


def _stretched_grounds(replay: Replay, piece: Piece, score: float | None) -> StretchedGrounds:
    middle, reach = (piece.start + piece.stop) // 2, round(STRETCHED_S * ANALYSIS_RATE / 2)
    start, stop = max(piece.start, middle - reach), min(piece.stop, middle + reach)
    played = compute_features(treated(replay.raw.wave, piece, start, stop).astype(np.float32))
    heard = compute_features(slice_padded(replay.edit.wave, start, stop))
    seconds = piece.samples / ANALYSIS_RATE
    here = _cosine(heard, played, 0)
    notes = [_cosine(heard, played, note) for note in NOTES if abs(note) < len(heard.quiet) // 2]
    return StretchedGrounds(
        alike=here,
        sharp=(here - max(notes, default=0.0)) * float(np.sqrt(seconds)),
        score=0.0 if score is None else score,
        seconds=float(np.log(seconds)),
    )


def _cosine(heard: Features, played: Features, shift: int) -> float:
    """Mean cosine of the sounding frames, what is played read `shift` frames further on."""
    frames = len(heard.quiet)
    at = np.arange(max(0, -shift), min(frames, frames - shift))
    at = at[~heard.quiet[at]]
    if len(at) == 0:
        return 0.0
    ours, theirs = (x.astype(np.float32) for x in (heard.vectors[at], played.vectors[at + shift]))
    return float(np.einsum("fd,fd->f", ours, theirs).mean())


def _nothing_grounds(replay: Replay, number: int, typical: float) -> NothingGrounds:
    piece = replay.pieces[number]
    inside = _frames_of(replay, piece)
    loud = np.percentile(replay.heard.level_db, 95)
    level = float(np.mean(replay.heard.level_db[inside])) - loud
    beside = [replay.pieces[n] for n in (number - 1, number + 1) if 0 <= n < len(replay.pieces)]
    inner = inner_frames(piece)
    leads = [evidence_along(replay, other, *inner) for other in beside if other.is_comparable]
    return NothingGrounds(
        level=float(np.clip(level / 10, -8, 1)),
        silent=float(np.mean(replay.heard.quiet[inside])),
        seconds=float(np.log(piece.samples / ANALYSIS_RATE)),
        leads=max((float(values.mean()) for values in leads if len(values)), default=0.0),
        typical=typical,
        at_end=float(number in (0, len(replay.pieces) - 1)),
        bridged=float(_is_bridged(replay, number)),
        missing=_missing_share(replay),
    )


def _frames_of(replay: Replay, piece: Piece) -> slice:
    first = min(piece.start // HOP, len(replay.heard.quiet) - 1)
    return slice(first, max(first + 1, piece.stop // HOP))


def _missing_share(replay: Replay) -> float:
    """Share of the sounding frames that have no source."""
    sounding = ~replay.heard.quiet
    nothing = [_frames_of(replay, piece) for piece in replay.pieces if piece.lag is None]
    return sum(int(sounding[place].sum()) for place in nothing) / max(1, int(sounding.sum()))


def _is_bridged(replay: Replay, number: int) -> bool:
    """Whether what follows goes on about where what came before would be by then."""
    if not 0 < number < len(replay.pieces) - 1:
        return False
    before, piece, after = replay.pieces[number - 1 : number + 2]
    sources = [replay.segments[n].source for n in (number - 1, number + 1)]
    if sources[0] != sources[1]:
        return False
    left, taken_up = (
        p.lag + p.treatment.slope * at for p, at in ((before, piece.start), (after, piece.stop))
    )
    return BRIDGED[0] <= (taken_up - left) / piece.samples <= BRIDGED[1]
