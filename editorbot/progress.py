"""Progress on the terminal for anything that may take more than a few seconds."""

import time
from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

T = TypeVar("T")
REFRESH_S = 0.1
SHORT_S = 2.0
"""What is usually done within so many seconds needs no bar until it lasts longer."""


def track(
    iterable: Iterable[T], description: str, *, total: int | None = None, after_s: float = 0.0
) -> Iterator[T]:
    """Iterate with a progress bar on standard error, which keeps standard output for results.

    Where standard error is not a terminal (a log file), only one line at the end is written.

    Args:
        iterable: What to iterate over.
        description: What is going on, before the bar.
        total: How many items there are, where `iterable` does not know.
        after_s: Seconds after which the bar appears; what ends before shows nothing.
    """
    if total is None and isinstance(iterable, Sized):
        total = len(iterable)
    begun, done, items = time.monotonic(), 0, iter(iterable)
    while time.monotonic() - begun < after_s:
        try:
            item = next(items)
        except StopIteration:
            return
        yield item
        done += 1
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task, told = bar.add_task(description, total=total, completed=done), time.monotonic()
        for item in items:
            yield item
            done += 1
            # Not each time, for there may be thousands of items in a second.
            if time.monotonic() - told > REFRESH_S:
                bar.update(task, completed=done)
                told = time.monotonic()
        bar.update(task, completed=done, total=done)
