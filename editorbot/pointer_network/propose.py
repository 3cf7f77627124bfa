"""A trained network and the features of a raw recording -> a proposed edit."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from editorbot.edl.frames import FrameGrid, from_pointers
from editorbot.edl.model import Edit, Fade, Source
from editorbot.errors import EditorbotError
from editorbot.nn.threads import cpu_threads
from editorbot.params import DecodeParams, MelParams, PointerParams, StemsParams
from editorbot.pointer_network import SYSTEM
from editorbot.pointer_network.path.network import PathNetwork
from editorbot.pointer_network.path.pretrained import PLACES, check_version, place_of
from editorbot.pointer_network.path.propose import PathProposer
from editorbot.pointer_network.path.terms import PathDecoding
from editorbot.pointer_network.songs import STEMS, Frames
from editorbot.pointer_network.v2.decode import Decoding
from editorbot.pointer_network.v2.model import PointerNetwork
from editorbot.pointer_network.v2.propose import v2_pointers
from editorbot.pointer_network.wishes import Wishes
from editorbot.train.checkpoints import load_checkpoint, load_weights


@dataclass(frozen=True)
class PointerEditor:
    """A network with all that it takes to edit a new recording as it learned to."""

    model: PathNetwork | PointerNetwork
    params: PointerParams
    decode: DecodeParams
    mel: MelParams
    stems: StemsParams | None
    """How stems are separated; None where the network does not use them."""
    decoding: PathDecoding | Decoding
    info: dict[str, Any]
    """The checkpoint's JSON."""
    practised: bool = False
    """Whether it knows simulated jams alone, and no song of its user's."""

    @property
    def grid(self) -> FrameGrid:
        """The grid of the features' frames."""
        return FrameGrid(self.mel.sample_rate, self.mel.hop_length)

    def describe(self) -> str:
        """One sentence: what it learned from, and when it was best."""
        data = self.info["data"]
        songs = "simulated jams, none of them yours," if self.practised else "songs"
        return (
            f"pointer network of {self.info['parameters']:,} parameters, which learned from "
            f"{len(data['songs'])} {songs} with {data['cuts']} cuts, best after epoch "
            f"{self.info['epoch']}"
        )


def load_editor(checkpoint: Path | str) -> PointerEditor:
    """Rebuild a network from its checkpoint, in evaluation mode.

    Args:
        checkpoint: Its folder, or `bundled`: what editorbot knows before it has met its user.

    Raises:
        EditorbotError: The folder is no checkpoint of a pointer network, is incomplete, belongs
            to a training that did not end, or to another version.
    """
    saved = load_checkpoint(
        place_of(checkpoint),
        system=SYSTEM,
        instead="learn from your pairs with `snakemake train_pointer`, or give the folder of a "
        "checkpoint, or `bundled`, which knows simulated jams alone",
    )
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
    if params.model == "path":
        check_version(saved)
        model = PathNetwork(params.path.size, stems=stems is not None)
        decoding = PathDecoding(**saved.info["decoding"])
    else:
        model = PointerNetwork(params, n_mels=mel.n_mels, stems=stems is not None)
        decoding = Decoding(**saved.info["decoding"])
    load_weights(model, saved)
    practised = saved.path in PLACES.values()
    return PointerEditor(model.eval(), params, decode, mel, stems, decoding, saved.info, practised)


def propose_from_features(
    editor: PointerEditor,
    mel: Frames,
    stems_mel: Frames | None,
    *,
    sources: Sequence[Source],
    wishes: Wishes | None = None,
    count: int = 1,
) -> list[Edit]:
    """Propose edits of recordings whose features are known.

    Args:
        editor: From `load_editor`.
        mel: (M, F) of the recordings one after the other, computed as `editor.mel` says.
        stems_mel: (S, M, F); None goes with a network that has no input for it.
        sources: The recordings.
        wishes: What the edits must satisfy.
        count: How many different ones are wanted; there may be fewer.

    Returns:
        Edits at the first source's rate, with crossfades of equal power at their cuts, the best
        one first.

    Raises:
        EditorbotError: The features are not of these recordings, or not what the network learned,
            or a network V2 is asked for more than one plain edit.
    """
    _check_fit(editor, mel, stems_mel, sources)
    wishes = wishes or Wishes()
    with cpu_threads(editor.params.cpu_threads):
        if isinstance(editor.model, PathNetwork):
            proposer = PathProposer(
                editor.model,
                editor.decoding,
                mel,
                stems_mel,
                sources=sources,
                grid=editor.grid,
                fade=_crossfade(editor, sources),
            )
            return proposer.edits(wishes, count=count)
        if count > 1 or not wishes.are_none:
            raise EditorbotError(
                "this checkpoint is of the network V2, which proposes one edit and takes no "
                "wishes: train with pointer.model path"
            )
        pointers = v2_pointers(editor.model, editor.decoding, mel, stems_mel, grid=editor.grid)
    # A recording's last frame is seldom whole: going on from there would leave a moment of silence.
    goes_on = np.isin(pointers[:-1], np.cumsum(_frame_counts(editor, sources)) - 1)
    pointers = np.delete(pointers, np.flatnonzero(goes_on))
    fade = _crossfade(editor, sources)
    return [from_pointers(pointers, editor.grid, sources=sources, fade=fade)]


def _crossfade(editor: PointerEditor, sources: Sequence[Source]) -> Fade:
    samples = round(editor.params.crossfade_s * sources[0].sample_rate)
    return Fade(samples=samples, curve="equal_power")


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
