"""The editor: keeps what is good of a recording and arranges it, as an exact edit list."""

from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from editorbot.corpus.simulation.clips import Clip, as_edit
from editorbot.corpus.simulation.record import Recording, Stretch
from editorbot.edl.model import Edit, Source
from editorbot.params import SimulateParams

PRE_ROLL_S, POST_ROLL_S = 0.05, 0.5
SILENCE_S = (0.3, 1.5)
FOREIGN_S = (0.5, 4.0)
GAIN_CHANGE_SHARE = 0.5
SHORTEST_REST_S = 0.2
LEAST_GAIN_STEP_DB = 1.0
# Gain steps leave so much of a run untouched at either end.
GAIN_STEP_MARGIN_S = 1.0
# Bars before a break that an arranger plays twice.
TAG_BARS = 2


class Decided(NamedTuple):
    """An edit list, and the numbers of its segments that get sound from elsewhere."""

    edit: Edit
    foreign: tuple[int, ...]


def edit_recording(
    recording: Recording, source: Source, rng: np.random.Generator, params: SimulateParams
) -> Decided:
    """Decide what the editor does at `params.level` and write it down.

    Args:
        recording: The raw recording and what its parts are.
        source: How the edit list names the raw recording.
        rng: Source of chance.
        params: The editor's habits.
    """
    arranger = params.editor == "arranger"
    units = _more_kept(recording) if arranger else _good(recording)
    # Rarer habits have a generator of their own: switched off, they leave all else as it was.
    rarely = rng.spawn(1)[0]
    arranged = params.level != "splice"
    if arranged:
        units = _reordered(units, rng, share=params.reorder_share)
    clips = _joined(units)
    clips = _trimmed(clips, rng, params, source)
    if arranger:
        clips = [part for clip in (clips[-1], *clips[:-1]) for part in _tagged(clip)]
    if arranged:
        clips = [part for clip in clips for part in _looped(clip, rng, share=params.loop_share)]
        clips = [_with_gain(clip, rng, params) for clip in clips]
        clips = [part for clip in clips for part in _gain_steps(clip, rarely, params, source)]
    if params.level == "hard":
        clips = [part for clip in clips for part in _treated(clip, rng, params, source.sample_rate)]
        clips = _with_foreign_sound(clips, rarely, params, source)
        clips = _drifted(clips, rarely, params)
    if arranged:
        clips = _with_silence(clips, rarely, params, source)
    edit = as_edit(clips, source, rng, rarely, long_fades=arranged)
    return Decided(edit, tuple(n for n, clip in enumerate(clips) if clip.foreign))


def _good(recording: Recording) -> list[Stretch]:
    return [stretch for stretch in recording.stretches if stretch.cause is None]


def _more_kept(recording: Recording) -> list[Stretch]:
    """What is good, with whole vamps, and the count-ins of what is kept."""
    units: list[Stretch] = []
    for stretch in reversed(recording.stretches):
        counts = stretch.cause == "count_in" and units and units[-1].start == stretch.stop
        if counts or stretch.cause in (None, "vamp"):
            units.append(stretch)
    return units[::-1]


def dropped_stretches(recording: Recording, edit: Edit) -> list[dict[str, object]]:
    """The raw that `edit` does not play, with its cause: `{start_s, end_s, cause}` in order.

    Slivers that come from cutting a little beside a bar line are left out.
    """
    used = sorted(
        (segment.src_start, segment.src_end) for segment in edit.segments if segment.has_source
    )
    dropped: list[dict[str, object]] = []
    for stretch in recording.stretches:
        if stretch.cause is None:
            continue
        for start, stop in _outside(stretch.start, stretch.stop, used):
            start_s, end_s = start / recording.sample_rate, stop / recording.sample_rate
            before = dropped[-1] if dropped else None
            if before and before["cause"] == stretch.cause and before["end_s"] == start_s:
                before["end_s"] = end_s
            elif end_s - start_s > 0.02:
                dropped.append({"start_s": start_s, "end_s": end_s, "cause": stretch.cause})
    return dropped


