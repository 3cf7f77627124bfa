"""Stems: decoded recordings separated into drums, bass, other and vocals by Demucs.

torch and Demucs are imported only once the model is known to be there, so that a name that is not
ends at once.
"""

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import numpy as np

from editorbot.audio import store
from editorbot.audio.parts import of_length, part_lengths, part_spans
from editorbot.audio.pretrained import find_weights, load_pretrained
from editorbot.audio.resample import downmix_blocks, resample_blocks
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
    scale 1, with the attributes `sample_rate`, `names`, `model` and `sources`; each source is
    separated by itself.

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
    sources, decoded_rate = audio.attrs["sources"], audio.attrs["sample_rate"]
    lengths = part_lengths(sources, sample_rate=sample_rate)

    def mixture(span: tuple[int, int], samples: int) -> Iterator[np.ndarray]:
        blocks = store.array_blocks(audio, start=span[0], stop=span[1])
        heard = _as_heard(blocks, channels=audio.shape[0], wanted=channels)
        rates = {"source_rate": decoded_rate, "target_rate": sample_rate}
        return of_length(resample_blocks(heard, **rates, channels=channels), samples)

    spans = part_spans(sources, sample_rate=decoded_rate)
    with store.create(
        output,
        name="stems",
        shape=(len(model.sources), channels, sum(lengths)),
        dtype=np.float16,
        # A stem by itself, as its mel spectrogram reads it.
        chunks=(1, channels, SAMPLES_PER_CHUNK),
        attrs={
            "sample_rate": sample_rate,
            "names": list(model.sources),
            "model": params.model,
            "sources": sources,
        },
    ) as writer:
        parts = chain.from_iterable(
            separate_blocks(model, mixture(span, samples))
            for span, samples in zip(spans, lengths, strict=True)
        )
        total = sum(count_segments(model, samples) for samples in lengths)
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
    from editorbot.audio.mel import FRAMES_PER_CHUNK, MelSpectrogram, count_parts, frame_attrs

    array = store.open_array(stems, "stems")
    sources, count = array.attrs["sources"], array.shape[0]
    mel = MelSpectrogram(params)
    lengths = part_lengths(sources, sample_rate=params.sample_rate)

    def levels(span: tuple[int, int], samples: int) -> Iterator[np.ndarray]:
        one_by_one = [
            mel.levels(of_length(_mono(array, stem, span, params), samples))
            for stem in range(count)
        ]
        return (np.stack(parts) for parts in zip(*one_by_one, strict=True))

    spans = part_spans(sources, sample_rate=array.attrs["sample_rate"])
    tracked = track(
        chain.from_iterable(map(levels, spans, lengths)),
        "Computing the stems' mels",
        total=count_parts(mel, lengths),
        after_s=SHORT_S,
    )
    with store.create(
        output,
        name="mel",
        shape=(count, params.n_mels, sum(map(mel.frames, lengths))),
        dtype=np.float16,
        chunks=(count, params.n_mels, FRAMES_PER_CHUNK),
        attrs={"names": array.attrs["names"], **frame_attrs(params)},
    ) as writer:
        for part in mel.normalise_stream(tracked):
            writer.append(part)


def _as_heard(blocks: Iterable[np.ndarray], *, channels: int, wanted: int) -> Iterator[np.ndarray]:
    """Blocks (C, T) with as many channels as the model hears; mono is given to all of them."""
    for block in downmix_blocks(blocks, source_channels=channels, channels=wanted):
        if len(block) < wanted:
            block = np.broadcast_to(block.mean(axis=0), (wanted, block.shape[1]))
        yield block


def _mono(array, stem: int, span: tuple[int, int], params: MelParams) -> Iterator[np.ndarray]:
    """A stem of one source in mono at the mel's rate, in blocks (1, T)."""
    start, stop = span
    blocks = (
        block.astype(np.float32).mean(axis=0, keepdims=True)
        for block in store.array_blocks(array, start=start, stop=stop, at=(stem,))
    )
    rates = {"source_rate": array.attrs["sample_rate"], "target_rate": params.sample_rate}
    return resample_blocks(blocks, **rates, channels=1)
