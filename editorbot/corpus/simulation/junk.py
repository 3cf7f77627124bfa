"""What a recorder hears between takes, besides talk: counting in, tuning, noises, the room.

Sounds are (T,) float32 at `sample_rate`, at no particular level; the room is (C, T).
"""

import numpy as np
from scipy.signal import butter, sosfilt

# Open strings in Hz: guitar, bass, violin.
TUNINGS = (
    (82.4, 110.0, 146.8, 196.0, 246.9, 329.6),
    (41.2, 55.0, 73.4, 98.0),
    (196.0, 293.7, 440.0, 659.3),
)


def count_in(rng: np.random.Generator, *, beat_s: float, sample_rate: int) -> np.ndarray:
    """Four beats, or two slow and four, on sticks or a metronome; the music enters one beat later.

    Players hit within a few milliseconds of the beat, a metronome exactly.
    """
    metronome = rng.random() < 0.25
    pattern = [0.0, 2.0, 4.0, 5.0, 6.0, 7.0] if rng.random() < 0.3 else [0.0, 1.0, 2.0, 3.0]
    sound = np.zeros(round((pattern[-1] + 1) * beat_s * sample_rate))
    for number, beat in enumerate(pattern):
        late_s = 0.0 if metronome else rng.normal(0, 0.005)
        start = max(0, round((beat * beat_s + late_s) * sample_rate))
        click = _beep(number == 0, sample_rate) if metronome else _stick(rng, sample_rate)
        click = click[: len(sound) - start]
        sound[start : start + len(click)] += click
    return sound.astype(np.float32)


def tuning(rng: np.random.Generator, *, seconds: float, sample_rate: int) -> np.ndarray:
    """Strings, plucked or bowed again and again while each glides up or down to its pitch."""
    strings = TUNINGS[rng.integers(len(TUNINGS))]
    bowed = rng.random() < (0.8 if strings is TUNINGS[2] else 0.15)
    sound = np.zeros(round(seconds * sample_rate))
    at, cents, pitch = 0.0, 0.0, strings[0]
    while at < seconds - 0.3:
        if abs(cents) < 6:  # in tune: on to another string
            pitch, cents = strings[rng.integers(len(strings))], rng.uniform(-60, 60)
        length = rng.uniform(0.7, 1.8)
        reached = cents * rng.uniform(0.0, 0.5)
        note = _note(
            pitch, cents, reached, rng, seconds=length * 1.3, bowed=bowed, sample_rate=sample_rate
        )
        start = round(at * sample_rate)
        note = note[: len(sound) - start]
        sound[start : start + len(note)] += note
        at, cents = at + length * rng.uniform(0.7, 1.2), reached
    return (_release(sound, sample_rate) * 0.5).astype(np.float32)


