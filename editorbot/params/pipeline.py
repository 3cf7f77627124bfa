"""Sections of what carries songs through the pipeline: songs, sound, alignment, splits, scores."""

from typing import Annotated, Literal

from pydantic import Field

from editorbot.params.section import Even, Positive, Section, Share


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
