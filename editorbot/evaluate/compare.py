"""Compare edit lists with the true ones: one song, or a folder of songs."""

import math
import statistics
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from editorbot.edl.model import Edit
from editorbot.edl.serialize import read_edit
from editorbot.errors import EditorbotError
from editorbot.evaluate.alignment import score_alignment
from editorbot.evaluate.metrics import EditScores, score_edit
from editorbot.progress import track


def pairs_of(found: Path, truth: Path) -> dict[str, tuple[Path, Path]]:
    """{song: (found, true) edit list} of two files, or of two folders by the files' names.

    A song's list may be called SONG_edit.json or SONG.json.

    Raises:
        EditorbotError: One is a file and the other a folder, or no list has its counterpart.
    """
    if found.is_file() and truth.is_file():
        return {_song(truth): (found, truth)}
    if not (found.is_dir() and truth.is_dir()):
        raise EditorbotError(
            f"expected two edit lists or two folders of them, got {found} and {truth}"
        )
    lists = {_song(path): path for path in _lists(found)}
    pairs = {
        _song(path): (lists[_song(path)], path) for path in _lists(truth) if _song(path) in lists
    }
    if not pairs:
        raise EditorbotError(f"no edit list in {found} has a true one of its name in {truth}")
    return pairs


def _lists(folder: Path) -> list[Path]:
    return sorted(p for p in folder.glob("*.json") if not p.stem.endswith(("_info", "_causes")))


def _song(path: Path) -> str:
    return path.stem.removesuffix("_edit")


def print_comparison(found: Path, truth: Path, *, alignment: bool) -> None:
    """Print a row of measures for each song, and their means where there are several songs.

    With `alignment`, `found` claims to be the very edit that `truth` is, and is measured frame by
    frame; without, it is another edit of the same raw. Lists without a counterpart are named.

    Raises:
        EditorbotError: As `pairs_of`, or two lists cannot be compared; names the song.
    """
    pairs = pairs_of(found, truth)
    rows = {}
    for song, (one, other) in track(pairs.items(), "comparing edit lists"):
        try:
            score = score_alignment if alignment else _score_proposal
            scores = asdict(score(read_edit(other), read_edit(one)))
        except ValueError as error:
            raise EditorbotError(f"song {song}: {error}") from error
        rows[song] = {name: value for name, value in scores.items() if _is_known(value)}
    if found.is_dir():
        for folder in (found, truth):
            alone = sorted({_song(path) for path in _lists(folder)} - pairs.keys())
            if alone:
                print(f"left out, in {folder} alone: {', '.join(alone)}")
    _print(rows)


def _score_proposal(truth: Edit, found: Edit) -> EditScores:
    return score_edit(found, truth)


def _is_known(value: float | None) -> bool:
    return value is not None and not math.isnan(value)


def _print(rows: dict[str, dict[str, float]]) -> None:
    columns = list(dict.fromkeys(name for row in rows.values() for name in row))
    table = Table(box=None)
    table.add_column("song", no_wrap=True)
    for name in columns:
        table.add_column(name.replace("_", " "))
    for song, row in rows.items():
        table.add_row(Text(song), *_cells(row, columns))
    if len(rows) > 1:
        means = {
            name: statistics.fmean(row[name] for row in rows.values() if name in row)
            for name in columns
        }
        table.add_row(f"mean of {len(rows)}", *_cells(means, columns))
    longest = max(map(len, rows))
    Console(width=max(100, longest + 12 * len(columns))).print(table)


def _cells(row: dict[str, float], columns: list[str]) -> list[str]:
    return [f"{row[name]:.3f}" if name in row else "–" for name in columns]
