"""How many processor cores torch may use."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def cpu_threads(count: int) -> Iterator[None]:
    """Let torch use `count` threads within the block.

    Operations on small tensors gain nothing from a second thread, and where cores are shared with
    other processes the threads wait for each other at every one: training was 15 times slower.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
