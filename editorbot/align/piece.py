"""A piece of the edit while alignment works on it, at the raw's rate."""

from dataclasses import dataclass, field

from editorbot.edl.model import Fade


@dataclass(frozen=True)
class Piece:
    """Edit samples [start, stop) that play the raw `lag` samples further on, times `gain`.

    `lag` is None without source; `gain` is signed: negative where polarity is inverted.
    """

    start: int
    stop: int
    lag: int | None
    gain: float = 1.0
    fade_in: Fade = field(default_factory=Fade)
    fade_out: Fade = field(default_factory=Fade)
    confidence: float | None = None

    @property
    def samples(self) -> int:
        """Length."""
        return self.stop - self.start
