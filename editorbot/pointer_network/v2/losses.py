"""The five losses and what is measured beside them.

Which steps enter which loss: `delta` and `use_jump`, the real steps with a source in the raw;
`jump`, those of them that jump; `stop` and `ops`, all real steps. A padded step enters none. Each
loss is a weighted mean over one song's steps, then a mean over songs, so that neither padding nor
the other songs of a batch change what a song contributes. Rare steps weigh more: a cut, which does
not go on where the last step was, in `delta` and, where it jumps, in `use_jump`; the last step in
`stop`.
"""

import torch
from torch import Tensor
from torch.nn import functional

from editorbot.params import PointerParams
from editorbot.pointer_network.songs import IGNORE
from editorbot.pointer_network.v2.examples import Batch
from editorbot.pointer_network.v2.model import Outputs, bucket_class
from editorbot.train.task import Ratio


def pointer_losses(outputs: Outputs, batch: Batch, *, params: PointerParams) -> dict[str, Tensor]:
    """Raw losses by name, (B,) each: one value per song."""
    jump_buckets = params.dimensions.jump_buckets
    jumps, cuts = batch.use_jump == 1, batch.cut == 1
    pointing = batch.use_jump != IGNORE
    real = batch.stop != IGNORE
    bucket = bucket_class(batch.bucket, jump_buckets=jump_buckets)
    rare_cuts = torch.where(cuts, params.jump_weight, 1.0) * pointing
    # With `linear` most jumps only keep to the line and are as common as other steps.
    rare_jumps = torch.where(jumps & cuts, params.jump_weight, 1.0) * pointing
    stopping = torch.where(batch.stop == 1, params.stop_weight, 1.0) * real
    smoothing = params.label_smoothing
    return {
        "delta": _mean(_classes(outputs.delta, batch.delta, smoothing), rare_cuts),
        "jump": _mean(
            _classes(outputs.jump, torch.where(jumps, bucket, IGNORE), smoothing), jumps.float()
        ),
        "use_jump": _mean(_binary(outputs.use_jump, batch.use_jump), rare_jumps),
        "stop": _mean(_binary(outputs.stop, batch.stop), stopping),
        "ops": _mean(_classes(outputs.ops, batch.ops, smoothing), real.float()),
    }


def _classes(logits: Tensor, target: Tensor, smoothing: float) -> Tensor:
    """(B, T) cross entropy, zero where the target is IGNORE."""
    return functional.cross_entropy(
        logits.float().transpose(1, 2),
        target,
        ignore_index=IGNORE,
        label_smoothing=smoothing,
        reduction="none",
    )


def _binary(logits: Tensor, target: Tensor) -> Tensor:
    """(B, T) binary cross entropy; arbitrary but finite where the target is IGNORE."""
    return functional.binary_cross_entropy_with_logits(
        logits.float(), (target == 1).float(), reduction="none"
    )


def _mean(loss: Tensor, weight: Tensor) -> Tensor:
    """(B,) weighted means over steps; zero for a song without any."""
    total = weight.sum(dim=1)
    return (loss * weight).sum(dim=1) / torch.where(total > 0, total, 1.0)


def pointer_measures(outputs: Outputs, batch: Batch) -> dict[str, Ratio]:
    """Shares of steps, as sums and counts over the batch.

    `delta_accuracy` is the original's; a constant answer nearly reaches 1 in it. What counts is
    `cut_delta_accuracy`, over the steps that do not follow the last one, and how far jumps are
    found: `jump_recall` and `jump_precision` at a threshold of one half.
    """
    pointing = batch.use_jump != IGNORE
    right = (outputs.delta.argmax(dim=-1) == batch.delta) & pointing
    jumps, cuts = batch.use_jump == 1, batch.cut == 1
    found = (outputs.use_jump > 0) & pointing
    return {
        "delta_accuracy": Ratio(right.sum(), pointing.sum()),
        "jump_recall": Ratio((found & jumps).sum(), jumps.sum()),
        "jump_precision": Ratio((found & jumps).sum(), found.sum()),
        "cut_delta_accuracy": Ratio((right & cuts).sum(), cuts.sum()),
    }
