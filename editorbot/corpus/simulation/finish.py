"""What happens to an edit after the cutting: foreign sound, reverb, noise, mastering, delivery.

None of it is in the edit list, and none of it moves the sound in time but a coder's padding, which
the list then holds as parts without source.
"""

from dataclasses import dataclass

import numpy as np
from scipy.signal import correlate, resample_poly

from editorbot.corpus.simulation import junk
from editorbot.corpus.simulation.coding import lossy_round_trip
from editorbot.corpus.simulation.editor import Decided
from editorbot.corpus.simulation.material import Material
from editorbot.corpus.simulation.reels import other_rate, resampled
from editorbot.corpus.simulation.tone import master, reverberated
from editorbot.corpus.simulation.voice import talk
from editorbot.edl.model import Edit, Segment, with_ops
from editorbot.params import SimulateParams

MASTERING_TONE_DB = 3.0
COMPRESSION_LEVELS = (0.2, 0.8)
# Silence in samples that decoders leave before the sound where an mp3's header does not tell: the
# coder's 576 and the decoder's 529, with or without a first frame that holds no sound. The end is
# filled up to a frame.
MP3_PADDINGS = (1105, 2257)
MP3_FRAME = 1152
EDGE_S = 0.005
REVERB_SEND_S = 1.0
REVERB_DB = (-14.0, -6.0)
NOISE_RANGE_DB = 20.0
FOREIGN_DRAWS = 4
# Half a second of the held-back part that is so like a place of the raw is taken for a repeat.
REPEAT_CORRELATION = 0.4
REPEAT_WINDOW_S = 0.5
REPEAT_RATE = 12_000  # Hz


@dataclass(frozen=True)
class Finished:
    """A finished edit (C, T) float32 at `sample_rate`, and the list that says where it is from."""

    audio: np.ndarray
    sample_rate: int
    edit: Edit


def finish(
    decided: Decided,
    audio: np.ndarray,
    material: Material,
    rng: np.random.Generator,
    params: SimulateParams,
) -> Finished:
    """Do to a rendered edit (C, T) all that `params.level` asks for beside cutting."""
    edit = decided.edit
    if params.level == "hard":
        audio = _with_foreign(decided, audio, material, rng)
        audio = _with_reverb(edit, audio, rng, params)
        audio = _with_noise(audio, rng, params)
    if params.level not in ("mastered", "hard"):
        return Finished(audio, edit.sample_rate, edit)
    audio = master(audio, rng, tone_db=MASTERING_TONE_DB, sample_rate=edit.sample_rate)
    return _delivered(edit, audio, rng, params)


def _delivered(
    edit: Edit, audio: np.ndarray, rng: np.random.Generator, params: SimulateParams
) -> Finished:
    """Channels, sample rate and coding of the file."""
    codec = params.codec if params.codec != "any" else str(rng.choice(["off", "ogg", "mp3"]))
    level = float(rng.uniform(*COMPRESSION_LEVELS))
    if rng.random() < params.channels_share:
        mono = rng.random() < 0.5
        audio = audio.mean(axis=0, keepdims=True) if mono else audio[::-1]
    rate = edit.sample_rate
    if rng.random() < params.edit_rate_share:
        rate = other_rate(rate, rng)
        audio = resampled(audio, edit.sample_rate, rate)
    padded = bool(rng.random() < params.padding_share)
    if codec == "off":
        return Finished(audio, rate, edit)
    if codec == "mp3" and padded:
        before = int(rng.choice(MP3_PADDINGS))
        after = -(before + audio.shape[1]) % MP3_FRAME
        audio = np.pad(audio, ((0, 0), (before, after)))
        scale = edit.sample_rate / rate
        edit = padded_edit(
            edit, before=round(before * scale), samples=round(audio.shape[1] * scale)
        )
    audio = lossy_round_trip(audio, sample_rate=rate, codec=codec, compression_level=level)
    return Finished(audio, rate, edit)


def padded_edit(edit: Edit, *, before: int, samples: int) -> Edit:
    """The list of an edit that begins `before` samples later, in a file of `samples`."""
    places = [(s.out_start + before, s.out_end + before) for s in edit.segments]
    segments = [
        segment.model_copy(update={"out_start": start, "out_end": stop})
        for segment, (start, stop) in zip(edit.segments, places, strict=True)
    ]
    if before:
        segments = [_nothing(0, before), *segments]
    if samples > places[-1][1]:
        segments.append(_nothing(places[-1][1], samples))
    merged: list[Segment] = []
    for segment in segments:
        if merged and not merged[-1].has_source and not segment.has_source:
            segment = _nothing(merged.pop().out_start, segment.out_end)
        merged.append(segment)
    return Edit(
        sample_rate=edit.sample_rate,
        samples=merged[-1].out_end,
        sources=edit.sources,
        segments=with_ops(merged),
    )


