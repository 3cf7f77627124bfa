"""The project's own small HTDemucs: what it looks like, and its shipped weights.

It hears mono sound at 22,050 Hz, the rate of the mel spectrogram, so that separating an hour takes
minutes on one CPU core. Trained on the demo songs' true parts by `editorbot.train.mini_demucs`.
"""

from pathlib import Path

from demucs.htdemucs import HTDemucs
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from editorbot.audio.stems import STEMS
from editorbot.errors import EditorbotError
from editorbot.files import read_json

SYSTEM = "mini_demucs"
LEVEL_FLOOR = 1e-3
"""Of the magnitude spectrogram, some 80 dB below a loud mixture's peaks."""
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
"""Arguments of HTDemucs; 0.66 million parameters."""


class MiniDemucs(HTDemucs):
    """HTDemucs that shares the mixture out among the parts instead of writing parts anew.

    The spectral branch gives masks (softmax over the parts), the waveform branch corrections that
    sum to zero, so the parts sum to the mixture. Before any training each part is a quarter of the
    mixture; HTDemucs begins with noise and needs far more steps than minutes on a CPU allow.
    """

    def __init__(self, sources: list[str], **options):
        super().__init__(sources, cac=False, **options)
        last = self.tdecoder[-1].conv_tr
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)

    def forward(self, mix: Tensor) -> Tensor:
        """Parts (B, S, C, T) of mixtures (B, C, T)."""
        parts = super().forward(mix)
        missing = mix - parts.sum(dim=1)
        return parts + missing[:, None] / len(self.sources)

    def _magnitude(self, z: Tensor) -> Tensor:
        # Levels, as heard: harmonics 40 dB below a kick drum must not vanish beside it.
        return z.abs().add(LEVEL_FLOOR).log()

    def _mask(self, z: Tensor, m: Tensor) -> Tensor:
        return z[:, None] * m.softmax(dim=1)


def load_mini(directory: Path | str = WEIGHTS) -> MiniDemucs:
    """Load a small HTDemucs, ready to separate, from model.safetensors and checkpoint.json.

    Raises:
        EditorbotError: The folder is incomplete or holds something else.
    """
    directory = Path(directory)
    info = read_json(directory / "checkpoint.json")
    if not isinstance(info, dict) or info.get("system") != SYSTEM:
        raise EditorbotError(f"{directory} holds no {SYSTEM}: install editorbot again")
    try:
        model = MiniDemucs(**info["model"])
        model.load_state_dict(load_file(directory / "model.safetensors"))
    except (OSError, SafetensorError, RuntimeError, KeyError, TypeError) as error:
        raise EditorbotError(
            f"{directory / 'model.safetensors'} does not hold the weights that its "
            f"checkpoint.json describes ({str(error).splitlines()[0]}): install editorbot again"
        ) from error
    return model.eval()