def noise(rng: np.random.Generator, *, seconds: float, sample_rate: int) -> np.ndarray:
    """Knocks, rustle, squeaks and the hum of an amplifier."""
    sound = np.zeros(round(seconds * sample_rate))
    makers = [_knock, _rustle, _squeak]
    for _ in range(max(2, round(seconds * rng.uniform(1.0, 2.5)))):
        event = makers[rng.integers(len(makers))](rng, sample_rate)
        start = int(rng.uniform(0, max(1, len(sound) - len(event) // 2)))
        event = event[: len(sound) - start]
        sound[start : start + len(event)] += event * rng.uniform(0.2, 1.0)
    if rng.random() < 0.5:
        t = np.arange(len(sound)) / sample_rate
        mains = rng.choice([50.0, 60.0])
        hum = sum(np.sin(2 * np.pi * mains * k * t + k) / k for k in (1, 2, 3, 5, 7))
        sound += 0.04 * hum
    return (_release(sound, sample_rate) * 0.5).astype(np.float32)


def room_tone(
    rng: np.random.Generator, *, samples: int, channels: int, sample_rate: int
) -> np.ndarray:
    """Air and electronics: a steady hiss that falls with frequency, (C, samples), RMS 1.

    Three seconds of it are repeated with their ends blended, as nobody hears that in a hiss.
    """
    length, blend = 3 * sample_rate, sample_rate // 2
    low = butter(1, 900, "low", fs=sample_rate, output="sos")
    high = butter(1, 40, "high", fs=sample_rate, output="sos")
    hiss = rng.standard_normal((channels, length + blend))
    hiss = sosfilt(high, sosfilt(low, hiss, axis=1) + 0.02 * hiss, axis=1)
    fade = np.sqrt(np.linspace(0, 1, blend))
    hiss[:, :blend] = hiss[:, :blend] * fade + hiss[:, length:] * fade[::-1]
    loop = hiss[:, :length] / hiss.std()
    return np.tile(loop, -(-samples // length))[:, :samples].astype(np.float32)


def _stick(rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """Two drum sticks: a burst of 30 ms with the wood's two resonances."""
    t = np.arange(round(0.06 * sample_rate)) / sample_rate
    wood = rng.uniform(1800, 2400)
    tone = np.sin(2 * np.pi * wood * t) + 0.6 * np.sin(2 * np.pi * 1.62 * wood * t + 1)
    burst = rng.standard_normal(len(t)) * np.exp(-t / 0.002)
    return rng.uniform(0.7, 1.0) * 0.4 * (tone * np.exp(-t / 0.009) + burst)


def _beep(accent: bool, sample_rate: int) -> np.ndarray:
    t = np.arange(round(0.05 * sample_rate)) / sample_rate
    envelope = np.minimum(1, t / 0.001) * np.minimum(1, (0.05 - t) / 0.005)
    return 0.5 * np.sin(2 * np.pi * (1760 if accent else 880) * t) * envelope


def _note(
    pitch: float,
    cents: float,
    reached: float,
    rng: np.random.Generator,
    *,
    seconds: float,
    bowed: bool,
    sample_rate: int,
) -> np.ndarray:
    """A string that glides from `cents` to `reached` beside its pitch while it is held."""
    t = np.arange(round(seconds * sample_rate)) / sample_rate
    glide = cents + (reached - cents) * np.clip((t - 0.15) / (0.6 * seconds), 0, 1)
    if bowed:
        glide = glide + 8 * np.sin(2 * np.pi * 5.5 * t) * np.clip(t / 0.5, 0, 1)
    phase = 2 * np.pi * np.cumsum(pitch * 2 ** (glide / 1200)) / sample_rate
    partials = np.arange(1, 1 + int(min(16, 0.4 * sample_rate / pitch)))
    pluck_at = rng.uniform(0.12, 0.3)
    sound = np.zeros(len(t))
    for partial in partials:
        if bowed:
            sound += np.sin(partial * phase) / partial
        else:
            strength = abs(np.sin(np.pi * partial * pluck_at)) / partial
            stiff = partial * np.sqrt(1 + 2e-4 * partial**2)
            sound += strength * np.exp(-t * (1.2 + 0.5 * partial)) * np.sin(stiff * phase)
    attack_s = 0.12 if bowed else 0.002
    shape = np.clip(t / attack_s, 0, 1) * np.clip((seconds - t) / 0.15, 0, 1)
    return 0.4 * sound * shape


def _knock(rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    t = np.arange(round(0.25 * sample_rate)) / sample_rate
    body = np.sin(2 * np.pi * rng.uniform(60, 160) * t) * np.exp(-t / 0.05)
    return 0.6 * body + 0.3 * rng.standard_normal(len(t)) * np.exp(-t / 0.006)


def _rustle(rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    samples = round(rng.uniform(0.3, 1.0) * sample_rate)
    steps = rng.random(max(4, samples * 25 // sample_rate)) ** 2
    envelope = np.interp(np.linspace(0, len(steps) - 1, samples), np.arange(len(steps)), steps)
    low = rng.uniform(800, 2000)
    band = butter(2, [low, min(4 * low, 0.45 * sample_rate)], "band", fs=sample_rate, output="sos")
    rustle = sosfilt(band, rng.standard_normal(samples)) * envelope
    return 0.35 * _release(rustle, sample_rate)


def _squeak(rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """A chair: a few harmonics that slide."""
    t = np.arange(round(rng.uniform(0.15, 0.5) * sample_rate)) / sample_rate
    pitch = rng.uniform(400, 900) * 2 ** (rng.uniform(-0.5, 0.5) * t / t[-1])
    phase = 2 * np.pi * np.cumsum(pitch) / sample_rate
    squeak = sum(np.sin(k * phase) / k for k in (1, 2, 3)) * (0.6 + 0.4 * np.sin(60 * np.pi * t))
    return 0.12 * squeak * np.hanning(len(t))


def _release(sound: np.ndarray, sample_rate: int) -> np.ndarray:
    """Let a sound that was cut to length die away in 40 ms."""
    count = min(len(sound), round(0.04 * sample_rate))
    sound[len(sound) - count :] *= np.linspace(1, 0, count)
    return sound
