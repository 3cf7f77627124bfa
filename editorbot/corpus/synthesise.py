"""Performances made audible: General MIDI through the sampled sound font of pretty_midi."""

from collections.abc import Sequence
from importlib.resources import as_file, files

import numpy as np
import tinysoundfont

from editorbot.corpus.arrange import Voice

SAMPLE_RATE = 44100
DRUM_BANK = 128
MIDI_PAN = 10


def synthesise(voices: Sequence[Voice], *, samples: int) -> np.ndarray:
    """The sound of players together, (2, T) float32 at 44,100 Hz, T = `samples`.

    The same voices give the same samples: the synthesizer has no state from before and nothing
    random. It renders to memory; nothing is played.
    """
    synth = tinysoundfont.Synth(samplerate=SAMPLE_RATE)
    with as_file(files("pretty_midi") / "TimGM6mb.sf2") as font:
        font_id = synth.sfload(str(font))
    for channel, voice in enumerate(voices):
        bank = DRUM_BANK if voice.drums else 0
        synth.program_select(channel, font_id, bank, voice.program, voice.drums)
        synth.control_change(channel, MIDI_PAN, voice.pan)
    blocks, position = [], 0
    for sample, channel, pitch, velocity in _events(voices, samples):
        if sample > position:
            blocks.append(_generate(synth, sample - position))
            position = sample
        if velocity:
            synth.noteon(channel, pitch, velocity)
        else:
            synth.noteoff(channel, pitch)
    blocks.append(_generate(synth, samples - position))
    return np.concatenate(blocks).reshape(-1, 2).T


def _events(voices: Sequence[Voice], samples: int) -> list[tuple[int, int, int, int]]:
    """Sample, channel, pitch, velocity (0 ends the note); ends come before starts."""
    events = []
    for channel, voice in enumerate(voices):
        for stroke in voice.strokes:
            start, end = (round(time * SAMPLE_RATE) for time in (stroke.start_s, stroke.end_s))
            if start < samples:
                events.append((start, channel, stroke.pitch, stroke.velocity))
                events.append((min(end, samples), channel, stroke.pitch, 0))
    return sorted(events, key=lambda event: (event[0], event[3] > 0, event[1], event[2]))


def _generate(synth: tinysoundfont.Synth, samples: int) -> np.ndarray:
    # A copy, as the synthesizer may write into its buffer again.
    return np.frombuffer(synth.generate(samples), dtype=np.float32).copy()
