"""What the pointer network decides at each step, and how decisions become pointers again.

A step is `stride` mel frames, of the edit (T steps) and of the raw (R steps). At each step the
path plays one raw step q, or none (-1). Its distance from the expected position e is written as

    q = e + 129 * bucket + delta,   -64 <= delta <= 64,

with `use_jump` = 0 where bucket is 0, so that every q is written exactly while |bucket| is at most
the number of buckets. e is one after the last raw step played (`running`), or
`round(t / compression_ratio)` with compression_ratio = T / R, the original design (`linear`).
`EditPath` holds everything a decision may depend on besides the sound; training and free-running
decoding both walk it, so that they see the same inputs.
"""

from copy import copy
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from editorbot.pointer_network.songs import IGNORE

REACH = 64
DELTAS = 2 * REACH + 1
NO_SOURCE = -1
COPY = 0
MOST_PLAYS = 3
"""Times that a raw step was played before are counted up to this."""
SCALARS = 5
Expectation = Literal["running", "linear"]


class Decision(NamedTuple):
    """What one step decides: q = expected + 129 * bucket + delta; bucket 0 is no jump."""

    bucket: int
    delta: int


class StepInput(NamedTuple):
    """What the decoder sees of the path before step t, besides the sound."""

    expected: int
    """Raw step, 0 to R inclusive."""
    previous: int
    """Last raw step played; -1 before the first."""
    bucket: int
    """Of the last decision."""
    delta: int
    """Of the last decision, + 64; 129 before the first."""
    plays: int
    """How often the expected raw step was played before, up to 3."""
    scalars: tuple[float, ...]
    """Progress through raw and edit, and time since the last jump, about 0 to 1."""


class EditPath:
    """An edit in the making over `raw_steps` R steps; `compression_ratio` serves `linear` alone."""

    def __init__(self, raw_steps: int, *, expected_position: Expectation, compression_ratio: float):
        self.raw_steps = raw_steps
        self.expected_position = expected_position
        self.compression_ratio = compression_ratio
        self.time = 0
        self.previous = NO_SOURCE
        self.last = Decision(0, DELTAS - REACH)
        self.since_jump = 0
        self.cuts = 0
        # Small, as each guess at what comes next begins with a copy.
        self.played = np.zeros(raw_steps + 1, dtype=np.uint8)

    @property
    def expected(self) -> int:
        """The raw step that comes next if nothing happens, 0 to R inclusive."""
        if self.expected_position == "running":
            return self.previous + 1
        return min(int(self.time / self.compression_ratio + 0.5), self.raw_steps)

    def copy(self) -> "EditPath":
        """The same path, which may go on in another way."""
        other = copy(self)
        other.played = self.played.copy()
        return other

    def inputs(self) -> StepInput:
        """What the next decision may depend on."""
        expected, R = self.expected, self.raw_steps
        scalars = (
            expected / R,
            self.time / R,
            (self.previous + 1) / R,
            np.log1p(self.since_jump) / 8,
            np.log1p(R - expected) / 8,
        )
        plays = int(self.played[expected])
        return StepInput(
            expected, self.previous, self.last.bucket, self.last.delta + REACH, plays, scalars
        )

    def pointer(self, decision: Decision) -> int:
        """The raw step that a decision plays, kept inside the raw."""
        return min(max(self._wanted(decision), 0), self.raw_steps - 1)

    def ends_with(self, decision: Decision) -> bool:
        """Whether nothing is left to play: at the end of the raw a decision that does not lead
        back, and in `linear` any, as it knows the length of the edit.
        """
        if self.expected < self.raw_steps:
            return False
        return self.expected_position == "linear" or self._wanted(decision) >= self.raw_steps

    def _wanted(self, decision: Decision) -> int:
        return self.expected + DELTAS * decision.bucket + decision.delta

    def decision(self, pointer: int, *, jump_buckets: int) -> Decision:
        """The decision that plays `pointer`, or comes nearest to it."""
        distance = pointer - self.expected
        bucket = (distance + REACH) // DELTAS
        bucket = min(max(bucket, -jump_buckets), jump_buckets)
        delta = min(max(distance - DELTAS * bucket, -REACH), REACH)
        return Decision(bucket, delta)

    def advance(self, pointer: int, decision: Decision) -> None:
        """Play `pointer`; -1 plays nothing and leaves the place in the raw as it is."""
        self.time += 1
        if pointer == NO_SOURCE:
            return
        goes_on = pointer == self.previous + 1
        self.since_jump = self.since_jump + 1 if goes_on else 0
        self.cuts += not goes_on
        self.previous, self.last = pointer, decision
        self.played[pointer] = min(self.played[pointer] + 1, MOST_PLAYS)


