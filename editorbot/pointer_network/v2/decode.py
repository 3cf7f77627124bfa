"""Free-running decoding: the network's own decisions, step by step, become a path.

The layers keep the keys and values of the last steps and of the raw, so that a step costs the same
however long the path is. Every step is what the teacher-forced forward pass would give for the
same history. As nearly all steps go on where the last one was, a block of them is guessed to do so
and computed at once; what follows the first wrong guess is thrown away (speculative decoding,
Leviathan et al. 2023, with a draft that costs nothing). The path is that of single steps.
"""

from collections.abc import Iterator
from itertools import islice, takewhile
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from editorbot.nn.modules import device_of
from editorbot.pointer_network.songs import Frames
from editorbot.pointer_network.v2.decoder import KeyValue
from editorbot.pointer_network.v2.encoder import Memory
from editorbot.pointer_network.v2.examples import pad_frames
from editorbot.pointer_network.v2.model import Outputs, PointerNetwork, class_bucket
from editorbot.pointer_network.v2.targets import (
    REACH,
    Decision,
    EditPath,
    StepInput,
    stack_inputs,
    step_count,
)
from editorbot.progress import track

SMALLEST_GUESS, LARGEST_GUESS = 8, 256
"""Steps computed at once: the first after a wrong guess, and at most."""
NEVER = 2.0
"""A threshold that no probability reaches."""
FRAMES_AT_ONCE = 8192
"""Frames of the features that are in memory as floats; two chunks of their stores."""


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
    """The decoder over one path, some steps at a time.

    Args:
        model: In evaluation mode.
        memory: Of one song (B = 1).
    """

    def __init__(self, model: PointerNetwork, memory: Memory):
        self.decoder, self.memory = model.decoder, memory
        self.lengths = memory.lengths.cpu().numpy()
        self.layers = [layer.prepare(memory) for layer in model.decoder.layers]
        self.past: list[KeyValue | None] = [None] * len(self.layers)
        self.tried: list[KeyValue] = []
        self.time = 0

    def attempt(self, inputs: list[StepInput]) -> Tensor:
        """Hidden states (1, T, width) of the next T steps; `keep` says how many were right."""
        stacked, device = stack_inputs(inputs), self.memory.states.device
        batch = StepInput(*(torch.from_numpy(x)[None].to(device) for x in stacked))
        times = torch.arange(self.time, self.time + len(inputs), device=device)
        x = self.decoder.embed(batch, self.memory, times)
        self.tried = []
        for layer, memory, past in zip(self.decoder.layers, self.layers, self.past, strict=True):
            x, tried = layer(x, memory, stacked.expected[None], self.lengths, past)
            self.tried.append(tried)
        return self.decoder.norm(x)

    def keep(self, count: int) -> None:
        """Let the first `count` of the steps just attempted become the past."""
        for index, (past, tried) in enumerate(zip(self.past, self.tried, strict=True)):
            end = count + (0 if past is None else past.key.shape[1])
            # The next step sees window - 1 earlier ones beside itself.
            start = max(0, end - self.decoder.self_window + 1)
            self.past[index] = KeyValue(*(x[:, start:end] for x in tried))
        self.time += count


