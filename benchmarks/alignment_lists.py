"""Random edit lists, for the second generator of `benchmarks/alignment.py`.

Cuts lie anywhere, not on beats; segments last .4 to 20 s. Shares no code with the simulation.
"""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from editorbot.edl.model import Edit, Fade, Segment, Source, with_ops

SEGMENT_S = (0.4, 20.0)


@dataclass(frozen=True)
class Run:
    """A run of the output: `length` samples from `start` of the raw, None without source."""

    start: int | None
    length: int
    gain_db: float = 0.0
    speed: float = 1.0
    pitch: float = 0.0
    reverse: bool = False
    polarity: int = 1
    foreign: bool = False

    @property
    def stop(self) -> int:
        """Where in the raw it ends."""
        return self.start + max(1, round(self.length * self.speed))


def random_runs(
    samples: int, wanted: int, rate: int, level: str, rng: np.random.Generator
) -> list[Run]:
    """Runs that play about `wanted` samples of a raw of `samples`."""
    lengths: list[int] = []
    while sum(lengths) < wanted:
        lengths.append(round(np.exp(rng.uniform(*np.log(SEGMENT_S))) * rate))
    if level == "splice":
        starts = starts_in_order(lengths, samples, rng)
    else:
        starts = _starts_anywhere(lengths, samples, rate, rng)
    runs = [Run(start, length) for start, length in zip(starts, lengths, strict=True)]
    if level == "splice":
        return runs
    runs = [part for run in runs for part in _with_gains(run, rate, rng)]
    if level == "hard":
        runs = [_treated(run, samples, rng) for run in runs]
    result: list[Run] = []
    for before, run in pairwise([None, *runs]):
        if result and before.stop != run.start:
            if rng.random() < 0.1:
                result.append(Run(None, round(rng.uniform(0.2, 3) * rate)))
            elif level == "hard" and rng.random() < 0.15:
                result.append(Run(None, round(rng.uniform(0.5, 4) * rate), foreign=True))
        result.append(run)
    if level == "hard" and rng.random() < 0.5:
        result = _drifted(result, samples, 1 + rng.uniform(-200e-6, 200e-6))
    if level in ("mastered", "hard") and rng.random() < 0.3:
        result.insert(0, Run(None, round(rng.uniform(0.05, 3) * rate)))
    return result


def starts_in_order(lengths: list[int], samples: int, rng: np.random.Generator) -> list[int]:
    while sum(lengths) > 0.8 * samples:
        lengths.pop()
    gaps = rng.dirichlet(np.full(len(lengths) + 1, 1.5)) * (samples - sum(lengths))
    played = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    return (played + np.cumsum(gaps[:-1])).astype(int).tolist()


def _starts_anywhere(
    lengths: list[int], samples: int, rate: int, rng: np.random.Generator
) -> list[int]:
    """Half go forward by some seconds, a quarter play again what was just heard, others jump."""
    starts: list[int] = []
    at = int(rng.uniform(0, 0.2) * samples)
    for length in lengths:
        kind = rng.random()
        if kind < 0.5 or not starts:
            at += int(rng.exponential(3 * rate)) + rate // 10
        elif kind < 0.75:
            at -= int(rng.uniform(0.3, 1.0) * min(at, 8 * rate)) + 1
        else:
            at = int(rng.integers(0, samples))
        if not 0 <= at < samples - length:
            at = int(rng.integers(0, samples - length))
        starts.append(at)
        at += length
    return starts


def _with_gains(run: Run, rate: int, rng: np.random.Generator) -> list[Run]:
    """Perhaps another gain, and perhaps yet another from somewhere inside on."""
    if rng.random() < 0.5:
        run = replace(run, gain_db=float(rng.uniform(-6, 3)))
    if run.length < 3 * rate or rng.random() > 0.25:
        return [run]
    first = int(rng.uniform(0.25, 0.75) * run.length)
    step = float(rng.choice([-1, 1]) * rng.uniform(1.5, 5))
    gain_db = run.gain_db + (step if run.gain_db + step <= 3 else -abs(step))
    after = Run(run.start + first, run.length - first, gain_db=gain_db)
    return [replace(run, length=first), after]


