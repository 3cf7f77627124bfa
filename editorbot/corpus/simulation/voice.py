"""Talk between takes: formant synthesis with the rhythm and melody of speech.

A voice is a glottal pulse train and breath noise through five resonances that glide from vowel to
vowel; syllables open and close with stops, fricatives or nasals, phrases fall in pitch and are
separated by pauses. The words mean nothing, but level, spectrum, rhythm and pitch are a talker's.
Formants: Peterson and Barney, Control methods used in a study of the vowels (1952).
"""

from dataclasses import dataclass

import numpy as np
from scipy.signal import butter, sosfilt

VOICE_SAMPLE_RATE = 16_000
FRAME = 80  # 5 ms: resonances are held for one frame
# First three formants of a man's vowels in Hz; the fourth and fifth hardly move.
VOWELS = np.array(
    [
        [270, 2290, 3010],  # beet
        [390, 1990, 2550],  # bit
        [530, 1840, 2480],  # bet
        [660, 1720, 2410],  # bat
        [730, 1090, 2440],  # father
        [570, 840, 2410],  # bought
        [440, 1020, 2240],  # book
        [300, 870, 2240],  # boot
        [640, 1190, 2390],  # but
        [490, 1350, 1690],  # bird
    ]
)
UPPER_FORMANTS = (3300.0, 3750.0)
BANDWIDTHS = np.array([70.0, 90.0, 140.0, 200.0, 250.0])
NASAL_FORMANTS = np.array([260.0, 1100.0, 2300.0])


@dataclass(frozen=True)
class Voice:
    """A talker: pitch in Hz, vocal tract scale (1 is a man's), syllables per second, breath."""

    pitch_hz: float
    tract: float
    syllable_rate: float
    breath: float


def random_voice(rng: np.random.Generator) -> Voice:
    """A man or a woman, each as likely."""
    female = rng.random() < 0.5
    return Voice(
        pitch_hz=rng.uniform(175, 245) if female else rng.uniform(88, 145),
        tract=rng.uniform(1.12, 1.22) if female else rng.uniform(0.95, 1.05),
        syllable_rate=rng.uniform(4.0, 6.0),
        breath=rng.uniform(0.02, 0.08),
    )


def talk(rng: np.random.Generator, *, seconds: float, sample_rate: int) -> np.ndarray:
    """One to three people talking in turn, for about `seconds`.

    Returns:
        (T,) float32 at `sample_rate` with RMS about 0.1 while someone speaks.
    """
    import soxr

    voices = [random_voice(rng) for _ in range(rng.integers(1, 4))]
    wanted = round(seconds * VOICE_SAMPLE_RATE)
    turns, length = [], 0
    while length < wanted:
        turn = _phrase(voices[rng.integers(len(voices))], rng)
        pause = np.zeros(round(rng.uniform(0.15, 0.7) * VOICE_SAMPLE_RATE))
        turns += [turn, pause]
        length += len(turn) + len(pause)
    speech = _fade_ends(np.concatenate(turns)[:wanted])
    speech = soxr.resample(speech + _room_reflections(speech, rng), VOICE_SAMPLE_RATE, sample_rate)
    return speech.astype(np.float32)


def _phrase(voice: Voice, rng: np.random.Generator) -> np.ndarray:
    """Three to eleven syllables whose pitch falls, with stress on some."""
    formants, pitch, voicing, hiss = [], [], [], []
    count = int(rng.integers(3, 12))
    for number in range(count):
        stressed = rng.random() < 0.35 or number == count - 1
        syllable = _syllable(voice, rng, stressed=stressed)
        fall = 1.12 - 0.3 * number / count + (0.12 if stressed else 0.0)
        formants.append(syllable.formants)
        voicing.append(syllable.voicing * (1.0 if stressed else 0.7))
        hiss.append(syllable.hiss)
        pitch.append(np.full(len(syllable.voicing), voice.pitch_hz * fall))
    smooth = np.hanning(15) / np.hanning(15).sum()
    glide = np.stack([_smooth(track, smooth) for track in np.concatenate(formants).T], axis=1)
    return _speak(
        voice,
        rng,
        formants=glide * voice.tract,
        pitch=_smooth(np.concatenate(pitch), np.ones(24) / 24),
        voicing=_smooth(np.concatenate(voicing), np.ones(4) / 4),
        hiss=_smooth(np.concatenate(hiss), np.ones(2) / 2),
    )


@dataclass(frozen=True)
class _Syllable:
    """Per 5 ms frame: formants (F, 3) in Hz, strength of the voice and of hiss, both (F,)."""

    formants: np.ndarray
    voicing: np.ndarray
    hiss: np.ndarray


