"""The project's own small HTDemucs: what it looks like, and its shipped weights.

It hears mono sound at 22,050 Hz, the rate of the mel spectrogram, so that separating an hour takes
minutes on one CPU core. Trained on the demo songs' true parts by `editorbot.train.mini_demucs`.
"""

from pathlib import Path

from demucs.htdemucs import HTDemucs
from safetensors import SafetensorError
from safetensors.torch import load_file

from editorbot.errors import EditorbotError
from editorbot.files import read_json

STEMS = ("drums", "bass", "other", "vocals")
SYSTEM = "mini_demucs"
WEIGHTS = Path(__file__).parent / "weights" / "mini"

MINI = {
    "sources": list(STEMS),
    "audio_channels": 1,
    "samplerate": 22050,
    # Seconds heard at once, in training as in use.
    "segment": 3,
    # 93 ms windows: the ratio of window to rate that htdemucs has (4096 at 44,100 Hz).
    "nfft": 2048,
    "channels": 16,
    # No neighbours in the decoders' 1x1 convolutions, half of the work otherwise.
    "context": 0,
    "dconv_depth": 1,
    "bottom_channels": 64,
    "t_layers": 1,
    "t_heads": 4,
    "t_hidden_scale": 2.0,
}
"""Arguments of HTDemucs; 0.69 million parameters."""


def load_mini(directory: Path | str = WEIGHTS) -> HTDemucs:
    """Load a small HTDemucs, ready to separate, from model.safetensors and checkpoint.json.

    Raises:
        EditorbotError: The folder is incomplete or holds something else.
    """
    directory = Path(directory)
    info = read_json(directory / "checkpoint.json")
    if not isinstance(info, dict) or info.get("system") != SYSTEM:
        raise EditorbotError(f"{directory} holds no {SYSTEM}: install editorbot again")
    model = HTDemucs(**info["model"])
    try:
        model.load_state_dict(load_file(directory / "model.safetensors"))
    except (OSError, SafetensorError, RuntimeError) as error:
        raise EditorbotError(
            f"{directory / 'model.safetensors'} does not hold the weights that its "
            f"checkpoint.json describes ({str(error).splitlines()[0]}): install editorbot again"
        ) from error
    return model.eval()
