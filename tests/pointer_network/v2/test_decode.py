"""Running free equals teacher forcing, ends, and stays inside the raw."""

import numpy as np
import pytest
import torch

from editorbot.audio.store import open_array, write_array
from editorbot.pointer_network.v2 import decode
from editorbot.pointer_network.v2.decode import (
    NEVER,
    Decoding,
    Steps,
    decode_steps,
    encode_song,
    teacher_forced,
)
from editorbot.pointer_network.v2.model import PointerNetwork
from editorbot.pointer_network.v2.targets import StepInput

from ..songs import N_MELS, TINY, mel_of, song, tiny_params

torch.set_num_threads(1)


def network(params):
    torch.manual_seed(0)
    return PointerNetwork(params, n_mels=N_MELS, stems=False).eval()


def network_that_jumps_back(params):
    model = network(params)
    with torch.no_grad():
        model.heads.jump.bias[params.dimensions.jump_buckets - 1] = 100.0
    return model


def step_inputs(inputs: StepInput, t: int) -> StepInput:
    *counts, scalars = inputs
    return StepInput(*(int(column[t]) for column in counts), tuple(scalars[t]))


@torch.inference_mode()
@pytest.mark.parametrize("expected_position", ["running", "linear"])
def test_step_by_step_equals_teacher_forcing(expected_position):
    params = tiny_params(expected_position=expected_position)
    example, model = song(params=params), network(params)
    inputs, bucket = example.targets.inputs, example.targets.bucket
    whole = teacher_forced(model, example.mel, None, inputs, bucket)
    steps, hidden = Steps(model, encode_song(model, example.mel, None)), []
    for t in range(len(bucket)):
        hidden.append(steps.attempt([step_inputs(inputs, t)]))
        steps.keep(1)
    each = model.heads(torch.cat(hidden, dim=1), torch.from_numpy(bucket)[None])
    for ours, theirs in zip(each, whole, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


@torch.inference_mode()
@pytest.mark.parametrize("stride", [3, 4])
def test_a_recording_read_in_blocks_is_encoded_as_a_whole(tmp_path, monkeypatch, stride):
    params = tiny_params(mini={**TINY.model_dump(), "stride": stride})
    torch.manual_seed(0)
    model = PointerNetwork(params, n_mels=N_MELS, stems=True).eval()
    mel = mel_of(701, seed=0)
    stems = np.stack([mel_of(701, seed=seed) for seed in range(1, 5)])
    whole = encode_song(model, mel, stems)
    stores = []
    for name, array in (("mel", mel), ("stems", stems)):
        path = tmp_path / f"{name}.zarr.zip"
        write_array(path, array, name="mel", chunks=(*array.shape[:-1], 64))
        stores.append(open_array(path, "mel"))
    monkeypatch.setattr(decode, "FRAMES_AT_ONCE", 100)
    blocks = encode_song(model, *stores)
    for ours, theirs in zip(blocks, whole, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


@torch.inference_mode()
def test_what_was_attempted_and_not_kept_leaves_no_trace():
    params = tiny_params()
    example, model = song(params=params), network(params)
    inputs = [step_inputs(example.targets.inputs, t) for t in range(60)]
    steps = Steps(model, encode_song(model, example.mel, None))
    whole = steps.attempt(inputs)
    again, start = [], 0
    for size, kept in ((10, 3), (30, 25), (20, 20), (12, 12)):
        again.append(steps.attempt(inputs[start : start + size])[:, :kept])
        steps.keep(kept)
        start += kept
    torch.testing.assert_close(torch.cat(again, dim=1), whole, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("expected_position", ["running", "linear"])
def test_guessing_ahead_does_not_change_the_path(expected_position, monkeypatch):
    params = tiny_params(expected_position=expected_position)
    example, model = song(params=params), network(params)
    likely = teacher_forced(
        model, example.mel, None, example.targets.inputs, example.targets.bucket
    )
    # So that an untrained network jumps now and then.
    threshold = torch.sigmoid(likely.use_jump).quantile(0.9).item()
    decoding = Decoding(threshold, NEVER, NEVER, compression_ratio=0.7)
    paths = []
    for size in (1, 256):
        monkeypatch.setattr(decode, "LARGEST_GUESS", size)
        monkeypatch.setattr(decode, "SMALLEST_GUESS", min(size, 8))
        paths.append(
            decode_steps(model, example.mel, None, decoding=decoding, max_length_ratio=1.0)
        )
    np.testing.assert_array_equal(*paths)
    assert (np.diff(paths[0]) != 1).sum() > 3


@pytest.mark.parametrize("expected_position", ["running", "linear"])
@pytest.mark.parametrize("ratio", [0.5, 1.7])
def test_a_path_never_outgrows_its_cap_or_the_raw(expected_position, ratio):
    """A network that always jumps back and never stops is the worst case."""
    params = tiny_params(expected_position=expected_position)
    example = song(params=params)
    decoding = Decoding(use_jump=-1.0, stop=NEVER, compression_ratio=0.7)
    steps = decode_steps(
        network_that_jumps_back(params),
        example.mel,
        None,
        decoding=decoding,
        max_length_ratio=ratio,
    )
    longest = ratio if expected_position == "running" else min(ratio, 0.7)
    assert len(steps) == pytest.approx(example.raw_steps * longest, abs=1)
    assert steps.min() >= 0 and steps.max() < example.raw_steps


def test_never_leaving_and_never_stopping_keeps_all():
    example = song()
    decoding = Decoding(use_jump=NEVER, cut=NEVER, stop=NEVER)
    steps = decode_steps(
        network(tiny_params()), example.mel, None, decoding=decoding, max_length_ratio=2.0
    )
    np.testing.assert_array_equal(steps, np.arange(example.raw_steps))


def test_a_path_ends_before_its_last_cut_too_many():
    example, model = song(), network_that_jumps_back(tiny_params())
    decoding = Decoding(use_jump=-1.0, cut=NEVER, stop=NEVER)
    options = {"decoding": decoding, "max_length_ratio": 1.0}
    whole = decode_steps(model, example.mel, None, **options)
    part = decode_steps(model, example.mel, None, **options, most_cuts=3)
    leaves = np.flatnonzero(np.diff(whole, prepend=-1) != 1)
    np.testing.assert_array_equal(part, whole[: leaves[3]])


def test_the_stop_head_ends_the_path_with_the_step_it_speaks_at():
    example = song()
    decoding = Decoding(use_jump=NEVER, cut=NEVER, stop=-1.0)
    steps = decode_steps(
        network(tiny_params()), example.mel, None, decoding=decoding, max_length_ratio=2.0
    )
    np.testing.assert_array_equal(steps, [0])
