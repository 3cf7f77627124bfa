"""Which songs the network that editorbot comes with has heard: none of them may be held out.

The Snakefile reads this on each call, so nothing heavy may be imported here.
"""

from pathlib import Path

from editorbot.files import read_json
from editorbot.params import PointerParams

BUNDLED = Path(__file__).parent / "weights"


def practised_songs(params: PointerParams) -> frozenset[str]:
    """Names of the tracks whose jams the network learned from before it meets any pair."""
    if params.model != "path" or params.path.pretrained != "bundled":
        return frozenset()
    data = read_json(BUNDLED / "checkpoint.json")["data"]
    return frozenset(map(track_of, (*data["songs"], *data["validation_songs"])))


def track_of(jam: str) -> str:
    """The track that a jam, `{track}.{number}`, was made of."""
    return jam.rpartition(".")[0]
