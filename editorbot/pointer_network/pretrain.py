"""Practice on simulated jams: what a network knows before it meets its editor."""

from collections.abc import Sequence
from pathlib import Path

from editorbot.errors import EditorbotError
from editorbot.params import DecodeParams, MelParams, PointerParams, PretrainParams, StemsParams
from editorbot.pointer_network.songs import SongFiles
from editorbot.pointer_network.train import TrainResult, train_pointer

OVERRIDES = {"pretrained": "none", "epoch": "last", "augment": True}


def pretrain_pointer(
    jams: Sequence[SongFiles],
    *,
    params: PointerParams,
    pretrain: PretrainParams,
    mel: MelParams,
    stems: StemsParams,
    decode: DecodeParams,
    directory: Path,
    log_directory: Path,
) -> TrainResult:
    """Train the path model on prepared jams named `{track}.{number}`.

    Of every few tracks all jams choose how to decode; the others are learned from.

    Raises:
        EditorbotError: There are fewer than two tracks, or as `train_pointer`.
    """
    tracks = sorted({track_of(jam.name) for jam in jams})
    if len(tracks) < 2:
        raise EditorbotError(
            f"{len(tracks)} finished tracks are too few to practise on: put two or more into "
            "data/reference, or set pretrain.tracks to made"
        )
    validation = set(tracks[:: pretrain.validation_every])
    path = params.path.model_copy(update=OVERRIDES | {"steps": pretrain.steps})
    return train_pointer(
        [jam for jam in jams if track_of(jam.name) not in validation],
        [jam for jam in jams if track_of(jam.name) in validation],
        params=params.model_copy(update={"model": "path", "path": path, "stems": False}),
        mel=mel,
        stems=stems,
        decode=decode,
        directory=directory,
        log_directory=log_directory,
    )


def track_of(jam: str) -> str:
    """The track that a jam, `{track}.{number}`, was made of."""
    return jam.rpartition(".")[0]
