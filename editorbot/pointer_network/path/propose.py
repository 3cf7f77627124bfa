"""The path model's answers -> edits."""

from collections.abc import Sequence

import numpy as np
from scipy.special import expit

from editorbot.edl.frames import FrameGrid
from editorbot.edl.model import Edit, Fade, Segment, Source
from editorbot.edl.raw_axis import bounds_s, frame_borders_s
from editorbot.edl.spans import edit_of_spans
from editorbot.pointer_network.path.answers import answers_of
from editorbot.pointer_network.path.decode import alternative_paths
from editorbot.pointer_network.path.examples import stem_bands
from editorbot.pointer_network.path.features import features_of
from editorbot.pointer_network.path.network import PathNetwork
from editorbot.pointer_network.path.terms import Answers, Limits, PathDecoding, Run
from editorbot.pointer_network.songs import Frames
from editorbot.pointer_network.wishes import Span, Wishes

APART_S, APART_SHARE = 3.0, 0.02
"""Seconds, and share of the raw, by which alternatives differ at least."""
MOVED_S = 0.8
"""By which the end of a run is moved to its exact place, at most."""
LENGTH_ROUNDS = 8
"""How often the length that is asked for is corrected by what cuts were moved."""


class PathProposer:
    """Edits of one raw.

    Args:
        model: A trained network.
        decoding: From its checkpoint.
        mel: (M, F) of the recordings one after the other.
        stems_mel: (S, M, F); None goes with a network that has no input for them.
        sources: The recordings.
        grid: Of the features' frames.
        fade: Across every cut.
    """

    def __init__(
        self,
        model: PathNetwork,
        decoding: PathDecoding,
        mel: Frames,
        stems_mel: Frames | None,
        *,
        sources: Sequence[Source],
        grid: FrameGrid,
        fade: Fade,
    ):
        stride = model.size.stride
        features = features_of(np.asarray(mel[:]), stride=stride, grid=grid)
        stems = None if stems_mel is None else stem_bands(np.asarray(stems_mel[:]))
        self.answers: Answers = answers_of(model, features, stems)
        self.decoding, self.sources, self.fade = decoding, tuple(sources), fade
        self.borders_s = frame_borders_s(sources, grid)
        """Instants of the borders of frames, and of steps among them."""
        self.places = np.arange(len(self.borders_s)) / stride
        self.step_s = stride * grid.seconds

    def edits(self, wishes: Wishes, *, count: int = 1) -> list[Edit]:
        """The best edit, and other good ones; there may be fewer than `count`."""
        steps = len(self.answers.keep)
        apart = max(APART_S / self.step_s, APART_SHARE * steps)
        length_s, found = wishes.length_s, []
        for _ in range(LENGTH_ROUNDS if length_s is not None else 1):
            limits = self._limits(wishes, length_s)
            paths = alternative_paths(self.answers, self.decoding, limits, count=count, apart=apart)
            found.append([self._edit(path, wishes) for path in paths])
            if wishes.length_s is not None:
                missing_s = wishes.length_s - _length_s(found[-1][0])
                if abs(missing_s) < self.step_s:
                    break
                length_s += missing_s
        if wishes.length_s is None:
            return found[0]
        return min(found, key=lambda edits: abs(_length_s(edits[0]) - wishes.length_s))

    def _limits(self, wishes: Wishes, length_s: float | None) -> Limits:
        return Limits(
            keep=tuple(self._steps_of(span) for span in wishes.keep),
            drop=tuple(self._steps_of(span) for span in wishes.drop),
            length=None if length_s is None else max(1.0, length_s / self.step_s),
        )

    def _steps_of(self, span: Span) -> Run:
        return Run(*np.interp(span, self.borders_s, self.places).tolist())

    def _edit(self, path: Sequence[Run], wishes: Wishes) -> Edit:
        spans = [Span(*np.interp(run, self.places, self.borders_s).tolist()) for run in path]
        edit = edit_of_spans(_within(spans, wishes), self.sources, fade=self.fade)
        judged = tuple(self._with_confidence(segment) for segment in edit.segments)
        return edit.model_copy(update={"segments": judged})

    def _with_confidence(self, segment: Segment) -> Segment:
        """The mean probability that the editor keeps what it plays."""
        source = self.sources[segment.source]
        start_s = float(bounds_s(self.sources)[segment.source])
        ends_s = [start_s + x / source.sample_rate for x in (segment.src_start, segment.src_end)]
        first, last = np.interp(ends_s, self.borders_s, self.places)
        logits = self.answers.keep[int(first) : max(int(np.ceil(last)), int(first) + 1)]
        chance = expit(logits / self.decoding.temperature).mean()
        return segment.model_copy(update={"confidence": round(float(chance), 4)})


def _within(spans: Sequence[Span], wishes: Wishes) -> list[Span]:
    """Spans whose ends were put where they sound best, and so a little over what was asked."""
    result = []
    for start_s, end_s in spans:
        for drop in wishes.drop:
            middle = (start_s + end_s) / 2
            if drop.start_s <= middle:
                start_s = max(start_s, drop.end_s)
            else:
                end_s = min(end_s, drop.start_s)
        for keep in wishes.keep:
            if 0 < start_s - keep.start_s < MOVED_S:
                start_s = keep.start_s
            if 0 < keep.end_s - end_s < MOVED_S:
                end_s = keep.end_s
        if end_s > start_s:
            result.append(Span(start_s, end_s))
    return result


def _length_s(edit: Edit) -> float:
    return edit.samples / edit.sample_rate