def _nothing(start: int, stop: int) -> Segment:
    return Segment(out_start=start, out_end=stop, source=None, src_start=None, src_end=None)


def _with_foreign(
    decided: Decided, audio: np.ndarray, material: Material, rng: np.random.Generator
) -> np.ndarray:
    """Fill the places for it with sound that the raw does not hold, at the music's level."""
    audio = audio.copy()
    wanted = np.sqrt(np.mean(audio**2))
    edge = round(EDGE_S * material.sample_rate)
    for number in decided.foreign:
        segment = decided.edit.segments[number]
        sound = _foreign_sound(material, segment.samples, rng)
        rise = np.minimum(1.0, (np.arange(segment.samples) + 0.5) / edge)
        sound = sound * np.float32(wanted / max(1e-6, float(np.sqrt(np.mean(sound**2)))))
        audio[:, segment.out_start : segment.out_end] = sound * (rise * rise[::-1])
    return audio


def _foreign_sound(material: Material, samples: int, rng: np.random.Generator) -> np.ndarray:
    """A held-back part of the track that is no repeat of what is played, else talk or tuning."""
    for _ in range(FOREIGN_DRAWS if material.spare is not None else 0):
        start = int(rng.integers(0, max(1, material.spare.shape[1] - samples)))
        sound = material.spare[:, start : start + samples]
        loud = np.sqrt(np.mean(sound**2)) > 0.2 * np.sqrt(np.mean(material.audio**2))
        if loud and sound.shape[1] == samples and not is_repeat(sound, material):
            return sound
    make = talk if rng.random() < 0.5 else junk.tuning
    rate = material.sample_rate
    made = make(rng, seconds=samples / rate + 0.1, sample_rate=rate)
    made = np.pad(made, (0, max(0, samples - len(made))))[:samples]
    return np.tile(made, (len(material.audio), 1))


def is_repeat(sound: np.ndarray, material: Material) -> bool:
    """Whether a stretch of half a second of `sound` (C, T) is also in what the band plays.

    Compared at a low rate, and differentiated, so that bass alone makes no likeness.
    """
    factor = max(1, material.sample_rate // REPEAT_RATE)
    played, heard = (
        np.diff(resample_poly(audio.mean(axis=0), 1, factor)) for audio in (material.audio, sound)
    )
    length = round(REPEAT_WINDOW_S * material.sample_rate / factor)
    sums = np.concatenate([[0.0], np.cumsum(played**2)])
    energies = np.maximum(sums[length:] - sums[:-length], 1e-6 * sums[-1])
    for start in range(0, len(heard) - length + 1, length):
        window = heard[start : start + length]
        likeness = correlate(played, window, "valid")
        if np.any(likeness**2 > REPEAT_CORRELATION**2 * energies * np.sum(window**2)):
            return True
    return False


def _with_reverb(
    edit: Edit, audio: np.ndarray, rng: np.random.Generator, params: SimulateParams
) -> np.ndarray:
    """Send the last second of some runs to a reverb whose tail lies over what follows."""
    rate, send = edit.sample_rate, np.zeros(audio.shape[1], np.float32)
    for segment in edit.segments:
        if segment.has_source and rng.random() < params.reverb_share:
            run = send[segment.out_start : segment.out_end][-round(REVERB_SEND_S * rate) :]
            run[:] = np.linspace(0, 1, len(run))
    if not send.any():
        return audio
    seconds = rng.uniform(0.25, 1.0) * params.reverb_s
    wet = reverberated(audio * send, rng, seconds=seconds, sample_rate=rate)
    return (audio + wet * 10 ** (rng.uniform(*REVERB_DB) / 20)).astype(np.float32)


def _with_noise(audio: np.ndarray, rng: np.random.Generator, params: SimulateParams) -> np.ndarray:
    """Perhaps add white noise."""
    below_db = params.noise_db + rng.uniform(0, NOISE_RANGE_DB)
    if rng.random() >= params.noise_added_share:
        return audio
    level = np.sqrt(np.mean(audio**2)) * 10 ** (-below_db / 20)
    return audio + (level * rng.standard_normal(audio.shape)).astype(np.float32)
