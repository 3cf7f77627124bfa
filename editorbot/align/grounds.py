"""What a confidence rests on: numbers measured on the finished list and on the sound of both sides.

A list in hand, each segment is played once more beside what the edit has there, on the whitened
waveforms at the analysis rate. What waveforms cannot tell, as of stretched runs, spectra must. All
numbers are of the order of one, so that one strength of regularisation suits all of them
(`benchmarks/alignment_confidence.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy.ndimage import uniform_filter1d

from editorbot.align.features import HOP, Features, compute_features
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
from editorbot.edl.model import Edit, Segment, goes_on

BLOCK_FRAMES = 512
"""6 s: of longer runs so much is played at once."""
STRETCHED_S = 8.0
"""Of a stretched run so much around its middle is compared."""
SMOOTH_FRAMES, LONG_FRAMES = 21, 43
LEAST_PERCENTILE = 5
NOTES = (-20, -15, -10, 10, 15, 20)
"""Frames, .12 to .23 s: held notes are as alike there, a right run is not."""
NEAR_SAMPLES = round(0.05 * ANALYSIS_RATE)
"""A cut is right within 50 ms."""
NEAR = (NEAR_SAMPLES,)
FAR = tuple(n * NEAR_SAMPLES for n in (2, 3, 4, 5))
CONTRAST_FRAMES, BLUR_FRAMES = 26, 4
""".3 s on either side of a boundary, less what a frame's window hears of both."""
GAIN_SAMPLES = 2**12
"""0.37 s."""
FLOOR = 1e-4
"""Of the edit's mean power: what is left by a copy is not told apart below it."""
MOST_ODDS = 9.0
LEAST_PLACE, MOST_OF_TWINS = 1 / 16, 0.5
BRIDGED = (0.75, 1.3)
"""Speeds at which the raw may have gone on under what was not found."""
NUDGE = 1e-9
"""Added to a speed of 1, for that would be played at whole samples of the analysis rate."""
SAME_SPEED, SAME_PITCH = 1e-7, 1e-5


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


class CutGrounds(NamedTuple):
    """Of a boundary between two segments.

    Attributes:
        near: Half the log of how much more is left around it if it lay 50 ms earlier or later,
            whichever is less; only sides of which the waveform is the raw's count.
        far: The same at .1 to .25 s, the least of all.
        contrast: Of stretched sides: the spectra's cosine within less that beyond the boundary.
        fade: Logarithm of one plus the fade's length in units of 50 ms.
        nothing: Whether a side has no source.
        fade_nothing: The product of the two: fades from or to nothing hide their ends.
        stretched: Whether a side is stretched or transposed.
        goes_on: Whether the source goes on, and only gain or polarity changes.
        shorter: Logarithm of the shorter side's seconds, 1 at most.
        odds: Of the two segments' confidences the lesser's logarithm of odds (`with_odds`).
        typical: Median evidence per frame of the edit's copies.
    """

    near: float
    far: float
    contrast: float
    fade: float
    nothing: float
    fade_nothing: float
    stretched: float
    goes_on: float
    shorter: float
    odds: float
    typical: float


SegmentGrounds = CopyGrounds | StretchedGrounds | NothingGrounds


class Sound(NamedTuple):
    """Features of both sides."""

    raw: Features
    edit: Features


@dataclass(frozen=True)
class Grounds:
    """What the confidence of each segment rests on, and of each boundary between two."""

    segments: tuple[SegmentGrounds, ...]
    cuts: tuple[CutGrounds, ...]


def measure_grounds(found: Edit, raw: Side, edit: Side, sound: Sound, *, clock: float) -> Grounds:
    """Measure what the confidences of the finished list `found` rest on.

    Args:
        found: The list, on the edit's own clock; confidences are the path's and the searches'.
        raw: The raw's side.
        edit: The edit's side, spread by `clock` (`open_pair`).
        sound: The features of both.
        clock: By how much slower the edit's recorder ran.
    """
    pair = _pair_of(found, raw, edit, sound, clock=clock)
    strengths = [_strengths(pair, piece) for piece in pair.pieces]
    together = np.concatenate([np.zeros(0), *strengths])
    typical = float(np.median(together)) if len(together) else 0.0
    return Grounds(_segment_grounds(pair, strengths, typical), _cut_grounds(pair, typical))


