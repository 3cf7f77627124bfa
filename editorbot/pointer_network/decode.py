"""Free-running decoding: the network's own decisions, step by step, become a path.

The layers keep the keys and values of the last steps and of the raw, so that a step costs the same
however long the path is. Every step is what the teacher-forced forward pass would give for the
same history.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from editorbot.pointer_network.data import pad_frames
from editorbot.pointer_network.decoder import KeyValue
from editorbot.pointer_network.encoder import Memory
from editorbot.pointer_network.model import Outputs, PointerNetwork, class_bucket, device_of
from editorbot.pointer_network.targets import (
    REACH,
    Decision,
    EditPath,
    StepInput,
    stack_inputs,
    step_count,
)
from editorbot.progress import track

STEPS_WITH_PROGRESS = 5_000
"""Longer raws show a progress bar: they take more than a few seconds."""
NEVER = 2.0
"""A threshold that no probability reaches."""


class Decoding(NamedTuple):
    """How logits become decisions; the thresholds are chosen on validation songs."""

    use_jump: float = 0.5
    """A step jumps where the head's sigmoid is above this; `NEVER` forbids jumps."""
    cut: float = 0.5
    """A step that does not jump leaves the line where delta 0 is less likely than 1 minus this;
    serves `expected_position: running`, in which delta 0 goes on."""
    stop: float = 0.5
    """The path ends after a step where the head's sigmoid is above this."""
    compression_ratio: float = 1.0
    """Length of the edit by length of the raw; serves `expected_position: linear` alone."""


class Steps:
    """The decoder, one step at a time.

    Args:
        model: In evaluation mode.
        memory: Of one song (B = 1).
    """

    def __init__(self, model: PointerNetwork, memory: Memory):
        self.model, self.memory = model, memory
        self.lengths = memory.lengths.cpu().numpy()
        self.layers = [layer.prepare(memory) for layer in model.decoder.layers]
        self.past: list[KeyValue | None] = [None] * len(self.layers)
        self.time = 0

    def next(self, inputs: StepInput) -> Tensor:
        """The hidden state (1, 1, width) of the next step."""
        device = self.memory.states.device
        batch = StepInput(*(torch.from_numpy(x)[None].to(device) for x in stack_inputs([inputs])))
        decoder = self.model.decoder
        positions = np.array([[inputs.expected]])
        x = decoder.embed(batch, self.memory, torch.tensor([self.time], device=device))
        for index, layer in enumerate(decoder.layers):
            x, self.past[index] = layer(
                x, self.layers[index], positions, self.lengths, self.past[index]
            )
        self.time += 1
        return decoder.norm(x)


@torch.inference_mode()
def decode_steps(
    model: PointerNetwork,
    mel: np.ndarray,
    stems: np.ndarray | None,
    *,
    decoding: Decoding,
    max_length_ratio: float,
) -> np.ndarray:
    """Propose the path of an edit.

    It ends where the stop head says so, where the raw is at its end and no jump is decided, or at
    `max_length_ratio` times the raw's length.

    Args:
        model: Put into evaluation mode.
        mel: (M, F) of the raw.
        stems: (S, M, F), or None.
        decoding: Thresholds, and the ratio for `linear`.
        max_length_ratio: Steps of the edit by steps of the raw, at most.

    Returns:
        (T,) int64 raw steps, at least one.
    """
    model.eval()
    raw_steps = step_count(mel.shape[-1], model.params.dimensions.stride)
    path = EditPath(
        raw_steps,
        expected_position=model.params.expected_position,
        compression_ratio=decoding.compression_ratio,
    )
    steps = Steps(model, encode_song(model, mel, stems))
    times = range(max(1, int(raw_steps * max_length_ratio)))
    pointers = []
    for _ in track(times, "Deciding, in steps") if raw_steps > STEPS_WITH_PROGRESS else times:
        hidden = steps.next(path.inputs())
        decision = decide(model, hidden, decoding=decoding)
        if path.expected >= raw_steps and decision.bucket == 0 and pointers:
            break
        pointers.append(path.pointer(decision))
        path.advance(pointers[-1], decision)
        if torch.sigmoid(model.heads.stop(hidden)).item() > decoding.stop:
            break
    return np.array(pointers, dtype=np.int64)


def encode_song(model: PointerNetwork, mel: np.ndarray, stems: np.ndarray | None) -> Memory:
    """The memory of one song from its (M, F) mel and (S, M, F) stems."""
    stride, device = model.params.dimensions.stride, device_of(model)
    raw_steps = step_count(mel.shape[-1], stride)
    padded = pad_frames([mel], raw_steps * stride).to(device)
    separated = None if stems is None else pad_frames([stems], raw_steps * stride).to(device)
    return model.encode(padded, separated, torch.tensor([raw_steps], device=device))


def decide(model: PointerNetwork, hidden: Tensor, *, decoding: Decoding) -> Decision:
    """The decision of one step: jump or not, then the bucket, then delta given it."""
    heads, bucket = model.heads, 0
    if torch.sigmoid(heads.use_jump(hidden)).item() > decoding.use_jump:
        index = int(heads.jump(hidden).argmax())
        bucket = class_bucket(index, jump_buckets=heads.jump_buckets)
    given = torch.full(hidden.shape[:2], bucket, device=hidden.device)
    delta = heads.delta_given(hidden, given)[0, 0].float().softmax(dim=-1)
    if bucket == 0 and model.params.expected_position == "running":
        if 1 - delta[REACH].item() <= decoding.cut:
            return Decision(0, 0)
        delta[REACH] = 0
    return Decision(bucket, int(delta.argmax()) - REACH)


@torch.inference_mode()
def teacher_forced(
    model: PointerNetwork,
    mel: np.ndarray,
    stems: np.ndarray | None,
    inputs: StepInput,
    bucket: np.ndarray,
) -> Outputs:
    """Logits (1, T, ...) of one song along a given path: arrays (T,) of inputs and buckets."""
    model.eval()
    memory = encode_song(model, mel, stems)
    device = memory.states.device
    batch = StepInput(*(torch.from_numpy(x)[None].to(device) for x in inputs))
    hidden = model.decoder(batch, memory)
    return model.heads(hidden, torch.from_numpy(bucket)[None].to(device))
