"""A gymnasium environment: an agent edits a song's raw and is rewarded for editing it as a person
did. Several raws of one song follow one another and are edited as one.

The agent holds a playhead over the raw, which it knows as a mel at 10 steps a second. Each action
has three parts, `MultiDiscrete([4, 7, 4])`:

op     KEEP plays the next steps; SKIP passes over them unplayed; LOOP_BACK moves the playhead
       back; STOP ends the edit.
size   The op moves the playhead by `SIZES[size]` steps, 0.1 to 6.4 s, as far as the raw reaches.
fade   On a KEEP that begins a run, how the run fades in; on the action that leaves a run, how it
       fades out (`steps.FADES_S`). Elsewhere it has no effect.

The episode ends by STOP or when a KEEP or SKIP begins at the raw's end; it is truncated after
`max_output` played steps or `max_actions` actions.

Reward. The agreement with the person's edit so far, on the clock of steps, is
    A = 0.5 keep F1 + 0.5 cut F1 within 0.5 s
as `evaluate.metrics` defines them (tests hold the two together); the run that is still playing
has no leave point yet. The reward of an action is the change of A, a potential-based reward (Ng,
Harada, Russell, ICML 1999), so an episode's undiscounted return is A at its end less A of
nothing, and playing the person's edit again is the best that can be done.

Observation, a dict of float32 arrays, each in 0..1, W columns around the playhead (half before):
    mel (bands, W); inside (W,) 1 where the raw is; played (W,) how often the step was played, by
    quarters up to 4 times; state (7,): position, output length, actions used, as shares, and the
    last op, one-hot.
"""

from enum import IntEnum
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from editorbot.edl.frames import FrameGrid
from editorbot.edl.model import Edit
from editorbot.edl.raw_axis import bounds_s, frame_times_s
from editorbot.rl_editor.agreement import Agreement
from editorbot.rl_editor.steps import (
    FADES_S,
    STEPS_PER_SECOND,
    StepRun,
    edit_of_runs,
    pool_mel,
    step_count,
    step_runs,
)

SIZES = (1, 2, 4, 8, 16, 32, 64)
"""Steps."""
CUT_WINDOW_S = 0.5
SAME_INSTANT_S = 0.01
"""As `evaluate.playback` has it for the ends of raws, which are no cuts."""
KEEP_WEIGHT = CUT_WEIGHT = 0.5
MOST_PLAYS = 4
LONGEST_OUTPUT = 2
"""The output may last so many times as long as the raw, or as the person's edit."""


class Move(IntEnum):
    """The first part of an action."""

    KEEP = 0
    SKIP = 1
    LOOP_BACK = 2
    STOP = 3


