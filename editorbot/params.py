"""Every key of params.yaml, typed, with its unit and range; an unknown key is an error by name.

The Snakefile reads this on each call, so nothing heavy may be imported here.
"""

import difflib
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from editorbot.errors import EditorbotError

Positive = Annotated[int, Field(gt=0)]
Even = Annotated[int, Field(gt=0, multiple_of=2)]
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
    n_fft: Even = 2048
    """Samples; even, as half of it lies on either side of a frame's instant."""
    hop_length: Positive = 256
    """Samples; 11.6 ms at 22,050 Hz."""
    n_mels: Positive = 128
    top_db: Annotated[float, Field(gt=0)] = 80.0
    """dB below the maximum that become 0; the maximum becomes 1."""


class StemsParams(Section):
    """Separation into drums, bass, other and vocals by Demucs."""

    model: str = "mini"
    """off, mini (the project's own small HTDemucs), or the name of a pretrained model."""
    sides: Literal["raw", "both"] = "raw"
    """raw: of the raw recordings alone, as the pointer network reads no others; both: of the edits
    too."""
    repo: str | None = None
    """Folder with NAME.yaml and the weights of a pretrained model; None: Demucs' own cache."""


class AlignParams(Section):
    """Recovery of the edit decision list from a raw recording and its edit."""

    min_explained_share: Share = 0.2
    """An edit of which less than this share is found in the raw was not made from it."""
    candidates: Positive = 12
    """Places of the raw kept per window of the edit and length of window; more for much repeated
    music."""
    candidate_margin: Share = 0.35
    """Mean cosine by which a place may sound less alike than the window's best."""
    least_correlation: Share = 0.2
    """Of the whitened waveforms over 0.7 s, below which a place is dropped."""
    no_source_correlation: Share = 0.45
    """Of the whitened waveforms over 0.17 s, below which sound counts as not from the raw."""
    switch_cost: Annotated[float, Field(gt=0)] = 20.0
    """Log likelihood per jump; higher finds fewer and longer segments."""
    max_fade_s: Annotated[float, Field(gt=0)] = 10.0
    """Longest fade looked for; from one run across to the next 3 s at most."""


class SplitsParams(Section):
    """Which songs are learned from and which are held out."""

    held_out: Share = 0.2
    """Share of the songs that no training sees; two at least where there are five or more."""
    validation: Share = 0.15
    """Share of the songs that choose the best checkpoint; one at least where there are three."""
    seed: int = 0
    """Another seed holds out other songs."""


class AttentionSize(Section):
    """Dimensions that networks with attention share; a step is `stride` mel frames."""

    stride: Positive = 8
    width: Even = 64
    heads: Annotated[int, Field(gt=0, validate_default=True)] = 4
    """A divisor of the width."""
    feedforward: Positive = 128
    dropout: Share = 0.15

    @field_validator("heads")
    @classmethod
    def _divides_width(cls, heads: int, info: ValidationInfo) -> int:
        width = info.data.get("width", heads)
        if width % heads:
            raise ValueError(f"the width, {width}, is not a multiple of it")
        return heads


class PointerSize(AttentionSize):
    """Dimensions of the network V2, which decides once a step."""

    stride: Positive = 1
    width: Even = 128
    encoder_layers: Positive = 3
    decoder_layers: Positive = 3
    feedforward: Positive = 512
    summary_tokens: Positive = 64
    """Learned queries that sum up the whole raw recording."""
    cross_window: Annotated[int, Field(ge=2)] = 512
    """Steps of the raw around the expected position that a decision sees."""
    self_window: Annotated[int, Field(ge=2)] = 512
    """Decisions, itself included, that a decision sees."""
    jump_buckets: Positive = 512
    """Buckets of 129 steps on either side; a jump beyond them is cut short, and counted."""


class MiniPointerSize(PointerSize):
    """Small enough to learn from some ten songs on a CPU within minutes."""

    stride: Positive = 8
    width: Even = 64
    encoder_layers: Positive = 2
    decoder_layers: Positive = 2
    feedforward: Positive = 128
    summary_tokens: Positive = 16
    cross_window: Annotated[int, Field(ge=2)] = 64
    self_window: Annotated[int, Field(ge=2)] = 64
    jump_buckets: Positive = 32


