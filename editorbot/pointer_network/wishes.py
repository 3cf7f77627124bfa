"""What a user may ask of a proposed edit, in seconds of the raw's time."""

import math
import re
from dataclasses import dataclass
from typing import NamedTuple

from editorbot.errors import EditorbotError


class Span(NamedTuple):
    """Seconds [start, end) of the raw, of several raws one after the other."""

    start_s: float
    end_s: float


@dataclass(frozen=True)
class Wishes:
    """Hard constraints on an edit.

    Raises:
        EditorbotError: What is to be kept and what is to be dropped overlap, or the length is not
            positive.
    """

    keep: tuple[Span, ...] = ()
    drop: tuple[Span, ...] = ()
    length_s: float | None = None

    def __post_init__(self) -> None:
        for keep in self.keep:
            for drop in self.drop:
                if max(keep.start_s, drop.start_s) < min(keep.end_s, drop.end_s):
                    raise EditorbotError(
                        f"{_told(keep)} is to be kept and {_told(drop)} to be dropped: "
                        "give spans that do not overlap"
                    )
        if self.length_s is not None and not self.length_s > 0:
            raise EditorbotError(f"an edit cannot be {self.length_s} s long: give a longer length")

    @property
    def are_none(self) -> bool:
        """Whether nothing is asked."""
        return not self.keep and not self.drop and self.length_s is None


def read_time(text: str) -> float:
    """Seconds of "95", "1:35" or "1:02:05.5".

    Raises:
        EditorbotError: It is none of these.
    """
    if not re.fullmatch(r"(\d+:)?(\d+:)?\d+(\.\d+)?", text.strip()):
        raise EditorbotError(f"'{text}' is no time: write seconds, 1:35 or 1:02:05.5")
    parts = [float(part) for part in text.strip().split(":")]
    return math.fsum(part * 60**power for power, part in enumerate(reversed(parts)))


def read_span(text: str) -> Span:
    """The span of "1:20-1:45".

    Raises:
        EditorbotError: It is none, or ends before it begins.
    """
    start, dash, end = text.partition("-")
    if not dash:
        raise EditorbotError(f"'{text}' is no span of time: write its two ends, as in 1:20-1:45")
    span = Span(read_time(start), read_time(end))
    if span.end_s <= span.start_s:
        raise EditorbotError(f"the span '{text}' ends before it begins: swap its ends")
    return span


def _told(span: Span) -> str:
    return "-".join(f"{int(t // 60)}:{t % 60:05.2f}" for t in span)
