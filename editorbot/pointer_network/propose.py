"""A trained network and the features of a raw recording -> a proposed edit."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from pydantic import ValidationError

from editorbot.edl.frames import FrameGrid, from_pointers
from editorbot.edl.model import Edit, Fade, Source
from editorbot.errors import EditorbotError
from editorbot.nn.threads import cpu_threads
from editorbot.params import DecodeParams, MelParams, PointerParams, StemsParams
from editorbot.pointer_network.decode import Decoding, Frames, decode_steps
from editorbot.pointer_network.encoder import STEMS
from editorbot.pointer_network.model import SYSTEM, PointerNetwork
from editorbot.train.checkpoints import load_checkpoint, load_weights


@dataclass(frozen=True)
class PointerEditor:
    """A network with all that it takes to edit a new recording as it learned to."""

    model: PointerNetwork
    decode: DecodeParams
    mel: MelParams
    stems: StemsParams | None
    """How stems are separated; None where the network does not use them."""
    decoding: Decoding
    info: dict[str, Any]
    """The checkpoint's JSON."""

    @property
    def grid(self) -> FrameGrid:
        """The grid of the features' frames."""
        return FrameGrid(self.mel.sample_rate, self.mel.hop_length)

    def describe(self) -> str:
        """One sentence: what it learned from, and when it was best."""
        data = self.info["data"]
        return (
            f"pointer network of {self.info['parameters']:,} parameters, which learned from "
            f"{len(data['songs'])} songs with {data['cuts']} cuts, best after epoch "
            f"{self.info['epoch']}"
        )


def load_editor(checkpoint: Path | str) -> PointerEditor:
    """Rebuild a network from its checkpoint folder, in evaluation mode.

    Raises:
        EditorbotError: The folder is no checkpoint of a pointer network, is incomplete, or belongs
            to a training that did not end.
    """
    saved = load_checkpoint(checkpoint, system=SYSTEM)
    if "decoding" not in saved.info:
        raise EditorbotError(
            f"{checkpoint} has no decoding thresholds, which training chooses for the best epoch "
            "at its end: give the folder best of a training that ended"
        )
    try:
        params = PointerParams(**saved.info["params"]["pointer"])
        mel = MelParams(**saved.info["params"]["mel"])
        decode = DecodeParams(**saved.info["params"]["decode"])
        stems = saved.info["params"]["stems"]
        stems = None if stems is None else StemsParams(**stems)
    except ValidationError as error:
        raise EditorbotError(
            f"{checkpoint} was made by another version of editorbot: train it again"
        ) from error
    model = PointerNetwork(params, n_mels=mel.n_mels, stems=stems is not None)
    load_weights(model, saved)
    decoding = Decoding(**saved.info["decoding"])
    return PointerEditor(model.eval(), decode, mel, stems, decoding, saved.info)


def propose_from_features(
    editor: PointerEditor, mel: Frames, stems_mel: Frames | None, *, sources: Sequence[Source]
) -> Edit:
    """Propose an edit of recordings whose features are known.

    Args:
        editor: From `load_editor`.
        mel: (M, F) of the recordings one after the other, computed as `editor.mel` says.
        stems_mel: (S, M, F); None goes with a network that has no input for it.
        sources: The recordings.

    Returns:
        An edit at the first source's rate, with crossfades of equal power at its cuts.

    Raises:
        EditorbotError: The features are not of these recordings, or not what the network learned.
    """
    _check_fit(editor, mel, stems_mel, sources)
    params = editor.model.params
    with cpu_threads(params.cpu_threads):
        steps = decode_steps(
            editor.model,
            mel,
            stems_mel,
            decoding=editor.decoding,
            max_length_ratio=params.max_length_ratio,
            progress=True,
        )
    stride = params.dimensions.stride
    step_s = stride * editor.grid.seconds
    tidied = tidy(
        steps,
        jitter=int(params.jitter_s / step_s),
        shortest=int(np.ceil(params.shortest_segment_s / step_s)),
    )
    pointers = (tidied[:, None] * stride + np.arange(stride)).reshape(-1)
    # The last step of a raw is seldom whole.
    pointers = pointers[pointers < mel.shape[-1]]
    # Nor is a recording's last frame: going on from there would leave a moment of silence.
    goes_on = np.isin(pointers[:-1], np.cumsum(_frame_counts(editor, sources)) - 1)
    pointers = np.delete(pointers, np.flatnonzero(goes_on))
    fade = Fade(samples=round(params.crossfade_s * sources[0].sample_rate), curve="equal_power")
    return from_pointers(pointers, editor.grid, sources=sources, fade=fade)


def _frame_counts(editor: PointerEditor, sources: Sequence[Source]) -> list[int]:
    return [editor.grid.frames(s.samples, sample_rate=s.sample_rate) for s in sources]


def _check_fit(
    editor: PointerEditor, mel: Frames, stems_mel: Frames | None, sources: Sequence[Source]
) -> None:
    names = ", ".join(source.path for source in sources)
    expected = (editor.mel.n_mels, sum(_frame_counts(editor, sources)))
    if mel.shape != expected:
        raise EditorbotError(
            f"{names}: the mel has shape {mel.shape}, expected {expected}: prepare the song with "
            "the checkpoint's params"
        )
    if editor.stems is not None and (stems_mel is None or stems_mel.shape != (STEMS, *mel.shape)):
        got = "none" if stems_mel is None else f"shape {stems_mel.shape}"
        raise EditorbotError(
            f"{names}: the network learned with stems: expected their mels of shape "
            f"{(STEMS, *mel.shape)}, got {got}"
        )


class _Run(NamedTuple):
    first: int
    length: int

    @property
    def end(self) -> int:
        return self.first + self.length


def tidy(steps: np.ndarray, *, jitter: int, shortest: int) -> np.ndarray:
    """Take the noise out of a path, (T,) int64 raw steps.

    A jump by at most `jitter` steps from the line is undone, then each run of fewer than
    `shortest` steps goes on along the run before it. A short run at the start is dropped, unless
    nothing else is left.
    """
    starts = [0, *(np.flatnonzero(np.diff(steps) != 1) + 1).tolist(), len(steps)]
    runs = [_Run(int(steps[a]), b - a) for a, b in pairwise(starts)]
    last = int(steps.max())
    runs = _join(runs, last, lambda before, run: abs(run.first - before.end) <= jitter)
    while len(runs) > 1 and runs[0].length < shortest:
        runs = runs[1:]
    runs = _join(runs, last, lambda before, run: run.length < shortest)
    runs = _join(runs, last, lambda before, run: abs(run.first - before.end) <= jitter)
    return np.concatenate([np.arange(run.first, run.end) for run in runs])


def _join(runs: list[_Run], last: int, belongs) -> list[_Run]:
    """Let a run before go on for the length of each run that `belongs` to it, up to step `last`."""
    joined = [runs[0]]
    for run in runs[1:]:
        before = joined[-1]
        if belongs(before, run):
            length = min(before.length + run.length, last + 1 - before.first)
            joined[-1] = _Run(before.first, length)
        else:
            joined.append(run)
    return joined
