"""What a network knows before it meets its editor's songs."""

from pathlib import Path
from typing import NamedTuple

from editorbot.errors import EditorbotError
from editorbot.params import PathParams
from editorbot.pointer_network import SYSTEM
from editorbot.pointer_network.path.features import VERSION
from editorbot.pointer_network.path.network import PathNetwork
from editorbot.pointer_network.path.terms import PathDecoding
from editorbot.train.checkpoints import Checkpoint, load_checkpoint

BUNDLED = Path(__file__).parent / "weights"
PLACES = {
    "bundled": BUNDLED,
    "reference": Path("results/models/pointer_network_pretrained/best"),
}
STEMS_INPUT = "stems."
"""Weights that only a network with an input for stems has; they are learned anew."""


class Pretrained(NamedTuple):
    """What is kept of where the weights come from."""

    digest: str
    """Of the songs that they were learned from."""
    decoding: PathDecoding
    """Chosen on songs beside those."""


def place_of(name: Path | str) -> Path:
    """`bundled`, `reference` or a folder -> the folder of the checkpoint."""
    return PLACES.get(str(name), Path(name))


def load_pretrained(model: PathNetwork, params: PathParams) -> Pretrained | None:
    """Give `model` the weights that `params.pretrained` names; None if that is none.

    Raises:
        EditorbotError: There are none, or they are those of a network of other dimensions or of
            another version.
    """
    if params.pretrained == "none":
        return None
    checkpoint = load_checkpoint(place_of(params.pretrained), system=SYSTEM)
    check_version(checkpoint)
    own = {key: x for key, x in model.state_dict().items() if key.startswith(STEMS_INPUT)}
    weights = {k: x for k, x in checkpoint.weights.items() if not k.startswith(STEMS_INPUT)}
    try:
        model.load_state_dict({**own, **weights})
    except RuntimeError as error:
        raise EditorbotError(
            f"{checkpoint.path} has other dimensions than pointer.path.size: set "
            "pointer.path.pretrained to none, or the size to the checkpoint's"
        ) from error
    info = checkpoint.info
    return Pretrained(info["data"]["digest"], PathDecoding(**info["decoding"]))


def check_version(checkpoint: Checkpoint) -> None:
    """Refuse a path model that learned from features that are no longer made.

    Raises:
        EditorbotError: It is one.
    """
    if checkpoint.info.get("data", {}).get("features") != VERSION:
        raise EditorbotError(
            f"{checkpoint.path} was made by another version of editorbot: train it again"
        )