@torch.inference_mode()
def decode_steps(
    model: PointerNetwork,
    mel: Frames,
    stems: Frames | None,
    *,
    decoding: Decoding,
    max_length_ratio: float,
    most_cuts: int | None = None,
    progress: bool = False,
) -> np.ndarray:
    """Propose the path of an edit.

    It ends where the stop head says so, where the raw is at its end and no way back is decided,
    where `linear` expects the edit to end, or at `max_length_ratio` times the raw's length.

    Args:
        model: Put into evaluation mode.
        mel: (M, F) of the raw.
        stems: (S, M, F); None goes with a network that has no input for them.
        decoding: Thresholds, and the ratio for `linear`.
        max_length_ratio: Steps of the edit by steps of the raw, at most.
        most_cuts: End the path before it leaves the line more often than this.
        progress: Whether to show a progress bar.

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
    longest = max(1, int(raw_steps * max_length_ratio))
    pointers = islice(_run_free(model, steps, path, decoding), longest)
    if most_cuts is not None:
        pointers = takewhile(lambda _: path.cuts <= most_cuts, pointers)
    if progress:
        pointers = track(pointers, "Deciding, in steps", total=raw_steps)
    return np.array(list(pointers), dtype=np.int64)


def _run_free(
    model: PointerNetwork, steps: Steps, path: EditPath, decoding: Decoding
) -> Iterator[int]:
    """Yield raw steps until the path ends by itself."""
    size = SMALLEST_GUESS
    while True:
        inputs, guesses = _guess(path, size, jump_buckets=model.heads.jump_buckets)
        decisions, stops = decide(model, steps.attempt(inputs), decoding=decoding)
        for decision, stop, guess in zip(decisions, stops, guesses, strict=True):
            if path.ends_with(decision):
                return
            pointer = path.pointer(decision)
            path.advance(pointer, decision)
            yield pointer
            if stop:
                return
            if decision != guess:
                break
        steps.keep(path.time - steps.time)
        size = min(2 * size, LARGEST_GUESS) if decision == guess else SMALLEST_GUESS


def _guess(
    path: EditPath, size: int, *, jump_buckets: int
) -> tuple[list[StepInput], list[Decision]]:
    """Inputs and decisions of the next steps, at most `size`, if each goes on after the last."""
    path, inputs, guesses = path.copy(), [], []
    for _ in range(size):
        inputs.append(path.inputs())
        pointer = min(path.previous + 1, path.raw_steps - 1)
        guesses.append(path.decision(pointer, jump_buckets=jump_buckets))
        if path.expected >= path.raw_steps:
            break
        path.advance(path.pointer(guesses[-1]), guesses[-1])
    return inputs, guesses


def encode_song(model: PointerNetwork, mel: Frames, stems: Frames | None) -> Memory:
    """The memory of one song from its (M, F) mel and (S, M, F) stems, read in blocks."""
    stride, device = model.params.dimensions.stride, device_of(model)
    block = max(1, FRAMES_AT_ONCE // stride) * stride
    patches = []
    for start in range(0, mel.shape[-1], block):
        parts = [
            None if features is None else features[..., start : start + block]
            for features in (mel, stems)
        ]
        frames = step_count(parts[0].shape[-1], stride) * stride
        padded = (None if x is None else pad_frames([x], frames).to(device) for x in parts)
        patches.append(model.encoder.patches(*padded))
    lengths = torch.tensor([step_count(mel.shape[-1], stride)], device=device)
    return model.encoder.relate(torch.cat(patches, dim=-1), lengths)


def decide(
    model: PointerNetwork, hidden: Tensor, *, decoding: Decoding
) -> tuple[list[Decision], list[bool]]:
    """Decisions of (1, T, width) steps, and whether the path stops after them.

    A step jumps or not, then takes the likeliest bucket, then the likeliest delta given it.
    """
    heads = model.heads
    jumps = torch.sigmoid(heads.use_jump(hidden)[0, :, 0]) > decoding.use_jump
    classes = heads.jump(hidden)[0].argmax(dim=-1)
    bucket = torch.where(jumps, class_bucket(classes, jump_buckets=heads.jump_buckets), 0)
    delta = heads.delta_given(hidden, bucket[None])[0].float().softmax(dim=-1)
    if model.params.expected_position == "running":
        stays = ~jumps & (1 - delta[:, REACH] <= decoding.cut)
        delta[:, REACH] = torch.where(stays, 1.0, torch.where(jumps, delta[:, REACH], -1.0))
    chosen = (delta.argmax(dim=-1) - REACH).tolist()
    stops = torch.sigmoid(heads.stop(hidden)[0, :, 0]) > decoding.stop
    decisions = [Decision(*pair) for pair in zip(bucket.tolist(), chosen, strict=True)]
    return decisions, stops.tolist()


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