def _treated(run: Run, samples: int, rng: np.random.Generator) -> Run:
    kind = rng.choice(["", "reverse", "tape", "tempo", "pitch", "polarity"], p=[0.65, *[0.07] * 5])
    if kind == "reverse":
        return replace(run, reverse=True)
    if kind == "polarity":
        return replace(run, polarity=-1)
    if kind == "pitch":
        return replace(run, pitch=float(rng.choice([-3, -2, -1, 1, 2, 3])))
    if kind in ("tape", "tempo"):
        speed = float(rng.uniform(0.8, 1.25))
        run = replace(run, speed=speed, pitch=12 * np.log2(speed) if kind == "tape" else 0.0)
        return replace(run, start=max(0, min(run.start, samples - (run.stop - run.start))))
    return run


def _drifted(runs: list[Run], samples: int, factor: float) -> list[Run]:
    pitch = 12 * float(np.log2(factor))
    result = []
    for run in runs:
        if run.start is not None:
            length = round(run.length / factor)
            run = replace(run, length=length, speed=run.speed * factor, pitch=run.pitch + pitch)
            run = replace(run, start=run.start - max(0, run.stop - samples))
        result.append(run)
    # Where the raw went on from one run to the next, it still does.
    for index, (before, run) in enumerate(pairwise(runs)):
        if None not in (before.start, run.start) and before.stop == run.start:
            result[index + 1] = replace(result[index + 1], start=result[index].stop)
    return [r if r.start is None or r.stop <= samples else _shorter(r, samples) for r in result]


def _shorter(run: Run, samples: int) -> Run:
    return replace(run, length=int((samples - run.start) / run.speed) - 1)


def random_fades(
    runs: list[Run], samples: int, rate: int, level: str, rng: np.random.Generator
) -> list[tuple[Fade, Fade]]:
    """Fade in and fade out of each run; those of a join are alike."""
    joins = [_random_fade(a, b, samples, rate, level, rng) for a, b in pairwise(runs)]
    longest = 3.0 if level != "splice" else 0.05
    ends = [
        Fade(samples=min(int(rng.uniform(0, longest) * rate), run.length // 2), curve=_curve(rng))
        for run in (runs[0], runs[-1])
    ]
    return list(zip([ends[0], *joins], [*joins, ends[1]], strict=True))


def _random_fade(
    a: Run, b: Run, samples: int, rate: int, level: str, rng: np.random.Generator
) -> Fade:
    kind, curve = rng.random(), _curve(rng)
    span = (0.05, 1.0) if level != "splice" and kind > 0.8 else (0.002, 0.05)
    length = int(np.exp(rng.uniform(*np.log(span))) * rate)
    if kind < 0.25:
        return Fade()
    length = min(length, a.length // 2, b.length // 2)
    if a.start is not None and b.start is not None:
        # Both go on beyond their runs, into the raw on either side.
        room = min(min(run.start, samples - run.stop) for run in (a, b))
        length = min(length, max(0, int(room / 1.3) - 2))
        if a.stop == b.start and not a.reverse and not b.reverse:
            curve = "linear"
    return Fade(samples=length, curve=curve)


def _curve(rng: np.random.Generator) -> str:
    return "linear" if rng.random() < 0.5 else "equal_power"


def as_list(runs: list[Run], fades: list[tuple[Fade, Fade]], source: Source) -> Edit:
    segments, at = [], 0
    for run, (fade_in, fade_out) in zip(runs, fades, strict=True):
        played: dict[str, object] = {"source": None, "src_start": None, "src_end": None}
        if run.start is not None:
            played = {
                "source": 0,
                "src_start": run.start,
                "src_end": run.stop,
                "gain_db": run.gain_db,
                "speed": run.speed,
                "pitch_semitones": run.pitch,
                "reverse": run.reverse,
                "polarity": run.polarity,
                "fade_in": fade_in,
                "fade_out": fade_out,
            }
        segments.append(Segment(out_start=at, out_end=at + run.length, **played))
        at += run.length
    rate = source.sample_rate
    return Edit(sample_rate=rate, samples=at, sources=(source,), segments=with_ops(segments))
