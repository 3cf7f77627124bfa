"""How a run of the track sounds in one take: another tempo, tone and level, and mistakes."""

from dataclasses import dataclass

import numpy as np

from editorbot.audio.interpolate import half_width, read_at
from editorbot.audio.stretch import Stretcher
from editorbot.corpus.simulation.renditions import Rendition
from editorbot.corpus.simulation.tone import apply_tone, random_tone
from editorbot.params import SimulateParams

# Players start on the beat and what sounded before is not there: music comes in within 10 ms.
LEAD_S = 0.01
# A vamp's repeats differ less from each other than takes do: the players are in the flow.
VAMP_SHARE_OF_SPREAD = 0.3


@dataclass(frozen=True)
class Style:
    """A take's way of playing: a rendition, its samples per raw sample, filter sections, gain."""

    rendition: Rendition
    speed: float = 1.0
    tone: np.ndarray | None = None
    gain: float = 1.0

    def between(self, start: int, stop: int) -> int:
        """Raw samples from track sample `start` to `stop`."""
        return round((self.rendition.at(stop) - self.rendition.at(start)) / self.speed)


def random_style(
    rng: np.random.Generator,
    params: SimulateParams,
    rendition: Rendition,
    *,
    sample_rate: int,
    around: Style | None = None,
) -> Style:
    """A way of playing: any two takes differ by the spreads at most; copies do not differ at all.

    Args:
        rng: Source of chance.
        params: The spreads.
        rendition: What is played.
        sample_rate: Of the track, in Hz.
        around: The take's style, if this is one repeat of a vamp within it.
    """
    if params.repeats == "copies":
        return Style(rendition)
    share = 0.5 if around is None else 0.5 * VAMP_SHARE_OF_SPREAD
    around = around or Style(rendition)
    tone = random_tone(rng, spread_db=share * params.tone_spread_db, sample_rate=sample_rate)
    if around.tone is not None:
        tone = np.concatenate([around.tone, tone])
    level_db = share * params.level_spread_db * rng.uniform(-1, 1)
    return Style(
        rendition,
        speed=around.speed * (1.0 + share * params.tempo_spread * rng.uniform(-1, 1)),
        tone=tone,
        gain=around.gain * 10.0 ** (level_db / 20.0),
    )


def play(start: int, stop: int, style: Style, *, lead: int, tail: int) -> np.ndarray:
    """Track `[start, stop)` in `style`, with `lead` raw samples before it and `tail` after.

    Returns:
        (C, lead + style.between(start, stop) + tail) float32.
    """
    length = style.between(start, stop)
    rendition, origin = style.rendition, round(style.rendition.at(start))
    if style.speed == 1.0:
        sound = rendition.read(origin - lead, origin + length + tail)
    else:
        stretcher = Stretcher(
            lambda first, last: rendition.read(origin + first, origin + last),
            speed=style.speed,
            start=-lead,
        )
        sound = stretcher.read(-lead, length + tail)
    if style.tone is not None:
        sound = apply_tone(sound, style.tone)
    return sound * np.float32(style.gain)


def spoil(
    sound: np.ndarray,
    *,
    first: int,
    stop: int,
    gives_up: bool,
    rng: np.random.Generator,
    sample_rate: int,
) -> tuple[np.ndarray, int]:
    """Put one to three mistakes into `sound` (C, T) after sample `first`, before `stop`.

    Most players who then give up do so some time after the last mistake.

    Returns:
        The sound, which may have grown, and the sample at which the playing now stops.
    """
    makers = [_wrong_note, _dropout, _stumble]
    last = first
    for _ in range(int(rng.integers(1, 4))):
        room = stop - last - sample_rate
        if room <= 0:
            break
        at = last + int(rng.uniform(0.1, 0.7) * room)
        before = sound.shape[1]
        sound, last = makers[rng.integers(len(makers))](sound, at, rng, sample_rate)
        stop += sound.shape[1] - before
    if gives_up and rng.random() < 0.65:
        stop = min(stop, last + int(rng.uniform(0.3, 3.0) * sample_rate))
    return sound, stop


def _wrong_note(
    sound: np.ndarray, at: int, rng: np.random.Generator, sample_rate: int
) -> tuple[np.ndarray, int]:
    """What is heard for a moment is a semitone or two off."""
    ratio = 2.0 ** (rng.choice([-2, -1, 1, 2]) / 12.0)
    margin = half_width(ratio) + 1
    length = int(rng.uniform(0.15, 0.5) * sample_rate)
    length = min(length, int((sound.shape[1] - at - margin) / ratio) - 1, sound.shape[1] - at)
    wrong = read_at(sound, at + np.arange(length) * ratio, ratio=ratio)
    ramp = _window(length, round(0.012 * sample_rate))
    sound[:, at : at + length] += ramp * (wrong - sound[:, at : at + length])
    return sound, at + length


def _dropout(
    sound: np.ndarray, at: int, rng: np.random.Generator, sample_rate: int
) -> tuple[np.ndarray, int]:
    """The players stop for a moment and come in again."""
    length = min(int(rng.uniform(0.2, 0.8) * sample_rate), sound.shape[1] - at)
    rest = rng.uniform(0.0, 0.12)
    sound[:, at : at + length] *= 1 - (1 - rest) * _window(length, round(0.04 * sample_rate))
    return sound, at + length


def _stumble(
    sound: np.ndarray, at: int, rng: np.random.Generator, sample_rate: int
) -> tuple[np.ndarray, int]:
    """A moment is played twice, and everything after it comes late."""
    length = min(int(rng.uniform(0.08, 0.35) * sample_rate), at)
    edge = min(length // 3, round(0.008 * sample_rate))
    again = sound[:, at - length : at + edge].copy()
    rising = np.linspace(0, 1, edge, dtype=np.float32)
    again[:, :edge] = rising * again[:, :edge] + rising[::-1] * sound[:, at : at + edge]
    again[:, -edge:] = sound[:, at : at + edge] * rising + again[:, -edge:] * rising[::-1]
    return np.concatenate([sound[:, :at], again, sound[:, at + edge :]], axis=1), at + length


def _window(length: int, ramp: int) -> np.ndarray:
    """One within, with linear ramps of at most a third of the length at both ends, (length,)."""
    ramp = max(1, min(ramp, length // 3))
    rising = np.minimum(1.0, np.arange(1, length + 1) / ramp)
    return (rising * rising[::-1]).astype(np.float32)