def _outside(start: int, stop: int, used: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """What of `[start, stop)` no run of `used`, sorted by start, covers."""
    result = []
    for first, last in used:
        if last <= start or first >= stop:
            continue
        if first > start:
            result.append((start, first))
        start = max(start, last)
    if start < stop:
        result.append((start, stop))
    return result


def _reordered(units: list[Stretch], rng: np.random.Generator, *, share: float) -> list[Stretch]:
    """Swap some passages with the next; a vamp's repeat stays behind its passage."""
    groups: list[list[Stretch]] = []
    for unit in units:
        if groups and groups[-1][0].passage == unit.passage:
            groups[-1].append(unit)
        else:
            groups.append([unit])
    index = 0
    while index < len(groups) - 1:
        if rng.random() < share:
            groups[index], groups[index + 1] = groups[index + 1], groups[index]
            index += 1
        index += 1
    return [unit for group in groups for unit in group]


def _joined(units: list[Stretch]) -> list[Clip]:
    """One clip for what follows each other in the raw."""
    clips: list[Clip] = []
    for unit in units:
        if clips and clips[-1].stop == unit.start:
            bars = tuple(sorted({*clips[-1].bars, *unit.bars}))
            clips[-1] = replace(clips[-1], stop=unit.stop, bars=bars)
        else:
            clips.append(Clip(unit.start, unit.stop, unit.bars))
    return clips


def _trimmed(
    clips: list[Clip], rng: np.random.Generator, params: SimulateParams, source: Source
) -> list[Clip]:
    """Cut a little beside the bar lines, on both sides alike, so that the rhythm goes on."""
    rate, result = source.sample_rate, list(clips)
    for index in range(len(clips) - 1):
        shift = round(rng.uniform(-1, 0.4) * params.cut_jitter_s * rate)
        result[index] = replace(result[index], stop=result[index].stop + shift)
        result[index + 1] = replace(result[index + 1], start=result[index + 1].start + shift)
    pre, post = (round(rng.uniform(0, roll) * rate) for roll in (PRE_ROLL_S, POST_ROLL_S))
    result[0] = replace(result[0], start=max(0, result[0].start - pre))
    result[-1] = replace(result[-1], stop=min(source.samples, result[-1].stop + post))
    return result


def _tagged(clip: Clip) -> list[Clip]:
    """Play the last bars of a clip twice."""
    if len(clip.bars) <= TAG_BARS + 1:
        return [clip]
    # As long as those bars, from wherever the clip was cut beside a bar line.
    start = clip.stop - (clip.bars[-1] - clip.bars[-1 - TAG_BARS])
    return [clip, replace(clip, start=start, bars=())]


def _looped(clip: Clip, rng: np.random.Generator, *, share: float) -> list[Clip]:
    """Perhaps repeat one, two or four bars of a clip, once or twice."""
    count = int(rng.choice([1, 2, 4]))
    if len(clip.bars) < count + 2 or rng.random() >= share:
        return [clip]
    first = int(rng.integers(0, len(clip.bars) - count))
    start, stop = clip.bars[first], clip.bars[first + count]
    if not clip.start < start < stop < clip.stop:
        return [clip]
    repeats = [replace(clip, start=start, stop=stop, bars=())] * int(rng.integers(0, 2))
    return [
        replace(clip, stop=stop, bars=tuple(bar for bar in clip.bars if bar <= stop)),
        *repeats,
        replace(clip, start=start, bars=tuple(bar for bar in clip.bars if bar >= start)),
    ]


def _with_gain(clip: Clip, rng: np.random.Generator, params: SimulateParams) -> Clip:
    if rng.random() >= GAIN_CHANGE_SHARE:
        return clip
    return replace(clip, gain_db=round(float(rng.uniform(-1, 1) * params.gain_db), 1))


def _gain_steps(
    clip: Clip, rng: np.random.Generator, params: SimulateParams, source: Source
) -> list[Clip]:
    """Perhaps change the gain once or twice while a clip goes on."""
    margin = round(GAIN_STEP_MARGIN_S * source.sample_rate)
    if params.gain_db < LEAST_GAIN_STEP_DB or rng.random() >= params.gain_step_share:
        return [clip]
    parts = [clip]
    for _ in range(int(rng.integers(1, 3))):
        last = parts[-1]
        if last.stop - last.start < 3 * margin:
            break
        at = int(rng.integers(last.start + margin, last.stop - margin))
        gain_db = last.gain_db
        while abs(gain_db - last.gain_db) < LEAST_GAIN_STEP_DB:
            gain_db = round(float(rng.uniform(-1, 1) * params.gain_db), 1)
        before = tuple(bar for bar in last.bars if bar <= at)
        after = tuple(bar for bar in last.bars if bar >= at)
        parts[-1:] = [
            replace(last, stop=at, bars=before),
            replace(last, start=at, bars=after, gain_db=gain_db),
        ]
    return parts


def _treated(clip: Clip, rng: np.random.Generator, params: SimulateParams, rate: int) -> list[Clip]:
    """Perhaps reverse, speed up, shift or invert a bar or two of a clip."""
    # What is left before and after is music, not a few milliseconds from beside the bar line.
    margin = round(SHORTEST_REST_S * rate)
    inner = [bar for bar in clip.bars if clip.start + margin < bar < clip.stop - margin]
    if len(inner) < 4 or rng.random() >= params.treated_share:
        return [clip]
    first = int(rng.integers(0, len(inner) - 2))
    start, stop = inner[first], inner[first + int(rng.integers(1, 3))]
    return [
        replace(clip, stop=start, bars=()),
        _treatment(replace(clip, start=start, stop=stop, bars=()), rng),
        replace(clip, start=stop, bars=()),
    ]


def _treatment(clip: Clip, rng: np.random.Generator) -> Clip:
    kind = rng.choice(["reverse", "tape", "tempo", "pitch", "polarity"])
    if kind == "reverse":
        return replace(clip, reverse=True)
    if kind == "polarity":
        return replace(clip, polarity=-1)
    if kind == "pitch":
        return replace(clip, pitch_semitones=float(rng.choice([-3, -2, -1, 1, 2, 3])))
    speed = round(float(rng.uniform(0.8, 1.25)), 3)
    pitch = 12.0 * float(np.log2(speed)) if kind == "tape" else 0.0
    return replace(clip, speed=speed, pitch_semitones=pitch)


def _with_foreign_sound(
    clips: list[Clip], rng: np.random.Generator, params: SimulateParams, source: Source
) -> list[Clip]:
    """Put places for sound from elsewhere before some clips but the first."""
    result = clips[:1]
    for clip in clips[1:]:
        if rng.random() < params.foreign_share:
            samples = round(rng.uniform(*FOREIGN_S) * source.sample_rate)
            result.append(Clip(None, None, silence=samples, foreign=True))
        result.append(clip)
    return result


def _drifted(clips: list[Clip], rng: np.random.Generator, params: SimulateParams) -> list[Clip]:
    """Perhaps play everything a little too fast or slow, as where two clocks differ."""
    if rng.random() >= params.drift_share:
        return clips
    factor = 1.0 + 1e-6 * params.drift_ppm * float(rng.uniform(-1, 1))
    return [
        clip
        if clip.start is None
        else replace(
            clip,
            speed=clip.speed * factor,
            pitch_semitones=clip.pitch_semitones + 12.0 * float(np.log2(factor)),
        )
        for clip in clips
    ]


def _with_silence(
    clips: list[Clip], rng: np.random.Generator, params: SimulateParams, source: Source
) -> list[Clip]:
    """Put silence before some clips, and from level mastered on perhaps before the first."""
    result = clips[:1]
    for before, clip in pairwise(clips):
        both = before.start is not None and clip.start is not None
        if rng.random() < params.silence_share and both:
            result.append(Clip(None, None, silence=_samples(SILENCE_S, rng, source)))
        result.append(clip)
    if params.level in ("mastered", "hard") and rng.random() < params.leading_share:
        leading = _samples((0.02 * params.leading_s, params.leading_s), rng, source)
        result.insert(0, Clip(None, None, silence=leading))
    return result


def _samples(span_s: tuple[float, float], rng: np.random.Generator, source: Source) -> int:
    return max(1, round(rng.uniform(*span_s) * source.sample_rate))
