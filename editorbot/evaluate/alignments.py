"""How well the songs' edits were recovered: one row a song, means over the songs.

Without a true edit decision list a song still shows what share of its edit was found in the raw,
how much is left when the edit is rebuilt (null test), and how fast that went.
"""

import csv
import io
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from editorbot.edl.serialize import read_edit
from editorbot.errors import EditorbotError
from editorbot.evaluate.alignment import null_test_db, score_alignment
from editorbot.files import read_json, write_json, write_text
from editorbot.progress import track


@dataclass(frozen=True)
class AlignedSong:
    """A song's edit and what the alignment wrote; `truth` is None where it is not known."""

    name: str
    edited: Path
    found: Path
    info: Path
    truth: Path | None = None


def evaluate_alignments(songs: Sequence[AlignedSong], *, metrics: Path, table: Path) -> None:
    """Measure each song's alignment.

    Args:
        songs: The aligned songs.
        metrics: Gets a JSON of means and numbers of songs, `with_truth` and `all_songs`.
        table: Gets a CSV with a row for each song; what cannot be said is left empty.

    Raises:
        EditorbotError: A file cannot be used, or the truth is of another edit; names the song.
    """
    rows = {song.name: _measure(song) for song in track(songs, "measuring alignments")}
    with_truth = [rows[song.name] for song in songs if song.truth is not None]
    groups = {"all_songs": list(rows.values()), "with_truth": with_truth}
    write_json(metrics, {name: _means(group) for name, group in groups.items() if group})
    _write_rows(table, rows)


def _measure(song: AlignedSong) -> dict[str, float]:
    found, info = read_edit(song.found), read_json(song.info)
    row = {"explained_share": info["explained_share"]}
    if song.truth is None:
        row |= {
            "null_test_db": null_test_db(found, song.edited),
            "real_time_factor": info["edit_s"] / info["wall_s"],
        }
        return row
    try:
        scores = score_alignment(
            read_edit(song.truth),
            found,
            raw=[source.path for source in found.sources],
            edited=song.edited,
            wall_s=info["wall_s"],
        )
    except ValueError as error:
        raise EditorbotError(f"song {song.name}: {song.truth}: {error}") from error
    return row | {name: value for name, value in asdict(scores).items() if value is not None}


def _means(rows: Sequence[dict[str, float]]) -> dict[str, float]:
    """Means of the measures that every row has, and the number of rows."""
    shared = [name for name in rows[0] if all(name in row for row in rows)]
    means = {name: round(statistics.fmean(row[name] for row in rows), 6) for name in shared}
    return {**means, "songs": len(rows)}


def _write_rows(path: Path, rows: dict[str, dict[str, float]]) -> None:
    columns = list(dict.fromkeys(name for row in rows.values() for name in row))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["song", *columns])
    for song, row in rows.items():
        cells = (f"{row[name]:.6f}" if name in row else "" for name in columns)
        writer.writerow([song, *cells])
    write_text(path, text.getvalue())
