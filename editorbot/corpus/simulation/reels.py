"""The files that a session is recorded in: one, or several that are split where nobody plays."""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from editorbot.audio import io
from editorbot.corpus.simulation.record import Recording
from editorbot.edl.model import Edit, Segment, Source, with_ops
from editorbot.params import SimulateParams

SPLIT_CAUSES = ("talk", "noise", "tuning", "dead_air")
OTHER_RATES = (22050, 32000, 44100, 48000)
"""Hz; what a second recorder, or an edit's file, may run at."""


@dataclass(frozen=True)
class Reel:
    """A run `[start, stop)` of the session, in its samples, and how its file is written."""

    start: int
    stop: int
    sample_rate: int
    gain_db: float = 0.0


def split_session(
    recording: Recording, rng: np.random.Generator, params: SimulateParams
) -> tuple[Reel, ...]:
    """Divide a session into `params.raws` files; the first keeps its rate and level.

    Splits lie in the middle of talk, noise, tuning or dead air, as near as possible to equal
    parts; a break takes several where there are fewer breaks than files.
    """
    samples, rate = recording.audio.shape[1], recording.sample_rate
    borders = [0, *_splits(recording, params.raws), samples]
    found = []
    for start, stop in pairwise(borders):
        reel = Reel(start, stop, rate)
        if found:
            gain_db = -round(float(rng.uniform(0, params.raw_gain_db)), 1)
            other = rng.random() < params.raw_rate_share
            reel = replace(reel, gain_db=gain_db)
            reel = replace(reel, sample_rate=other_rate(rate, rng)) if other else reel
        found.append(reel)
    return tuple(found)


def other_rate(sample_rate: int, rng: np.random.Generator) -> int:
    """A usual sample rate in Hz that is another than `sample_rate`."""
    return int(rng.choice([rate for rate in OTHER_RATES if rate != sample_rate]))


def _splits(recording: Recording, files: int) -> list[int]:
    breaks = [s for s in recording.stretches if s.cause in SPLIT_CAUSES]
    parts, places = 2, []
    while len(places) < files - 1:
        places = sorted(
            s.start + (s.stop - s.start) * k // parts for s in breaks for k in range(1, parts)
        )
        parts += 1
    chosen: list[int] = []
    for number in range(1, files):
        wanted = recording.audio.shape[1] * number / files
        chosen.append(min(set(places) - set(chosen), key=lambda at: (abs(at - wanted), at)))
    return sorted(chosen)


def reel_audio(recording: Recording, reel: Reel) -> np.ndarray:
    """What a file holds, (C, T) float32 at its own rate."""
    audio = recording.audio[:, reel.start : reel.stop]
    if reel.gain_db:
        audio = audio * np.float32(10.0 ** (reel.gain_db / 20.0))
    return resampled(audio, recording.sample_rate, reel.sample_rate)


def resampled(audio: np.ndarray, source_rate: int, target_rate: int) -> np.ndarray:
    """(C, T) float32 at another rate in Hz, without delay."""
    if source_rate == target_rate:
        return audio
    rates = {"source_rate": source_rate, "target_rate": target_rate}
    return np.concatenate(list(io.resample_blocks([audio], **rates, channels=len(audio))), axis=1)


def on_reels(edit: Edit, reels: tuple[Reel, ...], sources: tuple[Source, ...]) -> Edit:
    """Rewrite a list that plays the whole session so that it plays the session's files."""
    segments = [_on_reel(segment, reels, sources, edit.sample_rate) for segment in edit.segments]
    return edit.model_copy(update={"sources": sources, "segments": with_ops(segments)})


def _on_reel(
    segment: Segment, reels: tuple[Reel, ...], sources: tuple[Source, ...], rate: int
) -> Segment:
    if not segment.has_source:
        return segment
    middle = (segment.src_start + segment.src_end) // 2
    number = next(n for n, reel in enumerate(reels) if reel.start <= middle < reel.stop)
    reel, ratio = reels[number], reels[number].sample_rate / rate
    place = {
        "source": number,
        "src_start": max(0, round((segment.src_start - reel.start) * ratio)),
        "src_end": min(sources[number].samples, round((segment.src_end - reel.start) * ratio)),
    }
    return Segment.model_validate(segment.model_dump() | place)


def causes_on_reels(
    dropped: list[dict[str, object]], reels: tuple[Reel, ...], sample_rate: int
) -> list[dict[str, object]]:
    """Divide the session's dropped stretches among its files: `source` says which."""
    result = []
    for number, reel in enumerate(reels):
        start_s, stop_s = reel.start / sample_rate, reel.stop / sample_rate
        for stretch in dropped:
            first, last = max(start_s, stretch["start_s"]), min(stop_s, stretch["end_s"])
            if first < last:
                times = {"start_s": first - start_s, "end_s": last - start_s}
                result.append({"source": number} | stretch | times)
    return result