@dataclass(frozen=True)
class Targets:
    """Inputs and targets of T steps, arrays (T,); IGNORE where a head is not trained."""

    inputs: StepInput
    """Each field an array (T,) int64; scalars (T, SCALARS) float32."""
    delta: np.ndarray
    """int64 class, 0 to 128."""
    bucket: np.ndarray
    """int64, -jump_buckets to jump_buckets."""
    use_jump: np.ndarray
    """int64, 0 or 1."""
    cut: np.ndarray
    """int64, 1 where the step does not follow the last one played; near cuts do not use jumps."""
    stop: np.ndarray
    """int64, 1 at the last step alone."""
    ops: np.ndarray
    """int64 class, 0 to 7."""
    clamped: int
    """Jumps that reach beyond the buckets."""


def step_count(frames: int, stride: int) -> int:
    """Steps that hold `frames` mel frames."""
    return -(-frames // stride)


def pointers_to_steps(pointers: np.ndarray, *, stride: int, raw_frames: int) -> np.ndarray:
    """(E,) raw mel frames, -1 without source -> (T,) raw steps, by each step's middle frame.

    Within a run the error is at most stride / 2 frames, as the offset between edit and raw is
    rounded to whole steps; a cut moves by at most stride / 2 frames. Only where a run reaches the
    very end of the raw may its last step repeat the one before it.
    """
    starts = np.arange(0, len(pointers), stride)
    middle = np.minimum(starts + stride // 2, len(pointers) - 1)
    first = pointers[middle] - (middle - starts)
    steps = np.floor(first / stride + 0.5).astype(np.int64)
    steps = np.clip(steps, 0, step_count(raw_frames, stride) - 1)
    return np.where(pointers[middle] < 0, NO_SOURCE, steps)


def steps_to_pointers(
    steps: np.ndarray, *, stride: int, raw_frames: int, edit_frames: int | None = None
) -> np.ndarray:
    """(T,) raw steps -> (E,) raw mel frames; the inverse of `pointers_to_steps` at step level."""
    frames = steps[:, None] * stride + np.arange(stride)
    frames = np.where(steps[:, None] < 0, NO_SOURCE, np.minimum(frames, raw_frames - 1))
    return frames.reshape(-1)[:edit_frames]


def ops_to_steps(ops: np.ndarray, *, stride: int) -> np.ndarray:
    """(E,) ops per frame -> (T,) int64, the first op of each step that is not COPY."""
    padded = np.full(step_count(len(ops), stride) * stride, COPY, dtype=np.int64)
    padded[: len(ops)] = ops
    blocks = padded.reshape(-1, stride)
    return blocks[np.arange(len(blocks)), np.argmax(blocks != COPY, axis=1)]


def encode(
    steps: np.ndarray,
    ops: np.ndarray,
    *,
    raw_steps: int,
    expected_position: Expectation,
    jump_buckets: int,
) -> Targets:
    """Write a path of (T,) raw steps as decisions, with what each may depend on.

    A step without source trains stop and ops, but none of the heads that point.
    """
    path = EditPath(
        raw_steps,
        expected_position=expected_position,
        compression_ratio=len(steps) / raw_steps,
    )
    inputs, decisions, clamped = [], [], 0
    for pointer in steps.tolist():
        inputs.append(path.inputs())
        decision = path.decision(pointer, jump_buckets=jump_buckets)
        clamped += pointer != NO_SOURCE and path.pointer(decision) != pointer
        decisions.append(decision)
        path.advance(pointer, decision)
    bucket, delta = np.array(decisions, dtype=np.int64).T
    stacked, sounding = stack_inputs(inputs), steps != NO_SOURCE
    return Targets(
        inputs=stacked,
        delta=np.where(sounding, delta + REACH, IGNORE),
        bucket=np.where(sounding, bucket, 0),
        use_jump=np.where(sounding, bucket != 0, IGNORE),
        cut=np.where(sounding, steps != stacked.previous + 1, IGNORE),
        stop=(np.arange(len(steps)) == len(steps) - 1).astype(np.int64),
        ops=ops.astype(np.int64),
        clamped=clamped,
    )


def decode(targets: Targets, *, raw_steps: int, expected_position: Expectation) -> np.ndarray:
    """Play decisions back to (T,) raw steps: what perfect predictions would give."""
    path = EditPath(
        raw_steps,
        expected_position=expected_position,
        compression_ratio=len(targets.delta) / raw_steps,
    )
    steps = []
    for bucket, delta in zip(targets.bucket.tolist(), targets.delta.tolist(), strict=True):
        sounding = delta != IGNORE
        decision = Decision(bucket, delta - REACH if sounding else 0)
        steps.append(path.pointer(decision) if sounding else NO_SOURCE)
        path.advance(steps[-1], decision)
    return np.array(steps, dtype=np.int64)


def stack_inputs(inputs: list[StepInput]) -> StepInput:
    """Join steps into arrays (T,), the scalars into (T, SCALARS) float32."""
    *counts, scalars = zip(*inputs, strict=True)
    columns = [np.array(column, dtype=np.int64) for column in counts]
    return StepInput(*columns, np.array(scalars, dtype=np.float32))
