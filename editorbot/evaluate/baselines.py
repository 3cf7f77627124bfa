"""Trivial edits of a song's raw, which every learned edit has to beat.

Each returns an `Edit` in raw order; several raws follow one another on the raw axis:

keep all             the raw as it is
keep first           its first seconds, as many as the person's edit is long
loudest beats        the loudest beats, up to the share of the raw that the person kept
loudness threshold   what silence cutters do: passages whose peak comes within 28 dB of the
                     recording's loudest sample, and 0.2 s before and after each
junk oracle          all but the talk, tuning and other junk, where a simulation knows the causes
random               ops drawn at random in the editing environment

Keep first and loudest beats are told the true length, and the oracle the true causes: they show
how far a rule gets that knows more than any editor of unheard songs can.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from editorbot.audio.beats import beats_in_mel
from editorbot.edl.model import Edit, Source
from editorbot.edl.raw_axis import bounds_s
from editorbot.edl.spans import edit_of_spans
from editorbot.evaluate.metrics import CauseSpan
from editorbot.rl_editor.environment import EditingEnvironment, Move

JUNK = frozenset({"talk", "noise", "tuning", "dead_air", "count_in"})
"""Causes that can be heard for what they are, unlike a false start, a spoiled take or a vamp."""
LEVEL_HOP_S = 0.01
"""Seconds."""
PLAIN_BEAT_S = 0.5
"""Seconds; stands in for beats where a recording has no pulse."""
MOST_RANDOM_DRAWS = 100

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Levels:
    """Loudness along a recording, every `hop_s` seconds: peak amplitude (F,) and power (F,)."""

    hop_s: float
    peak: np.ndarray
    power: np.ndarray


def measure_levels(blocks: Iterable[np.ndarray], *, sample_rate: int) -> Levels:
    """Levels of a recording that is read as (C, T) blocks in order; memory stays constant."""
    hop_length = max(1, round(LEVEL_HOP_S * sample_rate))
    peaks, powers = [], []
    for frames in _frames(blocks, hop_length):
        peaks.append(np.abs(frames).max(axis=(0, 2)))
        powers.append(np.square(frames).mean(axis=(0, 2)))
    if not peaks:
        raise ValueError("expected at least one block of sound, got none")
    return Levels(hop_length / sample_rate, np.concatenate(peaks), np.concatenate(powers))


def _frames(blocks: Iterable[np.ndarray], hop_length: int) -> Iterator[np.ndarray]:
    """(C, F, hop_length) whole frames; the last one is filled up with silence."""
    rest = None
    for block in blocks:
        sound = block if rest is None else np.concatenate([rest, block], axis=1)
        whole = sound.shape[1] // hop_length * hop_length
        if whole:
            yield sound[:, :whole].reshape(len(sound), -1, hop_length)
        rest = sound[:, whole:]
    if rest is not None and rest.shape[1]:
        filled = np.pad(rest, ((0, 0), (0, hop_length - rest.shape[1])))
        yield filled.reshape(len(filled), 1, hop_length)


def beat_times_s(
    mel: np.ndarray, frame_times_s: np.ndarray, *, sample_rate: int, hop_length: int
) -> np.ndarray:
    """(K,) float64 beats in seconds, ascending, tracked on a prepared (M, F) mel in 0..1.

    `frame_times_s` (F,) are the frames' instants, on the raw axis.

    `librosa.beat.beat_track` (Ellis 2007) on the mel that is there already: tracked from the
    samples, the beats of three hours would take 8 GB. Where fewer than two beats are found, as in
    talk, every half second counts as one, and the log says so.
    """
    frames = beats_in_mel(mel, sample_rate=sample_rate, hop_length=hop_length)
    if len(frames) >= 2:
        return frame_times_s[frames]
    logger.warning("no pulse was found: every %.1f s counts as a beat", PLAIN_BEAT_S)
    return np.arange(0, frame_times_s[-1], PLAIN_BEAT_S)


def keep_all(sources: Sequence[Source]) -> Edit:
    """The raw as it is."""
    return edit_of_spans([(0.0, bounds_s(sources)[-1])], sources)


def keep_first(sources: Sequence[Source], *, length_s: float) -> Edit:
    """The first `length_s` seconds of the raw, or all of it where it is shorter."""
    return edit_of_spans([(0.0, length_s)], sources)


def loudest_beats(
    sources: Sequence[Source], levels: Levels, *, beat_times_s: np.ndarray, kept_share: float
) -> Edit:
    """The beats of the highest mean power whose length comes nearest to `kept_share` of the raw.

    `beat_times_s` (K,) ascending; what is before the first beat and after the last counts as one
    beat each.
    """
    duration_s = bounds_s(sources)[-1]
    inside = beat_times_s[(beat_times_s > 0) & (beat_times_s < duration_s)]
    edges_s = np.unique(np.concatenate([[0.0], inside, [duration_s]]))
    lengths_s = np.diff(edges_s)
    energy = np.concatenate([[0.0], np.cumsum(levels.power)]) * levels.hop_s
    clock_s = np.arange(len(energy)) * levels.hop_s
    power = np.diff(np.interp(edges_s, clock_s, energy)) / lengths_s
    loudest_first = np.argsort(-power, kind="stable")
    totals_s = np.cumsum(lengths_s[loudest_first])
    count = 1 + int(np.argmin(np.abs(totals_s - kept_share * duration_s)))
    chosen = np.sort(loudest_first[:count])
    return edit_of_spans([(edges_s[beat], edges_s[beat + 1]) for beat in chosen], sources)


def loudness_threshold(
    sources: Sequence[Source], levels: Levels, *, silence_db: float = -28.0, margin_s: float = 0.2
) -> Edit:
    """The passages within `silence_db` of the loudest sample, with `margin_s` around each.

    The rule of auto-editor (threshold 4 %, margin 0.2 s), taken relative to the recording's own
    peak so that a quiet recording is not cut away.
    """
    loud = levels.peak >= levels.peak.max() * 10 ** (silence_db / 20)
    edges = np.flatnonzero(np.diff(loud, prepend=False, append=False)).reshape(-1, 2)
    spans: list[tuple[float, float]] = []
    for start_s, end_s in edges * levels.hop_s + [-margin_s, margin_s]:
        if spans and start_s <= spans[-1][1]:
            start_s = spans.pop()[0]
        spans.append((start_s, end_s))
    return edit_of_spans(spans, sources)


def junk_oracle(sources: Sequence[Source], causes: Iterable[CauseSpan]) -> Edit:
    """All of the raw but the spans whose cause is junk."""
    spans, position_s = [], 0.0
    junk = sorted((span.start_s, span.end_s) for span in causes if span.cause in JUNK)
    for start_s, end_s in junk:
        spans.append((position_s, max(position_s, start_s)))
        position_s = max(position_s, end_s)
    spans.append((position_s, max(position_s, bounds_s(sources)[-1])))
    return edit_of_spans(spans, sources)


def random_edit(environment: EditingEnvironment, *, seed: int = 0) -> Edit:
    """An edit by actions drawn at random until the raw or the time is used up.

    STOP is never drawn: with one chance in four at each action, hardly anything would be played.

    Raises:
        RuntimeError: Nothing was played in 100 episodes.
    """
    random = np.random.default_rng(seed)
    ops = [move for move in Move if move is not Move.STOP]
    _, sizes, fades = environment.action_space.nvec
    for _ in range(MOST_RANDOM_DRAWS):
        environment.reset(seed=seed)
        over = False
        while not over:
            action = np.array([random.choice(ops), random.integers(sizes), random.integers(fades)])
            _, _, terminated, truncated, info = environment.step(action)
            over = terminated or truncated
        if info["output_s"] > 0:
            return environment.to_edit()
    raise RuntimeError(f"nothing was played in {MOST_RANDOM_DRAWS} random episodes")
