"""The songs as a user sees them: what is paired, what is missing, what is stale."""

from pathlib import Path

from rich.console import Console
from rich.table import Table

from editorbot.corpus.songs import Song, find_songs


def state_of(song: Song, results: Path | str) -> str:
    """`new` without an alignment, `stale` where a recording is younger than it, else `ready`."""
    alignment = Path(results) / "pointers" / f"{song.name}_edit.json"
    if not alignment.exists():
        return "new"
    aligned = alignment.stat().st_mtime_ns
    changed = max(path.stat().st_mtime_ns for path in (song.raw, song.edit))
    return "stale" if changed > aligned else "ready"


def print_songs(data: Path, results: Path) -> None:
    """Print a table of the songs below `data`, and a sentence for each half pair."""
    console = Console()
    table = find_songs(data)
    if table.songs:
        rows = Table("song", "raw", "edit", "state", box=None, pad_edge=False)
        for song in table.songs:
            rows.add_row(song.name, str(song.raw), str(song.edit), state_of(song, results))
        console.print(rows)
        console.print("new and stale songs are built by: snakemake --cores all prepare")
    else:
        console.print(
            f"no song yet: put SONG_raw.wav into {data}/input and SONG_edit.wav into "
            f"{data}/desired_output, or make demo songs with: editorbot demo"
        )
    for sentence in table.half_pairs:
        console.print(f"half a pair: {sentence}", soft_wrap=True)
