"""Every key of params.yaml, typed, with its unit and range; an unknown key is an error by name.

The Snakefile reads this on each call, so nothing heavy may be imported here.
"""

import difflib
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from editorbot.errors import EditorbotError

Positive = Annotated[int, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]


class Section(BaseModel):
    """A section of params.yaml."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SongsParams(Section):
    """Which songs the pipeline works on."""

    which: Literal["auto", "own", "demo"] = "auto"
    """auto: the user's own as soon as data/input holds one, the demo songs until then."""


class DecodeParams(Section):
    """The decoded copy that features and stems are computed from."""

    sample_rate: Positive = 44100
    """Hz."""
    channels: Positive = 2
    """At most so many; a recording with fewer keeps its own."""


class MelParams(Section):
    """The mel spectrogram: Slaney mels of the power, in dB below the recording's maximum."""

    sample_rate: Positive = 22050
    """Hz; the recording is mixed to mono."""
    n_fft: Positive = 2048
    """Samples."""
    hop_length: Positive = 256
    """Samples; 11.6 ms at 22,050 Hz."""
    n_mels: Positive = 128
    top_db: Annotated[float, Field(gt=0)] = 80.0
    """dB below the maximum that become 0; the maximum becomes 1."""


class StemsParams(Section):
    """Separation into drums, bass, other and vocals by Demucs."""

    model: str = "mini"
    """off, mini (the project's own small HTDemucs), or the name of a pretrained model."""
    repo: str | None = None
    """Folder with NAME.yaml and the weights of a pretrained model; None: Demucs' own cache."""


class AlignParams(Section):
    """Recovery of the edit decision list from a raw recording and its edit."""

    min_explained_share: Share = 0.3
    """An edit of which less than this share is found in the raw was not made from it."""


class SplitsParams(Section):
    """Which songs are learned from and which are held out."""

    held_out: Share = 0.2
    """Share of the songs that no training sees."""
    validation: Share = 0.15
    """Share of the songs that choose the best checkpoint."""
    seed: int = 0


class PointerParams(Section):
    """The pointer network and its training."""

    size: Literal["mini", "full"] = "mini"


class EvaluateParams(Section):
    """Scoring of proposed edits."""


class DemoParams(Section):
    """Demo songs, rendered from compositions in the public domain."""

    songs: Annotated[int, Field(ge=1)] | Literal["all"] = 10
    seed: int = 0


class SimulateParams(Section):
    """Jams and their edits, made from finished tracks."""


class Params(Section):
    """The whole of params.yaml."""

    seed: int = 0
    songs: SongsParams = SongsParams()
    decode: DecodeParams = DecodeParams()
    mel: MelParams = MelParams()
    stems: StemsParams = StemsParams()
    align: AlignParams = AlignParams()
    splits: SplitsParams = SplitsParams()
    pointer: PointerParams = PointerParams()
    evaluate: EvaluateParams = EvaluateParams()
    demo: DemoParams = DemoParams()
    simulate: SimulateParams = SimulateParams()


def load_params(path: Path | str = "params.yaml") -> Params:
    """Read and check a params.yaml.

    Raises:
        EditorbotError: The file is missing, is not YAML, or has a key or value that is not known;
            names the key and the nearest known one.
    """
    try:
        values = yaml.safe_load(Path(path).read_text(encoding="utf-8")) or {}
    except OSError as error:
        raise EditorbotError(f"{path} could not be read: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise EditorbotError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from error
    return check_params(values, name=str(path))


def check_params(values: object, *, name: str) -> Params:
    """Check values as they are read from `name`, a file or Snakemake's config."""
    if not isinstance(values, dict):
        raise EditorbotError(f"{name} holds {type(values).__name__}, expected sections with keys")
    try:
        return Params.model_validate(values)
    except ValidationError as error:
        problem = error.errors()[0]
        raise EditorbotError(f"{name}: {_explain(problem)}") from error


def _explain(problem: dict) -> str:
    keys = [str(part) for part in problem["loc"]]
    key = ".".join(keys)
    if problem["type"] != "extra_forbidden":
        return f"{key} is {problem['input']!r}: {problem['msg'][0].lower()}{problem['msg'][1:]}"
    near = difflib.get_close_matches(key, _known_keys(Params), n=1, cutoff=0.5)
    hint = f", did you mean {near[0]}?" if near else ""
    return f"{key} is not a known key{hint}"


def _known_keys(section: type[BaseModel], prefix: str = "") -> list[str]:
    keys = []
    for name, field in section.model_fields.items():
        keys.append(prefix + name)
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            keys += _known_keys(kind, prefix + name + ".")
    return keys
