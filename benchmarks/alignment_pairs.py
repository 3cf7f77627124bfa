"""Pairs for `benchmarks/alignment.py`: by `editorbot simulate`, by a second generator, long ones.

The second generator (alignment_lists.py, alignment_sound.py) shares no code with the simulation or
with `editorbot.audio.render`: a raw is a finished track as it is, its edit list drawn at random.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
from alignment_lists import Run, as_list, random_fades, random_runs, starts_in_order
from alignment_sound import (
    delivered,
    excerpt,
    mastered,
    rendered,
    reverberated,
    source_of,
    with_foreign,
    write,
)
from scipy.signal import butter, lfilter, sosfilt

from editorbot.corpus.simulate import simulate
from editorbot.edl.model import Edit, Fade
from editorbot.edl.serialize import read_edit
from editorbot.evaluate.alignment import cut_times_s
from editorbot.params import SimulateParams

LEVELS = ("splice", "arranged", "mastered", "hard")
# The default habits are those of learning pairs; here each operation shall occur in most pairs.
SIMULATED_HABITS = {
    "loop_share": 0.3,
    "reorder_share": 0.2,
    "gain_step_share": 0.3,
    "silence_share": 0.1,
}


# Where a band plays a short excerpt through, an edit has nothing to find: another session is made.
LEAST_CUTS, ATTEMPTS, ATTEMPT_SEEDS = 2, 10, 10_000


@dataclass(frozen=True)
class Pair:
    """Files of a pair, and what the editor did; the list names its sources by whole paths."""

    raw: Path
    edit: Path
    truth: Edit


def simulated_pair(
    track: Path, folder: Path, *, level: str, seed: int, seconds: float, **changes: object
) -> Pair:
    """A pair by `editorbot simulate` from at most `seconds` of a track; `changes` are params."""
    habits = SIMULATED_HABITS if level != "splice" else {}
    passage_s = min(10.0, max(4.0, seconds / 5))
    params = SimulateParams(
        level=level, max_track_s=seconds, passage_s=passage_s, bits=24, **(habits | changes)
    )
    raw = folder / "input" / "pair_raw.wav"
    for attempt in range(ATTEMPTS):
        simulate(track, folder, song="pair", seed=seed + ATTEMPT_SEEDS * attempt, params=params)
        truth = read_edit(folder / "truth" / "pair_edit.json")
        if len(cut_times_s(truth)) >= LEAST_CUTS:
            break
    return Pair(raw, folder / "desired_output" / "pair_edit.wav", _with_path(truth, raw))


def _with_path(edit: Edit, raw: Path) -> Edit:
    source = edit.sources[0].model_copy(update={"path": str(raw)})
    return edit.model_copy(update={"sources": (source,)})


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
    sound, rate = excerpt(track, 3 * seconds, rng)
    lossy_raw = level in ("mastered", "hard") and rng.random() < 0.25
    raw = folder / ("raw.ogg" if lossy_raw else "raw.wav")
    write(raw, sound, rate)
    seconds = min(seconds, 0.6 * sound.shape[1] / rate)
    runs = random_runs(sound.shape[1], round(seconds * rate), rate, level, rng)
    fades = random_fades(runs, sound.shape[1], rate, level, rng)
    truth = as_list(runs, fades, source_of(raw))
    edited = rendered(truth, sound)
    if level == "hard":
        foreign, other_rate = excerpt(other, 60, rng)
        foreign = soxr.resample(foreign.T, other_rate, rate).T
        edited = with_foreign(edited, truth, runs, foreign, rng)
        edited = reverberated(edited, rate, rng)
    if level in ("mastered", "hard"):
        edited = mastered(edited, rate, rng)
        if level == "hard" and rng.random() < 0.5:
            noise_db = rng.uniform(-40, -20)
            noise = lfilter([1], [1, -0.7], rng.standard_normal(edited.shape))
            edited = edited + noise * edited.std() / noise.std() * 10 ** (noise_db / 20)
        return Pair(raw, *delivered(edited, rate, truth, folder, rng))
    edit = folder / "edit.wav"
    write(edit, edited, rate, subtype="FLOAT")
    return Pair(raw, edit, truth)


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
    starts = starts_in_order(lengths, samples, rng)
    runs = [Run(start, length) for start, length in zip(starts, lengths, strict=True)]
    return as_list(runs, [(Fade(), Fade())] * len(runs), source_of(raw))
