"""Clips of a raw recording, and how they are joined to an edit."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from editorbot.edl.model import Edit, Fade, Segment, Source, with_ops

# Shares of joins that are hard cuts, and that fade long; lengths of fades in seconds.
HARD_CUT_SHARE, LONG_FADE_SHARE = 0.25, 0.2
SHORT_FADE_S, LONG_FADE_S = (0.003, 0.03), (0.05, 0.2)
SILENT_FADE_S = (0.005, 0.8)


@dataclass(frozen=True)
class Clip:
    """A run of the raw in the edit, as `Segment` has it.

    `start` is None where `silence` samples have no source; `foreign` says that sound from
    elsewhere is put there.
    """

    start: int | None
    stop: int | None
    bars: tuple[int, ...] = ()
    silence: int = 0
    foreign: bool = False
    gain_db: float = 0.0
    speed: float = 1.0
    pitch_semitones: float = 0.0
    reverse: bool = False
    polarity: int = 1

    @property
    def samples(self) -> int:
        """Length in output samples."""
        return self.silence if self.start is None else round((self.stop - self.start) / self.speed)


def as_edit(
    clips: list[Clip],
    source: Source,
    rng: np.random.Generator,
    rarely: np.random.Generator,
    *,
    long_fades: bool,
) -> Edit:
    """Lay the clips end to end and fade at every join; `rarely` draws what came to be later."""
    rate = source.sample_rate
    joins = [
        _join_fade(a, b, source, rng, long_fades)
        if a.start is not None and b.start is not None
        else _silent_fade(a, b, source, rarely)
        for a, b in pairwise(clips)
    ]
    slow = 1.0 if long_fades else 0.05
    curves = ("linear", "equal_power") if long_fades else ("linear",)
    opening, closing = (
        Fade(
            samples=_limited(rng.uniform(shortest, longest * slow), rate, clip),
            curve=curves[rarely.integers(len(curves))],
        )
        for shortest, longest, clip in ((0.002, 0.3, clips[0]), (0.02, 2.0, clips[-1]))
    )
    segments, position = [], 0
    for clip, fade_in, fade_out in zip(clips, [opening, *joins], [*joins, closing], strict=True):
        segments.append(_segment(clip, position, fade_in, fade_out))
        position += clip.samples
    return Edit(sample_rate=rate, samples=position, sources=(source,), segments=with_ops(segments))


def _limited(seconds: float, rate: int, clip: Clip) -> int:
    return min(round(seconds * rate), clip.samples // 2)


def _join_fade(
    before: Clip, after: Clip, source: Source, rng: np.random.Generator, long_fades: bool
) -> Fade:
    """A fade for both sides of a join, no longer than the clips and the raw around them allow."""
    kind = rng.random()
    span = LONG_FADE_S if long_fades and kind > 1 - LONG_FADE_SHARE else SHORT_FADE_S
    # Where the same sound goes on, powers would add up to a bump of 3 dB.
    continuous = before.stop == after.start and not before.reverse and not after.reverse
    curve = "linear" if continuous or rng.random() < 0.5 else "equal_power"
    samples = round(rng.uniform(*span) * source.sample_rate)
    if kind < HARD_CUT_SHARE:
        return Fade(samples=0, curve=curve)
    room = min(before.samples, after.samples) // 2
    for clip in (before, after):
        if clip.start is not None:
            room = min(room, clip.start, source.samples - clip.stop)
    return Fade(samples=max(0, min(samples, room)), curve=curve)


def _silent_fade(before: Clip, after: Clip, source: Source, rng: np.random.Generator) -> Fade:
    """A fade in from silence or out to it; it lies wholly inside its segment."""
    if rng.random() < HARD_CUT_SHARE:
        return Fade()
    sounding = after if before.start is None else before
    curve = "linear" if rng.random() < 0.5 else "equal_power"
    samples = _limited(rng.uniform(*SILENT_FADE_S), source.sample_rate, sounding)
    return Fade(samples=samples, curve=curve)


def _segment(clip: Clip, position: int, fade_in: Fade, fade_out: Fade) -> Segment:
    place = {"out_start": position, "out_end": position + clip.samples}
    if clip.start is None:
        return Segment(**place, source=None, src_start=None, src_end=None)
    return Segment(
        **place,
        source=0,
        src_start=clip.start,
        src_end=clip.stop,
        gain_db=clip.gain_db,
        speed=clip.speed,
        pitch_semitones=clip.pitch_semitones,
        reverse=clip.reverse,
        polarity=clip.polarity,
        fade_in=fade_in,
        fade_out=fade_out,
    )