class PointerLossWeights(Section):
    """Weight of each loss in the sum that is minimised."""

    delta: float = 1.0
    jump: float = 0.5
    use_jump: float = 0.3
    stop: float = 0.5
    ops: float = 0.05


class PathSize(AttentionSize):
    """Dimensions of the path model."""

    kernel: Annotated[int, Field(gt=0)] = 9
    """Steps that a convolution sees, odd; in the second layer they lie 4 apart, in the third 16."""
    layers_before: Positive = 2
    """Layers before steps are told what the steps that play the same again have found out."""
    layers_after: Positive = 3
    partner_width: Positive = 16
    """Numbers that a step tells of itself to one that plays the same."""

    @field_validator("kernel")
    @classmethod
    def _is_odd(cls, kernel: int) -> int:
        if kernel % 2 == 0:
            raise ValueError("the kernel has no middle: give an odd number")
        return kernel


class PathLossWeights(Section):
    """Weight of each loss of the path model in the sum that is minimised."""

    keep: float = 1.0
    start: float = 2.0
    end: float = 2.0
    leave: float = 1.0
    resume: float = 0.2
    place: float = 0.1
    ops: float = 0.05


class PathParams(Section):
    """The path model and its training."""

    size: PathSize = PathSize()
    lr: Annotated[float, Field(gt=0)] = 5e-4
    """Of a network that was pretrained."""
    scratch_lr: Annotated[float, Field(gt=0)] = 2e-3
    """Of one that begins with nothing."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.02
    warmup_steps: Annotated[int, Field(ge=0)] = 50
    """Optimiser steps of linear warm-up; a cosine to zero follows."""
    steps: Positive = 600
    """Songs to go through in all, many times each: training has as many whole epochs as that
    takes."""
    patience: Positive = 40
    """Epochs without a better validation loss after which training stops."""
    epoch: Literal["best", "last"] = "best"
    """Whose weights are kept: those of the lowest validation loss, or the last; practice always
    keeps the last, whose edits are better although it is too sure of itself."""
    gradient_clip: Annotated[float, Field(gt=0)] = 1.0
    """Largest L2 norm of the gradient."""
    boundary_s: Annotated[float, Field(gt=0)] = 0.12
    """Standard deviation, in seconds, by which the places of cuts are smeared as targets."""
    boundary_weight: Annotated[float, Field(gt=0)] = 5.0
    """How much a step at a cut counts in the losses of cuts."""
    pretrained: str = "bundled"
    """What the network knows before it meets the songs: bundled, what editorbot comes with, learned
    on jams of tracks made for that; reference, what `snakemake pretrain_pointer` learned; none;
    or the folder of a checkpoint."""
    augment: bool = False
    """Whether songs are heard in other keys, tones and levels, and with gaps, in training; practice
    always does so, where it helps, as it does not after that."""
    loss_weights: PathLossWeights = PathLossWeights()


class PointerParams(Section):
    """The pointer network and its training."""

    model: Literal["path", "v2"] = "path"
    """path: decides along the raw, for every step whether it is kept and where the path leaves;
    v2: the original design, which decides along the edit where each step points. Its settings are
    those that follow; the path model's are in `path`."""
    path: PathParams = PathParams()
    size: Literal["mini", "full"] = "mini"
    mini: MiniPointerSize = MiniPointerSize()
    full: PointerSize = PointerSize()
    expected_position: Literal["running", "linear"] = "running"
    """Where the next pointer is expected: one after the last (running), or t / compression ratio
    as in the original design (linear)."""
    stems: bool = False
    """Whether the stems' mels are seen too, where stems are separated."""
    lr: Annotated[float, Field(gt=0)] = 5e-4
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    warmup_steps: Annotated[int, Field(ge=0)] = 20
    """Optimiser steps of linear warm-up; a cosine to zero follows."""
    epochs: Positive = 40
    patience: Positive = 12
    """Epochs without a better validation loss after which training stops."""
    batch_size: Positive = 1
    """Songs per batch, padded to the longest."""
    accumulate: Positive = 1
    """Batches per optimiser step."""
    gradient_clip: Annotated[float, Field(gt=0)] = 0.5
    """Largest L2 norm of the gradient."""
    gradient_checkpointing: bool = False
    """Recompute layers in the backward pass: less memory for songs of an hour, a third slower."""
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Of the delta, jump and ops classes; use_jump and stop are not smoothed."""
    jump_weight: Annotated[float, Field(gt=0)] = 10.0
    """How much a cut counts in the delta loss and, where it jumps, in the use_jump loss; one step
    in some hundred is one."""
    stop_weight: Annotated[float, Field(gt=0)] = 50.0
    """How much a song's last step counts in the stop loss."""
    loss_weights: PointerLossWeights = PointerLossWeights()
    devices: Positive = 1
    """GPUs, or processes where there is none, that share the songs of training; batches are as many
    times larger."""
    cpu_threads: Positive = 1
    """Of training and deciding on a CPU; more help `full` alone, and only on idle cores."""
    max_length_ratio: Annotated[float, Field(gt=0)] = 2.0
    """A proposed edit is at most so many times as long as its raw."""
    shortest_segment_s: Annotated[float, Field(ge=0)] = 1.0
    """Seconds; a shorter run of a proposal is merged into the run before it."""
    jitter_s: Annotated[float, Field(ge=0)] = 0.2
    """Seconds; a jump by at most this is taken for noise and removed from a proposal."""
    crossfade_s: Annotated[float, Field(ge=0)] = 0.01
    """Seconds of equal-power crossfade at each cut of a proposal."""
    seed: int = 0

    @property
    def dimensions(self) -> PointerSize:
        """The dimensions of the chosen size."""
        return self.full if self.size == "full" else self.mini


