"""Pairs for `benchmarks/alignment.py`: by `editorbot simulate`, and by a second generator.

The second generator shares no code with the simulation or with `editorbot.audio.render`: a raw is a
finished track as it is, an edit list is drawn at random, cuts lie anywhere, segments last .4 to
20 s, time is stretched by librosa, and lossy files are real ones. Of editorbot it takes the edit
list's types and its decoder, with which it measures where a lossy file's sound lies.
"""

from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import librosa
import numpy as np
import soundfile
import soxr
from scipy.signal import butter, correlate, fftconvolve, lfilter, sosfilt

from editorbot.audio import io
from editorbot.corpus.simulate import simulate
from editorbot.edl.model import Edit, Fade, Segment, Source, with_ops
from editorbot.edl.serialize import read_edit
from editorbot.params import SimulateParams

LEVELS = ("splice", "arranged", "mastered", "hard")
RAW_PEAK = 0.4  # headroom for gains and crossfades
SEGMENT_S = (0.4, 20.0)
# The default habits are those of learning pairs; here each operation shall occur in most pairs.
SIMULATED_HABITS = {
    "loop_share": 0.3,
    "reorder_share": 0.2,
    "gain_step_share": 0.3,
    "silence_share": 0.1,
}


@dataclass(frozen=True)
class Pair:
    """Files of a pair, and what the editor did; the list names its sources by whole paths."""

    raw: Path
    edit: Path
    truth: Edit


def simulated_pair(track: Path, folder: Path, *, level: str, seed: int, seconds: float) -> Pair:
    """A pair by `editorbot simulate` from at most `seconds` of a track."""
    habits = SIMULATED_HABITS if level != "splice" else {}
    params = SimulateParams(level=level, max_track_s=seconds, bits=24, **habits)
    simulate(track, folder, song="pair", seed=seed, params=params)
    raw = folder / "input" / "pair_raw.wav"
    truth = read_edit(folder / "truth" / "pair_edit.json")
    return Pair(raw, folder / "desired_output" / "pair_edit.wav", _with_path(truth, raw))


def _with_path(edit: Edit, raw: Path) -> Edit:
    source = edit.sources[0].model_copy(update={"path": str(raw)})
    return edit.model_copy(update={"sources": (source,)})


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


def random_pair(
    track: Path, other: Path, folder: Path, *, level: str, seed: int, seconds: float
) -> Pair:
    """A pair by the second generator.

    Args:
        track: The raw is at most three times `seconds` of it.
        other: Foreign sound is from this one.
        folder: Where to write.
        level: One of `LEVELS`.
        seed: Another seed makes another pair.
        seconds: About how long the edit is.
    """
    rng = np.random.default_rng([seed, LEVELS.index(level)])
    folder.mkdir(parents=True, exist_ok=True)
    sound, rate = _excerpt(track, 3 * seconds, rng)
    lossy_raw = level in ("mastered", "hard") and rng.random() < 0.25
    raw = folder / ("raw.ogg" if lossy_raw else "raw.wav")
    _write(raw, sound, rate)
    seconds = min(seconds, 0.6 * sound.shape[1] / rate)
    runs = _random_runs(sound.shape[1], round(seconds * rate), rate, level, rng)
    fades = _random_fades(runs, sound.shape[1], rate, level, rng)
    truth = _as_list(runs, fades, _source(raw))
    edited = _render(truth, sound)
    if level == "hard":
        foreign, other_rate = _excerpt(other, 60, rng)
        foreign = soxr.resample(foreign.T, other_rate, rate).T
        edited = _with_foreign(edited, truth, runs, foreign, rng)
        edited = _reverberated(edited, rate, rng)
    if level in ("mastered", "hard"):
        edited = _mastered(edited, rate, rng)
        if level == "hard" and rng.random() < 0.5:
            noise_db = rng.uniform(-40, -20)
            noise = lfilter([1], [1, -0.7], rng.standard_normal(edited.shape))
            edited = edited + noise * edited.std() / noise.std() * 10 ** (noise_db / 20)
        return _delivered(raw, edited, rate, truth, folder, rng)
    edit = folder / "edit.wav"
    _write(edit, edited, rate, subtype="FLOAT")
    return Pair(raw, edit, truth)


def _excerpt(track: Path, seconds: float, rng: np.random.Generator) -> tuple[np.ndarray, int]:
    """(C, T) of 16-bit values, at `RAW_PEAK`."""
    info = soundfile.info(track)
    frames = min(info.frames, round(seconds * info.samplerate))
    start = int(rng.integers(0, info.frames - frames + 1))
    sound = soundfile.read(track, start=start, frames=frames, always_2d=True)[0].T
    return np.round(sound * RAW_PEAK / np.abs(sound).max() * 2**15) / 2**15, info.samplerate


def _write(path: Path, sound: np.ndarray, rate: int, subtype: str | None = None) -> None:
    io.write(path, sound, sample_rate=rate, channels=len(sound), subtype=subtype)


