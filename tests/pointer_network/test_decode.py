"""Running free equals teacher forcing, ends, and stays inside the raw."""

import numpy as np
import pytest
import torch

from editorbot.pointer_network.decode import (
    NEVER,
    Decoding,
    Steps,
    decode_steps,
    encode_song,
    teacher_forced,
)
from editorbot.pointer_network.model import PointerNetwork
from editorbot.pointer_network.targets import StepInput

from .songs import N_MELS, song, tiny_params

torch.set_num_threads(1)


def network(params):
    torch.manual_seed(0)
    return PointerNetwork(params, n_mels=N_MELS, stems=False).eval()


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
    steps = Steps(model, encode_song(model, example.mel, None))
    hidden = torch.cat([steps.next(step_inputs(inputs, t)) for t in range(len(bucket))], dim=1)
    each = model.heads(hidden, torch.from_numpy(bucket)[None])
    for ours, theirs in zip(each, whole, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("expected_position", ["running", "linear"])
@pytest.mark.parametrize("ratio", [0.5, 1.7])
def test_a_path_never_outgrows_its_cap_or_the_raw(expected_position, ratio):
    """An untrained network that always jumps and never stops is the worst case."""
    params = tiny_params(expected_position=expected_position)
    example = song(params=params)
    decoding = Decoding(use_jump=-1.0, stop=NEVER, compression_ratio=0.7)
    steps = decode_steps(
        network(params), example.mel, None, decoding=decoding, max_length_ratio=ratio
    )
    assert len(steps) == int(example.raw_steps * ratio)
    assert steps.min() >= 0 and steps.max() < example.raw_steps


def test_never_leaving_and_never_stopping_keeps_all():
    example = song()
    decoding = Decoding(use_jump=NEVER, cut=NEVER, stop=NEVER)
    steps = decode_steps(
        network(tiny_params()), example.mel, None, decoding=decoding, max_length_ratio=2.0
    )
    np.testing.assert_array_equal(steps, np.arange(example.raw_steps))


def test_the_stop_head_ends_the_path_with_the_step_it_speaks_at():
    example = song()
    decoding = Decoding(use_jump=NEVER, cut=NEVER, stop=-1.0)
    steps = decode_steps(
        network(tiny_params()), example.mel, None, decoding=decoding, max_length_ratio=2.0
    )
    np.testing.assert_array_equal(steps, [0])
