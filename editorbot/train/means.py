"""Means of an epoch's losses and measures, over the batches of all devices."""

import torch

from editorbot.train.task import Ratio, StepResult


class Means:
    """Adds up batches until the epoch's end."""

    def __init__(self) -> None:
        self.sums: dict[str, list[float]] = {}

    def add(self, result: StepResult) -> None:
        """Count one batch: each loss once, under its name with `_loss`, and its measures."""
        one = torch.tensor(1.0)
        losses = {f"{name}_loss": Ratio(loss, one) for name, loss in result.losses.items()}
        for name, ratio in {**losses, **result.measures}.items():
            sums = self.sums.setdefault(name, [0.0, 0.0])
            sums[0] += float(ratio.sum.detach())
            sums[1] += float(ratio.count.detach())

    def take(self, *, devices: int) -> dict[str, float]:
        """The means by name, and a clean slate; every device is to ask for them at once."""
        sums, self.sums = self.sums, {}
        every = [sums]
        if devices > 1:
            every *= devices
            torch.distributed.all_gather_object(every, sums)
        # A device that was given no batch knows no names.
        names = dict.fromkeys(name for sums in every for name in sums)
        means = {}
        for name in names:
            given = [sums[name] for sums in every if name in sums]
            total, count = map(sum, zip(*given, strict=True))
            if count > 0:
                means[name] = total / count
        return means