def _source(raw: Path) -> Source:
    info = io.probe(raw)
    form = {"sample_rate": info.sample_rate, "channels": info.channels, "samples": info.samples}
    return Source(path=str(raw), sha256="", **form)


def _random_runs(
    samples: int, wanted: int, rate: int, level: str, rng: np.random.Generator
) -> list[Run]:
    """Runs that play about `wanted` samples of a raw of `samples`."""
    lengths: list[int] = []
    while sum(lengths) < wanted:
        lengths.append(round(np.exp(rng.uniform(*np.log(SEGMENT_S))) * rate))
    if level == "splice":
        starts = _starts_in_order(lengths, samples, rng)
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


def _starts_in_order(lengths: list[int], samples: int, rng: np.random.Generator) -> list[int]:
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


def _random_fades(
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


def _as_list(runs: list[Run], fades: list[tuple[Fade, Fade]], source: Source) -> Edit:
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


def _render(edit: Edit, raw: np.ndarray) -> np.ndarray:
    """(C, T) float64: the slow, plain reading of the rules in docs/edl.md."""
    out = np.zeros((len(raw), edit.samples))
    for index, segment in enumerate(edit.segments):
        if not segment.has_source:
            continue
        neighbours = [
            0 <= number < len(edit.segments) and edit.segments[number].has_source
            for number in (index - 1, index + 1)
        ]
        n_in, n_out = segment.fade_in.samples, segment.fade_out.samples
        before = n_in // 2 if neighbours[0] else 0
        after = n_out - n_out // 2 if neighbours[1] else 0
        sound = _played(segment, raw, edit.sample_rate, before, after)
        sound *= segment.polarity * 10 ** (segment.gain_db / 20)
        sound[:, :n_in] *= _rising(segment.fade_in)
        sound[:, sound.shape[1] - n_out :] *= _rising(segment.fade_out)[::-1]
        out[:, segment.out_start - before : segment.out_end + after] += sound
    return out


def _played(segment: Segment, raw: np.ndarray, rate: int, before: int, after: int) -> np.ndarray:
    """A segment's sound with so many output samples more on either side."""
    first, last = round(before * segment.speed), round(after * segment.speed)
    if segment.reverse:
        first, last = last, first
    sound = raw[:, segment.src_start - first : segment.src_end + last]
    if segment.reverse:
        sound = sound[:, ::-1]
    tape = 2 ** (segment.pitch_semitones / 12)
    if abs(segment.speed / tape - 1) > 1e-9:
        # Its default of 2,048 samples smears attacks far more than an editing program does.
        sound = librosa.effects.time_stretch(sound, rate=segment.speed / tape, n_fft=1024)
    if tape != 1:
        sound = soxr.resample(sound.T, tape * rate, rate).T
    wanted = segment.samples + before + after
    return np.pad(sound, ((0, 0), (0, max(0, wanted - sound.shape[1]))))[:, :wanted].copy()


def _rising(fade: Fade) -> np.ndarray:
    w = (np.arange(fade.samples) + 0.5) / max(1, fade.samples)
    return w if fade.curve == "linear" else np.sin(np.pi / 2 * w)


def _with_foreign(
    edited: np.ndarray, truth: Edit, runs: list[Run], foreign: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    for run, segment in zip(runs, truth.segments, strict=True):
        if run.foreign:
            start = int(rng.integers(0, foreign.shape[1] - run.length))
            sound = foreign[:, start : start + run.length]
            sound = sound * edited.std() / max(1e-6, sound.std())
            edges = np.minimum(1, (np.arange(run.length) + 0.5) / 200)
            edited[:, segment.out_start : segment.out_end] = sound * edges * edges[::-1]
    return edited


def _reverberated(sound: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    """Two edits in five lie in a reverb throughout."""
    if rng.random() > 0.4:
        return sound
    seconds = rng.uniform(0.4, 1.5)
    time = np.arange(int(seconds * rate)) / rate
    tail = rng.standard_normal((len(sound), len(time))) * 10 ** (-3 * time / seconds)
    tail /= np.sqrt(np.sum(tail**2, axis=1, keepdims=True))
    wet = fftconvolve(sound, tail, axes=1)[:, : sound.shape[1]]
    return sound + wet * 10 ** (rng.uniform(-18, -10) / 20)


def _mastered(sound: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    """Three bands raised or lowered, a compressor with attack and release, a soft limiter."""
    for _ in range(3):
        low = np.exp(rng.uniform(np.log(60), np.log(6000)))
        band = butter(1, [low, min(2 * low, 0.45 * rate)], "band", fs=rate, output="sos")
        sound = sound + (10 ** (rng.uniform(-4, 4) / 20) - 1) * sosfilt(band, sound, axis=1)
    release = np.exp(-1 / (0.15 * rate))
    level = np.sqrt(lfilter([1 - release], [1, -release], np.mean(sound**2, axis=0))) + 1e-9
    threshold = np.sqrt(np.mean(sound**2))
    sound = sound * np.minimum(1, (level / threshold) ** (1 / rng.uniform(1.5, 4) - 1))
    drive = rng.uniform(0.1, 0.2) / np.sqrt(np.mean(sound**2))
    return 0.9 * np.tanh(sound * drive / 0.9)


def _delivered(
    raw: Path,
    sound: np.ndarray,
    rate: int,
    truth: Edit,
    folder: Path,
    rng: np.random.Generator,
) -> Pair:
    """Channels, rate and format of the edit's file, and where its decoder puts the sound."""
    kind = rng.random()
    if kind < 0.35 and len(sound) == 2:
        sound = sound.mean(axis=0, keepdims=True) if kind < 0.2 else sound[::-1]
    file_rate = rate
    if rng.random() < 0.25:
        file_rate = int(rng.choice([r for r in (22050, 32000, 44100, 48000) if r != rate]))
        sound = soxr.resample(sound.T, rate, file_rate).T
    edit = folder / f"edit.{rng.choice(['wav', 'ogg', 'mp3'], p=[0.2, 0.4, 0.4])}"
    _write(edit, np.clip(sound, -1, 1).astype(np.float32), file_rate)
    decoded = io.read(edit)
    late = _lateness(decoded.mean(axis=0), sound.mean(axis=0))
    scale = rate / file_rate
    truth = _later(truth, round(late * scale), round(decoded.shape[1] * scale))
    return Pair(raw, edit, truth)


def _lateness(decoded: np.ndarray, sound: np.ndarray, *, reach: int = 6000) -> int:
    """By how many samples a decoder's sound comes later than it was."""
    middle = max(reach, len(sound) // 2 - 2**17)
    part = sound[middle : middle + 2**18]
    wide = np.pad(decoded, reach)[middle : middle + len(part) + 2 * reach]
    return int(np.argmax(correlate(wide, part, "valid"))) - reach


def _later(edit: Edit, late: int, samples: int) -> Edit:
    """The list of an edit that begins so much later in a file of `samples`."""
    if late < 0:
        raise ValueError(f"expected a decoder that comes late or in time, got {late} samples")
    segments = []
    for segment in edit.segments:
        start, stop = segment.out_start + late, min(segment.out_end + late, samples)
        if start < stop:
            segments.append(segment.model_copy(update={"out_start": start, "out_end": stop}))
    nothing = {"source": None, "src_start": None, "src_end": None}
    if late and segments[0].has_source:
        segments.insert(0, Segment(out_start=0, out_end=late, **nothing))
    elif late:
        segments[0] = segments[0].model_copy(update={"out_start": 0})
    if segments[-1].out_end < samples:
        segments.append(Segment(out_start=segments[-1].out_end, out_end=samples, **nothing))
    return edit.model_copy(update={"samples": samples, "segments": with_ops(segments)})


def long_pair(tracks: list[Path], folder: Path, *, minutes: float, seed: int) -> Pair:
    """A raw of so many minutes and an edit a third as long, in order, with hard cuts.

    The raw is the tracks one after the other, again and again, each time at another speed, tone
    and level, so that nothing repeats exactly.
    """
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    rate = soundfile.info(tracks[0]).samplerate
    raw, edit = folder / "raw.wav", folder / "edit.wav"
    wanted, written = round(60 * minutes * rate), 0
    with soundfile.SoundFile(raw, "w", rate, 2, "PCM_16") as file:
        while written < wanted:
            for track in rng.permutation(len(tracks)):
                sound = _played_again(tracks[track], rate, rng)[: wanted - written]
                file.write(sound)
                written += len(sound)
    truth = _long_list(raw, wanted, rate, rng)
    with soundfile.SoundFile(edit, "w", rate, 2, "PCM_16") as file, soundfile.SoundFile(raw) as r:
        for segment in truth.segments:
            r.seek(segment.src_start)
            file.write(r.read(segment.samples, dtype="int16"))
    return Pair(raw, edit, truth)


def _played_again(track: Path, rate: int, rng: np.random.Generator) -> np.ndarray:
    """(T, 2) float32."""
    sound, own_rate = soundfile.read(track, dtype="float32", always_2d=True)
    sound = soxr.resample(sound, own_rate * rng.uniform(0.965, 1.035), rate)
    low = rng.uniform(200, 2000)
    band = butter(1, [low, 3 * low], "band", fs=rate, output="sos")
    sound = sound + rng.uniform(-0.5, 0.8) * sosfilt(band, sound, axis=0)
    return (sound * 0.7 * rng.uniform(0.5, 1) / np.abs(sound).max()).astype(np.float32)


def _long_list(raw: Path, samples: int, rate: int, rng: np.random.Generator) -> Edit:
    lengths: list[int] = []
    while sum(lengths) < samples / 3:
        lengths.append(round(np.exp(rng.uniform(np.log(2), np.log(40))) * rate))
    starts = _starts_in_order(lengths, samples, rng)
    runs = [Run(start, length) for start, length in zip(starts, lengths, strict=True)]
    return _as_list(runs, [(Fade(), Fade())] * len(runs), _source(raw))
