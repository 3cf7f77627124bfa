"""Every key of params.yaml, typed, with its unit and range; an unknown key is an error by name.

The Snakefile reads this on each call, so nothing heavy may be imported here.
"""

import difflib
from pathlib import Path

import yaml
from pydantic import BaseModel, ValidationError

from editorbot.errors import EditorbotError
from editorbot.params.pipeline import (
    AlignParams,
    DecodeParams,
    DemoParams,
    EvaluateParams,
    MelParams,
    SongsParams,
    SplitsParams,
    StemsParams,
)
from editorbot.params.pointer import (
    AttentionSize,
    MiniPointerSize,
    PathLossWeights,
    PathParams,
    PathSize,
    PointerLossWeights,
    PointerParams,
    PointerSize,
    PretrainParams,
)
from editorbot.params.section import Section
from editorbot.params.simulation import SimulateParams

__all__ = [
    "AlignParams",
    "AttentionSize",
    "DecodeParams",
    "DemoParams",
    "EvaluateParams",
    "MelParams",
    "MiniPointerSize",
    "Params",
    "PathLossWeights",
    "PathParams",
    "PathSize",
    "PointerLossWeights",
    "PointerParams",
    "PointerSize",
    "PretrainParams",
    "Section",
    "SimulateParams",
    "SongsParams",
    "SplitsParams",
    "StemsParams",
    "check_params",
    "load_params",
]


class Params(Section):
    """The whole of params.yaml."""

    songs: SongsParams = SongsParams()
    decode: DecodeParams = DecodeParams()
    mel: MelParams = MelParams()
    stems: StemsParams = StemsParams()
    align: AlignParams = AlignParams()
    splits: SplitsParams = SplitsParams()
    pointer: PointerParams = PointerParams()
    pretrain: PretrainParams = PretrainParams()
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
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise EditorbotError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from error
    return check_params(values, name=str(path))


def check_params(values: object, *, name: str) -> Params:
    """Check values as they are read from `name`, a file or Snakemake's config.

    Raises:
        EditorbotError: A key or value is not known; names the key and the nearest known one.
    """
    if not isinstance(values, dict):
        raise EditorbotError(f"{name} holds {type(values).__name__}, expected sections with keys")
    try:
        return Params.model_validate(values)
    except ValidationError as error:
        raise EditorbotError(f"{name}: {_explain(error.errors())}") from error


def _explain(problems: list[dict]) -> str:
    """The first of pydantic's problems in a sentence."""
    first, known = problems[0], _known_keys(Params)
    key = _key(first)
    if first["type"] in ("extra_forbidden", "invalid_key"):
        near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
        hint = f", did you mean {near[0]}?" if near else ""
        return f"{key} is not a known key{hint}"
    if first["type"] == "model_type":
        return f"{key} is {first['input']!r}: expected a section with keys"
    if key in known:
        return f"{key} is {first['input']!r}: {_reason(first)}"
    # Of a value that may have one of several types pydantic says which it tried, behind the key.
    key = key.rpartition(".")[0]
    tried = [_reason(problem) for problem in problems if _key(problem).rpartition(".")[0] == key]
    return f"{key} is {first['input']!r}: {' or '.join(tried)}"


def _key(problem: dict) -> str:
    return ".".join(str(part) for part in problem["loc"])


def _reason(problem: dict) -> str:
    return problem["msg"][0].lower() + problem["msg"][1:]


def _known_keys(section: type[BaseModel], prefix: str = "") -> list[str]:
    keys = []
    for name, field in section.model_fields.items():
        keys.append(prefix + name)
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            keys += _known_keys(kind, prefix + name + ".")
    return keys
