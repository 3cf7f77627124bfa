"""Stems: a decoded recording separated into drums, bass, other and vocals by Demucs.

torch and Demucs are imported only once the model is known to be there, so that a name that is not
ends at once.
"""

import math
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from editorbot.audio import store
from editorbot.audio.pretrained import find_weights, load_pretrained
from editorbot.audio.resample import downmix_blocks, resample_blocks, resampled_length
from editorbot.errors import EditorbotError
from editorbot.params import MelParams, StemsParams
from editorbot.progress import SHORT_S, track

STEMS = ("drums", "bass", "other", "vocals")
SAMPLES_PER_CHUNK = 2**18


def load_separator(params: StemsParams):
    """Load the Demucs model that `params.model` names.

    Raises:
        EditorbotError: It is "off"; or a pretrained model that is not on this machine and cannot
            be fetched, with the file to put in place.
    """
    if params.model == "off":
        raise EditorbotError("stems.model is off, so there are no stems: choose mini or another")
    if params.model == "mini":
        from editorbot.audio.demucs_mini import load_mini

        return load_mini()
    return load_pretrained(find_weights(params.model, params.repo))


def separate(decoded: Path | str, output: Path | str, *, params: StemsParams) -> None:
    """Separate a decoded copy into stems, in constant memory.

    The store's array is "stems", (S, C, T) float16 at the model's own rate and channels, full
    scale 1, with the attributes `sample_rate`, `names`, `model`, `decoded_rate` and
    `decoded_samples`.

    Args:
        decoded: What `editorbot.audio.decode.decode` wrote.
        output: The store, `*.zarr.zip`.
        params: Which model.

    Raises:
        EditorbotError: The model cannot be had, `decoded` cannot be read or `output` not written.
    """
    model = load_separator(params)
    from editorbot.audio.separate import count_segments, separate_blocks

    audio = store.open_array(decoded, "audio")
    channels, sample_rate = model.audio_channels, model.samplerate
    rates = {"source_rate": audio.attrs["sample_rate"], "target_rate": sample_rate}
    samples = resampled_length(audio.shape[1], **rates)
    mixture = _as_heard(store.array_blocks(audio), channels=audio.shape[0], wanted=channels)
    mixture = resample_blocks(mixture, **rates, channels=channels)
    with store.create(
        output,
        name="stems",
        shape=(len(model.sources), channels, samples),
        dtype=np.float16,
        # A stem by itself, as its mel spectrogram reads it.
        chunks=(1, channels, SAMPLES_PER_CHUNK),
        attrs={
            "sample_rate": sample_rate,
            "names": list(model.sources),
            "model": params.model,
            "decoded_rate": audio.attrs["sample_rate"],
            "decoded_samples": audio.shape[1],
        },
    ) as writer:
        parts = separate_blocks(model, mixture)
        total = count_segments(model, samples)
        for part in track(parts, f"Separating with {params.model}", total=total):
            writer.append(part)


def stems_mel(stems: Path | str, output: Path | str, *, params: MelParams) -> None:
    """Store the mel spectrograms of stems, frame for frame beside the mixture's.

    The store's array is "mel", (S, M, F) float16 in [0, 1], with the attributes `names`,
    `sample_rate`, `hop_length` and `n_fft`. F equals that of `editorbot.audio.mel.mel_store` for
    the same decoded copy. 1 is the maximum over all stems, so that their levels stay comparable:
    a stem that is hardly there is dark.

    Args:
        stems: What `separate` wrote.
        output: The store, `*.zarr.zip`.
        params: Of the mel spectrogram.

    Raises:
        EditorbotError: `stems` cannot be read or `output` not be written.
    """
    from editorbot.audio.mel import FRAMES_AT_ONCE, FRAMES_PER_CHUNK, MelSpectrogram, frame_attrs

    array = store.open_array(stems, "stems")
    samples = resampled_length(
        array.attrs["decoded_samples"],
        source_rate=array.attrs["decoded_rate"],
        target_rate=params.sample_rate,
    )
    mel = MelSpectrogram(params)
    count = array.shape[0]
    one_by_one = [mel.levels(_mono(array, s, samples, params)) for s in range(count)]
    levels = track(
        (np.stack(parts) for parts in zip(*one_by_one, strict=True)),
        "Computing the stems' mels",
        total=math.ceil(mel.frames(samples) / FRAMES_AT_ONCE),
        after_s=SHORT_S,
    )
    with store.create(
        output,
        name="mel",
        shape=(count, params.n_mels, mel.frames(samples)),
        dtype=np.float16,
        chunks=(count, params.n_mels, FRAMES_PER_CHUNK),
        attrs={"names": array.attrs["names"], **frame_attrs(params)},
    ) as writer:
        for part in mel.normalise_stream(levels):
            writer.append(part)


def _as_heard(blocks: Iterable[np.ndarray], *, channels: int, wanted: int) -> Iterator[np.ndarray]:
    """Blocks (C, T) with as many channels as the model hears; mono is given to all of them."""
    for block in downmix_blocks(blocks, source_channels=channels, channels=wanted):
        if len(block) < wanted:
            block = np.broadcast_to(block.mean(axis=0), (wanted, block.shape[1]))
        yield block


def _mono(array, stem: int, samples: int, params: MelParams) -> Iterator[np.ndarray]:
    """A stem in mono at the mel's rate, exactly `samples` long, in blocks (1, T)."""
    length, chunk = array.shape[-1], array.chunks[-1]
    blocks = (
        array[stem, :, start : start + chunk].astype(np.float32).mean(axis=0, keepdims=True)
        for start in range(0, length, chunk)
    )
    rates = {"source_rate": array.attrs["sample_rate"], "target_rate": params.sample_rate}
    left = samples
    for block in resample_blocks(blocks, **rates, channels=1):
        # Two roundings, to the model's rate and from it, may end a sample away from one.
        yield block[:, :left]
        left -= min(left, block.shape[1])
    if left:
        yield np.zeros((1, left), np.float32)