class EditingEnvironment(gymnasium.Env):
    """A song's raw, to be edited as `human` was; see the module's docstring.

    Args:
        mel: (M, F) of the raw, values 0 to 1.
        human: The person's edit of it.
        grid: The frames of `mel`.
        window_s: Seconds of the raw that an observation shows, half of them before the playhead.
        bands: Mel bands of an observation, means of neighbouring bands of `mel`.

    Raises:
        ValueError: `human` plays nothing of its sources, or `mel` is not theirs.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012, gymnasium's own signature

    def __init__(
        self,
        mel: np.ndarray,
        human: Edit,
        *,
        grid: FrameGrid,
        window_s: float = 12.8,
        bands: int = 32,
    ) -> None:
        self.sources = human.sources
        self.steps = step_count(self.sources)
        self._human = step_runs(human)
        if not self._human:
            raise ValueError("expected an edit that plays its raw, got one without any of it")
        window = round(CUT_WINDOW_S * STEPS_PER_SECOND)
        ends = _steps_at(bounds_s(self.sources)) | {0, self.steps}
        self._counts = Agreement(self._human, self.steps, window=window, ends=ends)
        self._half = round(window_s * STEPS_PER_SECOND / 2)
        times_s = frame_times_s(self.sources, grid)
        pooled = pool_mel(mel, self.steps, frame_times_s=times_s, bands=bands)
        # The padding spares each observation the care for the raw's ends.
        self._mel = np.pad(np.clip(pooled, 0, 1), ((0, 0), (self._half, self._half)))
        self._inside = np.pad(np.ones(self.steps, np.float32), self._half)
        human_steps = sum(run.end - run.start for run in self._human)
        self.max_output = LONGEST_OUTPUT * max(self.steps, human_steps)
        self.max_actions = 2 * self.max_output
        self.action_space = spaces.MultiDiscrete([len(Move), len(SIZES), len(FADES_S)])
        width = 2 * self._half
        shapes = {"mel": (bands, width), "inside": (width,), "played": (width,), "state": (7,)}
        self.observation_space = spaces.Dict(
            {name: spaces.Box(0.0, 1.0, shape, np.float32) for name, shape in shapes.items()}
        )

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, np.ndarray], dict[str, float]]:
        """Begin again at the raw's start with nothing played; nothing here is left to chance."""
        super().reset(seed=seed, options=options)
        self._position = 0
        self._runs: list[StepRun] = []
        self._padded_plays = np.zeros(self.steps + 2 * self._half, dtype=np.int32)
        self._plays = self._padded_plays[self._half : self._half + self.steps]  # a view
        self._output = self._actions = 0
        self._last: Move | None = None
        self._done = False
        self._counts.reset()
        self._agreement = self._agree()
        return self._observe(), self.info

    def step(
        self, action: np.ndarray
    ) -> tuple[dict[str, np.ndarray], float, bool, bool, dict[str, float]]:
        """Carry out one action (op, size, fade).

        Raises:
            RuntimeError: The episode is over.
        """
        if self._done:
            raise RuntimeError("the episode is over: expected reset() before the next step()")
        move, size, fade = Move(int(action[0])), SIZES[int(action[1])], int(action[2])
        at_end = self._position == self.steps
        terminated = move is Move.STOP or (at_end and move is not Move.LOOP_BACK)
        if move is Move.KEEP and not terminated:
            self._play(size, fade)
        else:
            self._leave(move, size, fade)
        self._actions += 1
        self._last = move
        over = self._output >= self.max_output or self._actions >= self.max_actions
        truncated = over and not terminated
        self._done = terminated or truncated
        before, self._agreement = self._agreement, self._agree()
        reward = self._agreement - before
        return self._observe(), reward, terminated, truncated, self.info

    def _play(self, size: int, fade: int) -> None:
        start = self._position
        end = min(start + size, self.steps, start + self.max_output - self._output)
        if self._runs and self._runs[-1].end == start:
            begun = self._runs.pop()
            self._runs.append(StepRun(begun.start, end, begun.fade_in))
        else:
            if self._runs:
                self._counts.cut(self._runs[-1].end)
            self._counts.cut(start)
            self._runs.append(StepRun(start, end, fade))
        self._counts.play(start, end)
        self._plays[start:end] += 1
        self._output += end - start
        self._position = end

    def _leave(self, move: Move, size: int, fade: int) -> None:
        if self._last is Move.KEEP:
            left = self._runs[-1]
            self._runs[-1] = StepRun(left.start, left.end, left.fade_in, fade)
        if move is Move.SKIP:
            self._position = min(self._position + size, self.steps)
        elif move is Move.LOOP_BACK:
            self._position = max(self._position - size, 0)

    def _agree(self) -> float:
        end = self._runs[-1].end if self._runs else None
        playing = end == self._position and not self._done
        self._scores = self._counts.scores(left=None if playing else end)
        return KEEP_WEIGHT * self._scores.keep_f1 + CUT_WEIGHT * self._scores.cut_f1

    def _observe(self) -> dict[str, np.ndarray]:
        at = slice(self._position, self._position + 2 * self._half)
        plays = np.minimum(self._padded_plays[at], MOST_PLAYS) / MOST_PLAYS
        state = np.zeros(3 + len(Move), dtype=np.float32)
        state[0] = self._position / self.steps
        state[1] = self._output / self.max_output
        state[2] = self._actions / self.max_actions
        if self._last is not None:
            state[3 + self._last] = 1.0
        return {
            "mel": self._mel[:, at].copy(),
            "inside": self._inside[at].copy(),
            "played": plays.astype(np.float32),
            "state": state,
        }

    @property
    def info(self) -> dict[str, float]:
        """The agreement so far and its parts, the playhead and the output's length in seconds."""
        return {
            "agreement": self._agreement,
            "keep_f1": self._scores.keep_f1,
            "cut_f1": self._scores.cut_f1,
            "position_s": self._position / STEPS_PER_SECOND,
            "output_s": self._output / STEPS_PER_SECOND,
        }

    def human_actions(self) -> np.ndarray:
        """(A, 3) int64, the fewest actions that play the person's edit from the raw's start."""
        actions: list[tuple[int, int, int]] = []
        position, leaving = 0, 0
        for run in self._human:
            move = Move.SKIP if run.start > position else Move.LOOP_BACK
            actions += _moves(move, abs(run.start - position), fade=leaving)
            actions += _moves(Move.KEEP, run.end - run.start, fade=run.fade_in)
            position, leaving = run.end, run.fade_out
        return np.array([*actions, (Move.STOP, 0, leaving)], dtype=np.int64)

    def to_edit(self) -> Edit:
        """What was played so far as an edit of the raw, at the raw's own rate.

        Raises:
            ValueError: Nothing was played.
        """
        return edit_of_runs(self._runs, self.sources)


def _steps_at(instants_s: np.ndarray) -> set[int]:
    """Steps that begin at one of the instants, as near as measures tell instants apart."""
    steps = np.round(instants_s * STEPS_PER_SECOND)
    at = np.abs(steps / STEPS_PER_SECOND - instants_s) <= SAME_INSTANT_S
    return set(steps[at].astype(int).tolist())


def _moves(move: Move, distance: int, *, fade: int) -> list[tuple[int, int, int]]:
    """Actions that move the playhead by `distance` steps, the longest first."""
    actions = []
    for size in range(len(SIZES) - 1, -1, -1):
        count, distance = divmod(distance, SIZES[size])
        actions += [(int(move), size, fade)] * count
    return actions