class PretrainParams(Section):
    """Practice of the path model on jams simulated from finished tracks."""

    tracks: Literal["reference", "made"] = "reference"
    """Those in data/reference, or tracks made for it."""
    made: Annotated[int, Field(ge=2)] = 360
    """Tracks that are made."""
    renditions: Annotated[int, Field(ge=2, le=9)] = 3
    """Times that the band of each plays it, so that takes can differ as people's do."""
    jams: Positive = 6
    """Simulated from each track."""
    steps: Positive = 3000
    """Jams to go through in all, each several times."""
    validation_every: Annotated[int, Field(ge=2)] = 7
    """Of so many tracks, one track's jams choose how to decode."""


class EvaluateParams(Section):
    """Scoring of proposed edits, and the trivial baselines beside them."""

    confidence: Annotated[float, Field(gt=0, lt=1)] = 0.95
    """Of the intervals over songs."""
    resamples: Positive = 2000
    """Draws of the bootstrap over songs."""
    silence_db: Annotated[float, Field(lt=0)] = -28.0
    """dB below the loudest sample under which the loudness baseline cuts (4 % of full scale)."""
    silence_margin_s: Annotated[float, Field(ge=0)] = 0.2
    """Seconds that the loudness baseline keeps before and after each loud passage."""
    seed: int = 0
    """Of the bootstrap and the random baseline."""


class DemoParams(Section):
    """Demo songs, rendered from compositions in the public domain."""

    songs: Annotated[int, Field(ge=1)] | Literal["all"] = 10
    seed: int = 0


