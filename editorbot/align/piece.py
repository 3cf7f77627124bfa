"""A piece of the edit while alignment works on it, at the raw's rate."""

from dataclasses import dataclass, field

import numpy as np

from editorbot.edl.model import Fade

TAPE_TOLERANCE_SEMITONES = 1e-6


@dataclass(frozen=True)
class Treatment:
    """How a run of the raw is played: backwards or not, at a speed, at a pitch."""

    reverse: bool = False
    speed: float = 1.0
    pitch_semitones: float = 0.0

    @property
    def slope(self) -> float:
        """Samples of the raw per sample of the edit, negative when reversed."""
        return -self.speed if self.reverse else self.speed

    @property
    def is_tape(self) -> bool:
        """Whether pitch follows speed, so that the waveform is a copy at another rate."""
        tape = tape_pitch(self.speed)
        return abs(self.pitch_semitones - tape) < TAPE_TOLERANCE_SEMITONES


def tape_pitch(speed: float) -> float:
    """Semitones by which a tape at `speed` sounds higher."""
    return 12 * float(np.log2(speed))


PLAIN = Treatment()


def trimmed(start: int, stop: int, border: int) -> tuple[int, int]:
    """A run without its uncertain ends, as long as half of it is left."""
    border = min(border, (stop - start) // 4)
    return start + border, stop - border


@dataclass(frozen=True)
class Piece:
    """Edit samples [start, stop) that play the raw, times `gain`.

    Edit sample t plays raw sample `lag + treatment.slope * t`; `lag` is whole where the treatment
    is plain or reversed, and None without source. `gain` is signed: negative where polarity is
    inverted.
    """

    start: int
    stop: int
    lag: float | None
    gain: float = 1.0
    fade_in: Fade = field(default_factory=Fade)
    fade_out: Fade = field(default_factory=Fade)
    confidence: float | None = None
    treatment: Treatment = PLAIN
    twins: tuple[int, ...] = ()
    """Other lags at which the raw is the same."""
    is_copy: bool = True
    """Whether the waveform is the raw's, so that comparing samples tells something: stretching at
    kept pitch makes a new waveform, another in every program."""

    @property
    def samples(self) -> int:
        """Length."""
        return self.stop - self.start

    @property
    def is_comparable(self) -> bool:
        """Whether there is a waveform to compare the edit's with."""
        return self.lag is not None and self.is_copy
