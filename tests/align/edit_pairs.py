"""Raw/edit pairs with known truth for the tests: synthetic music, random edit lists, a renderer.

The renderer is the slow, obvious reading of `editorbot.edl.model`, independent of
`editorbot.audio.render`.
"""

from pathlib import Path

import numpy as np
import soundfile
from scipy.signal import lfilter

from editorbot.edl.model import Edit, Fade, Segment, Source, with_ops

RATE = 22050


def music(seconds: float, *, seed: int, rate: int = RATE, channels: int = 1) -> np.ndarray:
    """(C, T) float64: plucked notes of a scale over filtered noise hits, nowhere the same twice."""
    rng = np.random.default_rng(seed)
    samples = int(seconds * rate)
    sound = np.zeros(samples + 4 * rate)
    scale = 110 * 2 ** (np.array([0, 3, 5, 7, 10, 12, 15, 17, 19, 22, 24]) / 12)
    for beat in np.arange(0, seconds, 0.25):
        at = int((beat + rng.normal(0, 0.004)) * rate) if beat else 0
        t = np.arange(int(0.6 * rate)) / rate
        note = np.zeros_like(t)
        for pitch in rng.choice(scale, 2):
            partials = np.arange(1, 8)[:, None]
            waves = np.sin(2 * np.pi * pitch * partials * t + rng.uniform(0, 6.28, (7, 1)))
            note += (waves * np.exp(-t * (2 + partials)) / partials).sum(axis=0)
        hit = lfilter([1, -rng.uniform(0.2, 0.95)], [1, -0.5], rng.normal(0, 0.2, len(t)))
        sound[at : at + len(t)] += rng.uniform(0.3, 1) * (note + hit * np.exp(-t * 30))
    sound = sound[:samples] / np.abs(sound).max() * 0.7
    sides = [sound + 0.02 * np.roll(sound, 7 * c) for c in range(channels)]
    return np.stack(sides)


def random_edit(
    raw: np.ndarray,
    *,
    seed: int,
    rate: int = RATE,
    segments: int = 8,
    shortest_s: float = 1.0,
    longest_s: float = 5.0,
    arranged: bool = False,
    path: str = "raw.wav",
) -> Edit:
    """A random list of runs of the raw: in order, or `arranged` with loops, gains and fades."""
    rng = np.random.default_rng(seed)
    total = raw.shape[1]
    lengths = (rng.uniform(shortest_s, longest_s, segments) * rate).astype(int)
    if arranged:
        starts = [int(rng.integers(0, total - n - rate)) for n in lengths]
        for i in range(2, segments, 3):
            starts[i] = starts[i - 1]
    else:
        spare = total - lengths.sum()
        gaps = rng.dirichlet(np.ones(segments + 1)) * spare
        starts = (np.cumsum(gaps[:-1]) + np.concatenate([[0], np.cumsum(lengths)[:-1]])).astype(int)
    result, position = [], 0
    for start, length in zip(starts, lengths, strict=True):
        result.append(
            Segment(
                out_start=position,
                out_end=position + int(length),
                source=0,
                src_start=int(start),
                src_end=int(start) + int(length),
                gain_db=float(rng.uniform(-6, 3)) if arranged else 0.0,
            )
        )
        position += int(length)
    if arranged:
        result = _with_random_fades(result, rng, rate)
    source = Source(path=path, sample_rate=rate, channels=len(raw), samples=total, sha256="0" * 64)
    return Edit(sample_rate=rate, samples=position, sources=(source,), segments=with_ops(result))


def _with_random_fades(
    segments: list[Segment], rng: np.random.Generator, rate: int
) -> list[Segment]:
    result = list(segments)
    for i in range(len(result) + 1):
        samples = int(rng.choice([0, 0.01, 0.05, 0.2, 0.5]) * rate)
        fade = Fade(samples=samples, curve=str(rng.choice(["linear", "equal_power"])))
        if i > 0:
            result[i - 1] = result[i - 1].model_copy(update={"fade_out": fade})
        if i < len(result):
            result[i] = result[i].model_copy(update={"fade_in": fade})
    return result


def rendered(edit: Edit, raw: np.ndarray) -> np.ndarray:
    """(C, T) the edit's sound, from one raw at the edit's rate."""
    output = np.zeros((len(raw), edit.samples))
    for number, segment in enumerate(edit.segments):
        if not segment.has_source:
            continue
        neighbours = (
            number > 0 and edit.segments[number - 1].has_source,
            (number + 1 < len(edit.segments) and edit.segments[number + 1].has_source),
        )
        n_in, n_out = segment.fade_in.samples, segment.fade_out.samples
        position = np.arange(edit.samples)
        fade_in = position - (segment.out_start - (n_in // 2 if neighbours[0] else 0))
        end = segment.out_end - n_out // 2 + n_out if neighbours[1] else segment.out_end
        fade_out = end - 1 - position
        weight = _rising(segment.fade_in, fade_in) * _rising(segment.fade_out, fade_out)
        inside = np.flatnonzero(weight > 0)
        inside = inside[(there := inside + segment.src_start - segment.out_start) >= 0]
        there = there[there >= 0]
        inside, there = inside[there < raw.shape[1]], there[there < raw.shape[1]]
        gain = segment.polarity * 10 ** (segment.gain_db / 20)
        output[:, inside] += gain * weight[inside] * raw[:, there]
    return output


def _rising(fade: Fade, position: np.ndarray) -> np.ndarray:
    if fade.samples == 0:
        return (position >= 0).astype(float)
    w = np.clip((position + 0.5) / fade.samples, 0, 1)
    return w if fade.curve == "linear" else np.sin(np.pi / 2 * w)


def write_pair(
    folder: Path, raw: np.ndarray, edited: np.ndarray, *, rate: int = RATE
) -> tuple[Path, Path]:
    """Write both as float WAV; returns their paths."""
    paths = folder / "raw.wav", folder / "edit.wav"
    for path, sound in zip(paths, (raw, edited), strict=True):
        soundfile.write(path, sound.T.astype(np.float32), rate, subtype="FLOAT")
    return paths