class SimulateParams(Section):
    """Jams and their edits, made from finished tracks."""

    level: Literal["splice", "arranged", "mastered", "hard"] = "arranged"
    """What the editor does: cuts and short fades; also loops, reorders, gains, long fades and
    silence; also mastering, lossy coding, other rates and channels; also reversed, sped-up,
    pitch-shifted, inverted and foreign parts, reverb, noise and drift."""
    editor: Literal["comper", "arranger"] = "comper"
    """comper: keeps each passage's best take, in the order in which they were played; arranger:
    keeps count-ins and vamps too, begins with what was played last, and plays the last two bars of
    longer runs twice."""
    repeats: Literal["copies", "played_again"] = "played_again"
    """Whether another take of a passage is the same sound, or differs in tempo, tone and level."""
    max_track_s: Annotated[float, Field(ge=20)] = 60.0
    """Seconds; of a longer track an excerpt between two bar lines is used."""
    bits: Literal[16, 24] = 16
    """PCM resolution of the WAV files."""
    raws: Annotated[int, Field(ge=1, le=8)] = 1
    """Files that a session is recorded in; several are split where nobody plays."""
    raw_gain_db: Annotated[float, Field(ge=0)] = 6.0
    """Other files are quieter than the first by at most so many dB."""
    raw_rate_share: Share = 0.25
    """Chance that another file has another sample rate than the first."""
    passage_s: Annotated[float, Field(ge=4)] = 10.0
    """Seconds; about how long the passages are that a band plays and repeats."""
    break_share: Share = 0.4
    """Chance that playing stops after a passage."""
    false_start_share: Share = 0.35
    """Chance that a take breaks off soon after it began."""
    spoiled_take_share: Share = 0.25
    """Chance that a passage goes wrong and is played again."""
    vamp_share: Share = 0.22
    """Chance that the end of a passage is repeated for too long."""
    vamp_keep_share: Share = 0.3
    """Chance that the editor keeps one repeat of a vamp."""
    talk_share: Share = 0.55
    noise_share: Share = 0.3
    tuning_share: Share = 0.35
    dead_air_share: Share = 0.5
    """Chances that a break holds talk, noise, tuning, dead air."""
    count_in_share: Share = 0.6
    """Chance that a take is counted in."""
    junk_scale: Annotated[float, Field(gt=0)] = 1.0
    """Factor on the length of talk, noise, tuning and dead air."""
    room_tone_db: Annotated[float, Field(le=0)] = -60.0
    """RMS of the room, dB below full scale."""
    tempo_spread: Annotated[float, Field(ge=0, le=0.2)] = 0.035
    """Largest difference of tempo between two takes, as a share; pitch stays."""
    tone_spread_db: Annotated[float, Field(ge=0)] = 4.0
    """Largest difference of tone between two takes, dB per band."""
    level_spread_db: Annotated[float, Field(ge=0)] = 3.0
    """Largest difference of level between two takes, dB."""
    raw_tone_db: Annotated[float, Field(ge=0)] = 2.0
    """Tone of the recording against the track, at most ± dB per band."""
    cut_jitter_s: Annotated[float, Field(ge=0)] = 0.012
    """Seconds; how far before or after a bar line the editor cuts, at most."""
    loop_share: Share = 0.12
    """Chance that the editor repeats some bars of a run; from level arranged on."""
    reorder_share: Share = 0.06
    """Chance that the editor swaps a passage with the next; from level arranged on."""
    gain_db: Annotated[float, Field(ge=0, le=3)] = 2.5
    """Gain of a run, at most ± dB; from level arranged on."""
    gain_step_share: Share = 0.05
    """Chance that the gain changes by 1 dB or more while a run goes on; from level arranged on."""
    silence_share: Share = 0.03
    """Chance that silence comes before a run; from level arranged on."""
    codec: Literal["off", "ogg", "mp3", "any"] = "any"
    """Lossy coding of the edit, from level mastered on."""
    padding_share: Share = 0.3
    """Chance that a coder's padding is left in an mp3's sound; from level mastered on."""
    raw_codec_share: Share = 0.25
    """Chance that only a lossy copy of the raw is kept; from level mastered on."""
    edit_rate_share: Share = 0.25
    """Chance that the edit's file has another sample rate; from level mastered on."""
    channels_share: Share = 0.25
    """Chance that the edit is mono or has its channels swapped; from level mastered on."""
    leading_share: Share = 0.3
    """Chance that the edit begins with silence; from level mastered on."""
    leading_s: Annotated[float, Field(gt=0)] = 2.0
    """Seconds of silence that the edit begins with, at most."""
    treated_share: Share = 0.25
    """Chance that bars of a run are reversed, sped up, and so on; at level hard."""
    foreign_share: Share = 0.15
    """Chance that sound which is not in the raw comes before a run; at level hard."""
    reverb_share: Share = 0.15
    """Chance that the end of a run rings out in a reverb; at level hard."""
    reverb_s: Annotated[float, Field(ge=0.2)] = 1.5
    """Seconds that a reverb takes to fall by 60 dB, at most."""
    noise_added_share: Share = 0.5
    """Chance that noise is added to the edit; at level hard."""
    noise_db: Annotated[float, Field(ge=0)] = 20.0
    """Level of the edit above added noise, dB, at least; at most 20 dB more."""
    drift_share: Share = 0.5
    """Chance that the recorder's clock differs from the edit's; at level hard."""
    drift_ppm: Annotated[float, Field(ge=0, le=1000)] = 200.0
    """Millionths by which the clocks differ, at most."""


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