def _syllable(voice: Voice, rng: np.random.Generator, *, stressed: bool) -> _Syllable:
    length = (1.25 if stressed else 0.85) / voice.syllable_rate * rng.uniform(0.8, 1.2)
    vowel = max(8, round(length * 0.62 * VOICE_SAMPLE_RATE / FRAME))
    first, last = VOWELS[rng.integers(len(VOWELS))], VOWELS[rng.integers(len(VOWELS))]
    # Most vowels stay; some are diphthongs that move half-way to another.
    move = 0.5 * np.linspace(0, 1, vowel)[:, None] if rng.random() < 0.3 else np.zeros((vowel, 1))
    loudness = np.sin(np.pi * np.linspace(0.12, 0.92, vowel)) ** 0.6
    nucleus = _Syllable(first + move * (last - first), loudness, np.zeros(vowel))
    parts = [_consonant(rng, first), nucleus]
    if rng.random() < 0.45:
        parts.append(_consonant(rng, last))
    return _Syllable(
        np.concatenate([part.formants for part in parts]),
        np.concatenate([part.voicing for part in parts]),
        np.concatenate([part.hiss for part in parts]),
    )


def _consonant(rng: np.random.Generator, vowel: np.ndarray) -> _Syllable:
    kind = rng.choice(["stop", "fricative", "nasal", "liquid"], p=[0.35, 0.25, 0.22, 0.18])
    frames = int(rng.integers(8, 17))
    voicing, hiss, formants = np.zeros(frames), np.zeros(frames), np.tile(vowel, (frames, 1))
    if kind == "stop":  # closure, then a burst of 10 ms
        hiss[-3:] = [1.2, 0.7, 0.3]
    elif kind == "fricative":
        hiss[:] = rng.uniform(0.35, 0.8) * np.sin(np.pi * np.linspace(0.1, 0.9, frames))
        voicing[:] = 0.25 * (rng.random() < 0.4)
    elif kind == "nasal":
        voicing[:], formants = 0.45, np.tile(NASAL_FORMANTS, (frames, 1))
    else:
        voicing[:], formants = 0.55, formants * np.array([0.75, 0.8, 0.85])
    return _Syllable(formants, voicing, hiss)


def _speak(
    voice: Voice,
    rng: np.random.Generator,
    *,
    formants: np.ndarray,
    pitch: np.ndarray,
    voicing: np.ndarray,
    hiss: np.ndarray,
) -> np.ndarray:
    """Drive the resonances frame by frame, their state carried on."""
    samples = len(pitch) * FRAME
    strength = np.repeat(voicing, FRAME)
    source = _glottis(np.repeat(pitch, FRAME), rng) + voice.breath * rng.standard_normal(samples)
    source = source * strength
    upper = np.tile(np.array(UPPER_FORMANTS) * voice.tract, (len(pitch), 1))
    sections = _resonators(np.concatenate([formants, upper], axis=1))
    state = np.zeros((sections.shape[1], 2))
    spoken = np.empty(samples)
    for frame in range(len(pitch)):
        run = slice(frame * FRAME, (frame + 1) * FRAME)
        spoken[run], state = sosfilt(sections[frame], source[run], zi=state)
    band = butter(2, [rng.uniform(1800, 3200), 7000], "band", fs=VOICE_SAMPLE_RATE, output="sos")
    noise = sosfilt(band, rng.standard_normal(samples)) * np.repeat(hiss, FRAME)
    loudest = np.sqrt(np.mean(spoken**2)) + 1e-9
    return 0.1 * spoken / loudest + 0.045 * noise


def _glottis(pitch: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Derivative of Rosenberg's glottal pulse at a wavering `pitch` (T,) in Hz."""
    waver = np.repeat(rng.standard_normal(len(pitch) // 160 + 1), 160)[: len(pitch)]
    phase = np.cumsum(pitch * (1 + 0.012 * waver) / VOICE_SAMPLE_RATE) % 1.0
    opening = np.where(phase < 0.4, np.sin(np.pi * phase / 0.4), 0.0)
    closing = np.where(
        (phase >= 0.4) & (phase < 0.56), -2.2 * np.sin(np.pi * (phase - 0.4) / 0.32), 0
    )
    return opening + closing


def _resonators(frequencies: np.ndarray) -> np.ndarray:
    """Two-pole resonances with unit gain at 0 Hz (Klatt 1980), (F, formants, 6)."""
    radius = np.exp(-np.pi * BANDWIDTHS / VOICE_SAMPLE_RATE)
    a1 = -2 * radius * np.cos(2 * np.pi * np.minimum(frequencies, 7500) / VOICE_SAMPLE_RATE)
    a2 = np.broadcast_to(radius**2, a1.shape)
    one, zero = np.ones_like(a1), np.zeros_like(a1)
    return np.stack([1 + a1 + a2, zero, zero, one, a1, a2], axis=-1)


def _room_reflections(speech: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A few early reflections of a rehearsal room, 8 to 60 ms late."""
    echo = np.zeros_like(speech)
    for _ in range(8):
        delay = int(rng.uniform(0.008, 0.06) * VOICE_SAMPLE_RATE)
        echo[delay:] += rng.uniform(-0.25, 0.25) * speech[: len(speech) - delay]
    return echo


def _smooth(track: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    padded = np.pad(track, (len(kernel) // 2, (len(kernel) - 1) // 2), mode="edge")
    return np.convolve(padded, kernel, "valid")


def _fade_ends(signal: np.ndarray) -> np.ndarray:
    ramp = np.minimum(1.0, np.arange(1, len(signal) + 1) / (0.03 * VOICE_SAMPLE_RATE))
    return signal * ramp * ramp[::-1]