def with_odds(cuts: Sequence[CutGrounds], confidences: Sequence[float]) -> list[CutGrounds]:
    """The cuts' grounds, given the confidences of all segments."""
    odds = [log_odds(confidence) for confidence in confidences]
    lesser = map(min, odds[:-1], odds[1:])
    return [cut._replace(odds=least) for cut, least in zip(cuts, lesser, strict=True)]


@dataclass(frozen=True)
class _Pair:
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


def _pair_of(found: Edit, raw: Side, edit: Side, sound: Sound, *, clock: float) -> _Pair:
    """The finished list `found`, which is on the edit's own clock, beside both sides."""
    scale = ANALYSIS_RATE / raw.rate
    pieces = [_piece(segment, found, raw, clock=clock, scale=scale) for segment in found.segments]
    return _Pair(raw, edit, sound.raw, sound.edit, pieces, found.segments)


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


def _segment_grounds(
    pair: _Pair, strengths: Sequence[np.ndarray], typical: float
) -> tuple[SegmentGrounds, ...]:
    found: list[SegmentGrounds] = []
    for number, (piece, segment) in enumerate(zip(pair.pieces, pair.segments, strict=True)):
        if piece.lag is None:
            found.append(_nothing_grounds(pair, number, typical))
        elif piece.is_copy:
            found.append(_copy_grounds(pair, number, strengths[number], typical))
        else:
            found.append(_stretched_grounds(pair, piece, segment.confidence))
    return tuple(found)


def _strengths(pair: _Pair, piece: Piece) -> np.ndarray:
    """(F,) evidence of a copy's frames that sound on either side, without its ends and fades."""
    if not piece.is_comparable:
        return np.zeros(0)
    first, last = _inner_frames(piece)
    evidence = _evidence(pair, piece, first, last)
    return evidence[_sounds(pair, piece, first, first + len(evidence))]


def _sounds(pair: _Pair, piece: Piece, first: int, last: int) -> np.ndarray:
    """(F,) bool, whether the edit sounds at frames [first, last), or what `piece` plays there."""
    frames = np.arange(first, last)
    there = np.round(piece.lag / HOP + piece.treatment.slope * frames).astype(int)
    there = np.clip(there, 0, len(pair.played.quiet) - 1)
    return ~(pair.heard.quiet[frames] & pair.played.quiet[there])


