"""Sections of the pointer networks: their dimensions, training, and practice before it."""

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from editorbot.params.section import Even, Positive, Section, Share


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
    """Whose weights are kept: best, those of the lowest validation loss, unless the last surely
    decode the validation songs better; or the last in any case, as practice always does, whose
    edits are better although it is too sure of itself."""
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
    """Whether songs are heard in other keys, and longer, in training; practice always does so,
    where it helps, which it does not after that."""
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
