"""The pointer network V2: encoder of the raw, decoder of the edit, and the heads that decide.

A step's decision factors as p(use_jump) p(bucket) p(delta | bucket): the delta head is told the
bucket, the true one in training and the chosen one when running free.
"""

from typing import NamedTuple

from torch import Tensor, nn

from editorbot.params import PointerParams
from editorbot.pointer_network.songs import OPS
from editorbot.pointer_network.v2.decoder import Decoder
from editorbot.pointer_network.v2.encoder import RawEncoder
from editorbot.pointer_network.v2.targets import DELTAS, StepInput


class Outputs(NamedTuple):
    """Logits of T steps."""

    delta: Tensor
    """(B, T, 129), given the bucket."""
    jump: Tensor
    """(B, T, 2 * jump_buckets), the bucket of a jump, without zero; see `bucket_class`."""
    use_jump: Tensor
    """(B, T)."""
    stop: Tensor
    """(B, T), that this step is the last."""
    ops: Tensor
    """(B, T, 8)."""


class PointerNetwork(nn.Module):
    """Songs and the path so far -> decisions.

    Args:
        params: Dimensions and the rule of the expected position.
        n_mels: Mel bands of the features.
        stems: Whether the network has an input for the mels of four stems.
    """

    def __init__(self, params: PointerParams, *, n_mels: int, stems: bool):
        super().__init__()
        size = params.dimensions
        self.params = params
        self.encoder = RawEncoder(size, n_mels=n_mels, stems=stems)
        self.decoder = Decoder(size)
        self.heads = Heads(size.width, jump_buckets=size.jump_buckets)

    def forward(
        self, mel: Tensor, stems: Tensor | None, lengths: Tensor, inputs: StepInput, bucket: Tensor
    ) -> Outputs:
        """Teacher-forced logits of all steps.

        Args:
            mel: (B, M, F), F a multiple of the stride, zero beyond a song's length.
            stems: (B, S, M, F); None goes with a network that has no input for them.
            lengths: (B,) raw steps.
            inputs: Tensors (B, T), scalars (B, T, SCALARS).
            bucket: (B, T) true buckets, 0 where there is no jump.
        """
        recompute = self.training and self.params.gradient_checkpointing
        memory = self.encoder(mel, stems, lengths, recompute=recompute)
        return self.heads(self.decoder(inputs, memory, recompute=recompute), bucket)


class Heads(nn.Module):
    """Hidden states -> logits."""

    def __init__(self, width: int, *, jump_buckets: int):
        super().__init__()
        self.jump_buckets = jump_buckets
        self.use_jump = nn.Linear(width, 1)
        self.stop = nn.Linear(width, 1)
        self.jump = nn.Linear(width, 2 * jump_buckets)
        self.ops = nn.Linear(width, OPS)
        self.bucket = nn.Embedding(2 * jump_buckets + 1, width)
        self.delta = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, DELTAS))

    def forward(self, hidden: Tensor, bucket: Tensor) -> Outputs:
        """(B, T, width) and the (B, T) buckets that delta is given."""
        return Outputs(
            delta=self.delta_given(hidden, bucket),
            jump=self.jump(hidden),
            use_jump=self.use_jump(hidden)[..., 0],
            stop=self.stop(hidden)[..., 0],
            ops=self.ops(hidden),
        )

    def delta_given(self, hidden: Tensor, bucket: Tensor) -> Tensor:
        """(B, T, 129) logits of delta, given (B, T) buckets."""
        return self.delta(hidden + self.bucket(bucket + self.jump_buckets))


def bucket_class(bucket: Tensor, *, jump_buckets: int) -> Tensor:
    """Class of a bucket other than 0 in the jump head: negative ones first."""
    return bucket + jump_buckets - (bucket > 0).long()


def class_bucket(index: Tensor, *, jump_buckets: int) -> Tensor:
    """The bucket of a class of the jump head, the inverse of `bucket_class`."""
    return index - jump_buckets + (index >= jump_buckets).long()