def _inner_frames(piece: Piece) -> tuple[int, int]:
    """Frames [first, last) that hear nothing else, at least the one in the middle."""
    half = WINDOW_FRAMES * HOP // 2
    start = piece.start + half + piece.fade_in.samples
    stop = piece.stop - half - piece.fade_out.samples
    if stop - start < piece.samples // 4:
        start, stop = (3 * piece.start + piece.stop) // 4, (piece.start + 3 * piece.stop) // 4
    first = -(-start // HOP)
    return first, max(first + 1, stop // HOP)


def _evidence(pair: _Pair, piece: Piece, first: int, last: int) -> np.ndarray:
    """(F,) evidence of edit frames [first, last), if `piece` plays there."""
    last = min(last, len(pair.heard.quiet))
    half = WINDOW_FRAMES * HOP // 2
    parts = [np.zeros(0)]
    for start in range(first, last, BLOCK_FRAMES):
        stop = min(start + BLOCK_FRAMES, last)
        ends = start * HOP - half, (stop - 1) * HOP + half
        c = windowed_correlations(slice_padded(pair.edit.white, *ends), _played(pair, piece, *ends))
        parts.append(-0.5 * np.log(1 - np.minimum(np.abs(c), HIGHEST_CORRELATION) ** 2))
        release(pair.raw.white, pair.edit.white)
    return np.concatenate(parts)


def _played(pair: _Pair, piece: Piece, start: int, stop: int) -> np.ndarray:
    """(stop - start,) the raw, whitened, as `piece` plays it."""
    if piece.treatment == PLAIN:
        return delayed(pair.raw.white, piece.lag, start, stop)
    treatment = piece.treatment
    if treatment.speed == 1:
        speed = 1 + NUDGE
        treatment = replace(treatment, speed=speed, pitch_semitones=tape_pitch(speed))
    return treated(pair.raw.white, replace(piece, treatment=treatment), start, stop)


def _copy_grounds(pair: _Pair, number: int, strengths: np.ndarray, typical: float) -> CopyGrounds:
    piece, segment = pair.pieces[number], pair.segments[number]
    first, last = _inner_frames(piece)
    silent = 1 - len(strengths) / max(1, min(last, len(pair.heard.quiet)) - first)
    strengths = strengths if len(strengths) else np.zeros(1)
    is_plain = piece.treatment == PLAIN
    # One place in two or more is known by at most a half; higher is the score of a treated search.
    known = segment.confidence if is_plain and segment.confidence is not None else 1.0
    probability = known if known <= MOST_OF_TWINS else 1.0
    gains = [s.gain_db for s in pair.segments if s.has_source]
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


def log_odds(probability: float) -> float:
    """Natural logarithm of p / (1 - p), within `MOST_ODDS`."""
    low = 1 / (1 + np.exp(MOST_ODDS))
    p = float(np.clip(probability, low, 1 - low))
    return float(np.log(p / (1 - p)))


def _stretched_grounds(pair: _Pair, piece: Piece, score: float | None) -> StretchedGrounds:
    middle, reach = (piece.start + piece.stop) // 2, round(STRETCHED_S * ANALYSIS_RATE / 2)
    start, stop = max(piece.start, middle - reach), min(piece.stop, middle + reach)
    played = compute_features(treated(pair.raw.wave, piece, start, stop).astype(np.float32))
    heard = compute_features(slice_padded(pair.edit.wave, start, stop))
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


def _nothing_grounds(pair: _Pair, number: int, typical: float) -> NothingGrounds:
    piece = pair.pieces[number]
    inside = _frames_of(pair, piece)
    loud = np.percentile(pair.heard.level_db, 95)
    level = float(np.mean(pair.heard.level_db[inside])) - loud
    beside = [pair.pieces[n] for n in (number - 1, number + 1) if 0 <= n < len(pair.pieces)]
    inner = _inner_frames(piece)
    leads = [_evidence(pair, other, *inner) for other in beside if other.is_comparable]
    return NothingGrounds(
        level=float(np.clip(level / 10, -8, 1)),
        silent=float(np.mean(pair.heard.quiet[inside])),
        seconds=float(np.log(piece.samples / ANALYSIS_RATE)),
        leads=max((float(values.mean()) for values in leads if len(values)), default=0.0),
        typical=typical,
        at_end=float(number in (0, len(pair.pieces) - 1)),
        bridged=float(_is_bridged(pair, number)),
        missing=_missing_share(pair),
    )


def _frames_of(pair: _Pair, piece: Piece) -> slice:
    first = min(piece.start // HOP, len(pair.heard.quiet) - 1)
    return slice(first, max(first + 1, piece.stop // HOP))


def _missing_share(pair: _Pair) -> float:
    """Share of the sounding frames that have no source."""
    sounding = ~pair.heard.quiet
    nothing = [_frames_of(pair, piece) for piece in pair.pieces if piece.lag is None]
    return sum(int(sounding[place].sum()) for place in nothing) / max(1, int(sounding.sum()))


def _is_bridged(pair: _Pair, number: int) -> bool:
    """Whether what follows goes on about where what came before would be by then."""
    if not 0 < number < len(pair.pieces) - 1:
        return False
    before, piece, after = pair.pieces[number - 1 : number + 2]
    sources = [pair.segments[n].source for n in (number - 1, number + 1)]
    if sources[0] != sources[1]:
        return False
    left, taken_up = (
        p.lag + p.treatment.slope * at for p, at in ((before, piece.start), (after, piece.stop))
    )
    return BRIDGED[0] <= (taken_up - left) / piece.samples <= BRIDGED[1]


def _cut_grounds(pair: _Pair, typical: float) -> tuple[CutGrounds, ...]:
    floor = FLOOR * _mean_power(pair)
    found = []
    for number, (before, after) in enumerate(pairwise(pair.pieces)):
        join = _Join(pair, before, after, floor)
        fade = float(np.log1p(join.samples / NEAR_SAMPLES))
        stretched = [p for p in (before, after) if p.lag is not None and not p.is_copy]
        contrasts = [_contrast(pair, piece, after.start) for piece in stretched]
        shorter_s = min(before.samples, after.samples) / ANALYSIS_RATE
        found.append(
            CutGrounds(
                near=join.margin(NEAR),
                far=join.margin(FAR),
                contrast=min(contrasts, default=0.0),
                fade=fade,
                nothing=float(join.has_nothing),
                fade_nothing=fade * join.has_nothing,
                stretched=float(len(stretched) > 0),
                goes_on=float(goes_on(pair.segments[number], pair.segments[number + 1])),
                shorter=min(1.0, float(np.log(shorter_s))),
                odds=0.0,
                typical=typical,
            )
        )
    return tuple(found)


class _Join:
    """What two pieces leave of the edit around their boundary, and would if it lay elsewhere."""

    def __init__(self, pair: _Pair, before: Piece, after: Piece, floor: float) -> None:
        self.has_nothing = None in (before.lag, after.lag)
        self.samples = max(before.fade_out.samples, after.fade_in.samples)
        self._floor = floor
        reach = max(FAR) + self.samples
        self._at = reach
        ends = after.start - reach, after.start + reach
        self._heard = slice_padded(pair.edit.white, *ends).astype(np.float64)
        self._sounds = [_with_gain(pair, piece, *ends) for piece in (before, after)]
        # Fades reach across, or lie on the side that has a source.
        self._begin = -(self.samples // 2)
        if self.has_nothing:
            self._begin = 0 if before.lag is None else -self.samples

    def margin(self, offsets: Sequence[int]) -> float:
        """Least of the half log ratios of what is left at these offsets, in samples, to here."""
        return min(self._margin(sign * offset) for offset in offsets for sign in (-1, 1))

    def _margin(self, offset: int) -> float:
        here, there = self._left(0), self._left(offset)
        first = self._at + self._begin + min(0, offset)
        last = self._at + self._begin + self.samples + max(0, offset)
        floor = self._floor * (last - first)
        left = [float(np.sum(np.square(x[first:last]))) + floor for x in (there, here)]
        return 0.5 * float(np.log(left[0] / left[1]))

    def _left(self, offset: int) -> np.ndarray:
        """(T,) the edit less both sounds, faded by equal powers, the boundary moved."""
        since = np.arange(len(self._heard)) - (self._at + self._begin + offset)
        rising = np.clip((since + 0.5) / self.samples, 0, 1) if self.samples else since >= 0
        before, after = self._sounds
        falling, rising = np.cos(np.pi / 2 * rising), np.sin(np.pi / 2 * rising)
        return self._heard - falling * before - rising * after


def _contrast(pair: _Pair, piece: Piece, boundary: int) -> float:
    """By how much more a stretched piece's spectrum is like the edit's within it than beyond."""
    reach = CONTRAST_FRAMES * HOP
    ends = boundary - reach, boundary + reach
    played = compute_features(treated(pair.raw.wave, piece, *ends).astype(np.float32))
    heard = compute_features(slice_padded(pair.edit.wave, *ends))
    cosines = np.einsum("fd,fd->f", *(x.vectors.astype(np.float32) for x in (heard, played)))
    earlier = cosines[: CONTRAST_FRAMES - BLUR_FRAMES].mean()
    later = cosines[CONTRAST_FRAMES + BLUR_FRAMES :].mean()
    return float(earlier - later if piece.start < boundary - HOP else later - earlier)


def _mean_power(pair: _Pair) -> float:
    """Of the whitened edit."""
    energy = sum(
        float(np.sum(np.square(pair.edit.white[start : start + BLOCK_FRAMES * HOP])))
        for start in range(0, len(pair.edit.white), BLOCK_FRAMES * HOP)
    )
    release(pair.edit.white)
    return energy / max(1, len(pair.edit.white))


def _with_gain(pair: _Pair, piece: Piece, start: int, stop: int) -> np.ndarray:
    """(stop - start,) what `piece` sounds like there, at its gain nearby; zeros without source."""
    if not piece.is_comparable:
        return np.zeros(stop - start)
    inner = piece.start + piece.fade_in.samples, piece.stop - piece.fade_out.samples
    if inner[1] - inner[0] < NEAR_SAMPLES:
        inner = piece.start, piece.stop
    # From the end of the piece that is nearer.
    if start - inner[0] < inner[1] - stop:
        inner = inner[0], min(inner[1], inner[0] + GAIN_SAMPLES)
    else:
        inner = max(inner[0], inner[1] - GAIN_SAMPLES), inner[1]
    played = _played(pair, piece, *inner)
    power = float(played @ played)
    gain = float(slice_padded(pair.edit.white, *inner) @ played) / max(power, 1e-12)
    return gain * _played(pair, piece, start, stop)
