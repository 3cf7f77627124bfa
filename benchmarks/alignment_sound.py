"""The sound of random edit lists, for the second generator of `benchmarks/alignment.py`.

Shares no code with the simulation or `editorbot.audio.render`: time is stretched by librosa, tapes
are run by soxr, lossy files are real ones. Where a lossy file's sound lies is measured with
editorbot's decoder.
"""

from pathlib import Path

import librosa
import numpy as np
import soundfile
import soxr
from alignment_lists import Run
from scipy.signal import butter, correlate, fftconvolve, lfilter, sosfilt

from editorbot.audio import io
from editorbot.edl.model import Edit, Fade, Segment, Source, with_ops

RAW_PEAK = 0.4  # headroom for gains and crossfades


def excerpt(track: Path, seconds: float, rng: np.random.Generator) -> tuple[np.ndarray, int]:
    """(C, T) of 16-bit values, at `RAW_PEAK`."""
    info = soundfile.info(track)
    frames = min(info.frames, round(seconds * info.samplerate))
    start = int(rng.integers(0, info.frames - frames + 1))
    sound = soundfile.read(track, start=start, frames=frames, always_2d=True)[0].T
    return np.round(sound * RAW_PEAK / np.abs(sound).max() * 2**15) / 2**15, info.samplerate


def write(path: Path, sound: np.ndarray, rate: int, subtype: str | None = None) -> None:
    io.write(path, sound, sample_rate=rate, channels=len(sound), subtype=subtype)


def source_of(raw: Path) -> Source:
    info = io.probe(raw)
    form = {"sample_rate": info.sample_rate, "channels": info.channels, "samples": info.samples}
    return Source(path=str(raw), sha256="", **form)


def rendered(edit: Edit, raw: np.ndarray) -> np.ndarray:
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


def with_foreign(
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


def reverberated(sound: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    """Two edits in five lie in a reverb throughout."""
    if rng.random() > 0.4:
        return sound
    seconds = rng.uniform(0.4, 1.5)
    time = np.arange(int(seconds * rate)) / rate
    tail = rng.standard_normal((len(sound), len(time))) * 10 ** (-3 * time / seconds)
    tail /= np.sqrt(np.sum(tail**2, axis=1, keepdims=True))
    wet = fftconvolve(sound, tail, axes=1)[:, : sound.shape[1]]
    return sound + wet * 10 ** (rng.uniform(-18, -10) / 20)


def mastered(sound: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
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


def delivered(
    sound: np.ndarray,
    rate: int,
    truth: Edit,
    folder: Path,
    rng: np.random.Generator,
) -> tuple[Path, Edit]:
    """The edit's file in some format, rate and channels, and its list by where it is decoded."""
    kind = rng.random()
    if kind < 0.35 and len(sound) == 2:
        sound = sound.mean(axis=0, keepdims=True) if kind < 0.2 else sound[::-1]
    file_rate = rate
    if rng.random() < 0.25:
        file_rate = int(rng.choice([r for r in (22050, 32000, 44100, 48000) if r != rate]))
        sound = soxr.resample(sound.T, rate, file_rate).T
    edit = folder / f"edit.{rng.choice(['wav', 'ogg', 'mp3'], p=[0.2, 0.4, 0.4])}"
    write(edit, np.clip(sound, -1, 1).astype(np.float32), file_rate)
    decoded = io.read(edit)
    late = _lateness(decoded.mean(axis=0), sound.mean(axis=0))
    scale = rate / file_rate
    truth = _later(truth, round(late * scale), round(decoded.shape[1] * scale))
    return edit, truth


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
