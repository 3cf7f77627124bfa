"""Agreement of an edit in the making with a person's, kept up to date action by action.

The same keep F1 and cut F1 as `evaluate.metrics`, on the clock of steps. Neither the length of the
raw nor that of the edit enters the cost of an action: what is played is counted as it comes, and
only cuts near the person's can be matched.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

import mir_eval
import numpy as np

from editorbot.rl_editor.steps import StepRun


class Scores(NamedTuple):
    """Agreement so far, each 0 to 1."""

    keep_f1: float
    cut_f1: float


class Agreement:
    """Counts of what was played and cut over `steps` steps, against the person's `runs`.

    `window` is the largest distance of matching cuts in steps; at the steps in `ends` the raws
    themselves begin and end, which is no cut.
    """

    def __init__(
        self, runs: Sequence[StepRun], steps: int, *, window: int, ends: AbstractSet[int]
    ) -> None:
        self._steps, self._window, self._ends = steps, window, ends
        self._wanted = np.zeros(steps, dtype=bool)
        for run in runs:
            self._wanted[run.start : run.end] = True
        self._wanted_count = int(self._wanted.sum())
        points = {run.start for run in runs} | {run.end for run in runs}
        self._wanted_cuts = np.array(sorted(points - ends), dtype=np.int64)
        reach = self._wanted_cuts[:, None] + np.arange(-window, window + 1)
        self._near = np.unique(reach[(reach > 0) & (reach < steps)])
        self.reset()

    def reset(self) -> None:
        """Forget what was played."""
        self._kept = np.zeros(self._steps, dtype=bool)
        self._is_cut = np.zeros(self._steps + 1, dtype=bool)
        self._played = self._hits = self._cuts = 0
        self._matched: dict[bytes, int] = {}

    def play(self, start: int, end: int) -> None:
        """Play steps `[start, end)`; what was played before adds nothing."""
        fresh = ~self._kept[start:end]
        self._played += int(fresh.sum())
        self._hits += int((fresh & self._wanted[start:end]).sum())
        self._kept[start:end] = True

    def cut(self, step: int) -> None:
        """Note that a run begins or ends at `step`; the raws' own ends are no cuts."""
        if step not in self._ends and not self._is_cut[step]:
            self._is_cut[step] = True
            self._cuts += 1

    def scores(self, *, left: int | None = None) -> Scores:
        """Agreement so far; `left` is where the last run ends, None while it is still playing."""
        is_new = left is not None and left not in self._ends and not self._is_cut[left]
        if is_new:
            self._is_cut[left] = True
        near = self._near[self._is_cut[self._near]]
        if is_new:
            self._is_cut[left] = False
        made, wanted = self._cuts + is_new, len(self._wanted_cuts)
        return Scores(
            keep_f1=_f1(self._hits, self._played, self._wanted_count),
            cut_f1=_f1(self._match(near), made, wanted),
        )

    def _match(self, near: np.ndarray) -> int:
        """Number of the person's cuts that are matched; most actions change nothing near one."""
        key = near.tobytes()
        if key not in self._matched:
            pairs = mir_eval.util.match_events(self._wanted_cuts, near, self._window)
            self._matched = {key: len(pairs)}
        return self._matched[key]


def _f1(hits: int, made: int, wanted: int) -> float:
    return 2 * hits / (made + wanted) if made + wanted else 1.0
